import { assertEquals } from "@std/assert";
import { batchOf } from "../log_testing.ts";
import { fittingBatches, type ReadLimits } from "./fitting_batches.ts";

/** Batches of two records each, or empty ones, at offsets 0, 2, 4 and so on. */
function batches(...kinds: ("full" | "empty")[]): { bytes: Uint8Array; positions: number[] } {
  const positions = [0];
  const parts = kinds.map((kind, i) => {
    const batch = batchOf(["a", "b"], { baseOffset: i * 2 });
    const { bytes } = batch;
    if (kind === "empty") new DataView(bytes.buffer, bytes.byteOffset).setInt32(57, 0);
    positions.push(positions.at(-1)! + bytes.length);
    return bytes;
  });
  const bytes = new Uint8Array(positions.at(-1)!);
  for (const [i, part] of parts.entries()) bytes.set(part, positions[i]);
  return { bytes, positions };
}

const LIMITS: ReadLimits = { offset: 0, maxBytes: 1e6, maxOffset: Infinity, minOneBatch: true };

/** First and last batch of the result, by index, and the next offset. */
function found(
  { bytes, positions }: ReturnType<typeof batches>,
  limits: Partial<ReadLimits>,
  size = bytes.length,
): [from: number, to: number, nextOffset: number] {
  const { position, endPosition, nextOffset } = fittingBatches(bytes, size, {
    ...LIMITS,
    ...limits,
  });
  return [positions.indexOf(position), positions.indexOf(endPosition), nextOffset];
}

Deno.test("fittingBatches() selects from the batch that contains the offset, up to the limits", () => {
  const log = batches("full", "full", "full", "full");
  const size = log.positions[1]!;
  assertEquals(found(log, {}), [0, 4, 8]);
  assertEquals(found(log, { offset: 3 }), [1, 4, 8]);
  assertEquals(found(log, { offset: 3, maxBytes: 2 * size }), [1, 3, 6]);
  assertEquals(found(log, { offset: 3, maxBytes: 2 * size - 1 }), [1, 2, 4]);
  assertEquals(found(log, { maxOffset: 5 }), [0, 2, 4]);
  assertEquals(found(log, {}, log.positions[3]), [0, 3, 6]);
  assertEquals(found(log, { offset: 8 }), [4, 4, 8]);
});

Deno.test("fittingBatches() returns a first batch that is too large only with minOneBatch (KIP-74)", () => {
  const log = batches("full", "full");
  assertEquals(found(log, { maxBytes: 1 }), [0, 1, 2]);
  assertEquals(found(log, { maxBytes: 1, minOneBatch: false }), [0, 0, 0]);
  assertEquals(found(log, { maxBytes: 1, maxOffset: 1 }), [0, 0, 0]);
});

Deno.test("fittingBatches() leaves out empty batches at the start and end", () => {
  const log = batches("empty", "full", "empty", "full", "empty");
  assertEquals(found(log, {}), [1, 4, 8]);
  assertEquals(found(log, { offset: 4 }), [3, 4, 8]);
  assertEquals(found(log, { maxOffset: 6 }), [1, 2, 4]);
  assertEquals(found(log, { offset: 8 }), [5, 5, 8]);
});
