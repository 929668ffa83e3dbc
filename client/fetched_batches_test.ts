import { assertEquals } from "@std/assert";
import { RecordBatchBuilder } from "../protocol/records/record_batch_builder.ts";
import { joinBytes } from "../protocol/writer.ts";
import { fetchedBatches } from "./fetched_batches.ts";

function batch(baseOffset: number, count: number, options = {}): Uint8Array {
  const builder = new RecordBatchBuilder({ baseOffset, ...options });
  for (let i = 0; i < count; i++) builder.append(1, null, `${i}`);
  return builder.build();
}

function marker(baseOffset: number, producerId: number, type: number): Uint8Array {
  const builder = new RecordBatchBuilder({
    baseOffset,
    producerId,
    producerEpoch: 0,
    isTransactional: true,
    isControl: true,
  });
  builder.append(1, Uint8Array.of(0, 0, 0, type), new Uint8Array(6));
  return builder.build();
}

function joined(...batches: Uint8Array[]): Uint8Array {
  return joinBytes(batches, batches.reduce((size, { length }) => size + length, 0));
}

function places(
  bytes: Uint8Array,
  fetchOffset: number,
  aborted: { producerId: number; firstOffset: number }[] | null = null,
) {
  const { batches, nextOffset } = fetchedBatches(bytes, fetchOffset, aborted);
  return {
    batches: batches.map((one) => [one.batch.baseOffset, one.nextOffset]),
    nextOffset,
  };
}

Deno.test("fetchedBatches() says where to go on behind each batch", () => {
  assertEquals(places(joined(batch(10, 3), batch(13, 2)), 10), {
    batches: [[10, 13], [13, 15]],
    nextOffset: 15,
  });
});

Deno.test("fetchedBatches() keeps the batch that holds the offset and drops those before", () => {
  assertEquals(places(joined(batch(0, 3), batch(3, 3)), 4), { batches: [[3, 6]], nextOffset: 6 });
});

Deno.test("fetchedBatches() leaves out a batch that is cut off", () => {
  const bytes = joined(batch(0, 3), batch(3, 3));
  assertEquals(places(bytes.subarray(0, bytes.length - 1), 0), {
    batches: [[0, 3]],
    nextOffset: 3,
  });
  assertEquals(places(bytes.subarray(0, 30), 0), { batches: [], nextOffset: 0 });
  assertEquals(places(new Uint8Array(0), 7), { batches: [], nextOffset: 7 });
});

Deno.test("fetchedBatches() goes past control batches", () => {
  const bytes = joined(batch(0, 2), marker(2, 1, 1), batch(3, 1), marker(4, 1, 1));
  assertEquals(places(bytes, 0), { batches: [[0, 3], [3, 5]], nextOffset: 5 });
  assertEquals(places(marker(9, 1, 1), 9), { batches: [], nextOffset: 10 });
});

Deno.test("fetchedBatches() goes past batches that compaction has emptied", () => {
  const empty = batch(0, 1);
  const view = new DataView(empty.buffer, empty.byteOffset);
  view.setInt32(8, 61 - 12);
  view.setInt32(57, 0);
  assertEquals(places(joined(empty.subarray(0, 61), batch(1, 1)), 0), {
    batches: [[1, 2]],
    nextOffset: 2,
  });
});

Deno.test("fetchedBatches() leaves out aborted transactions, each up to its end", () => {
  const written = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  const bytes = joined(
    batch(0, 1, written),
    batch(1, 1),
    marker(2, 1, 0),
    batch(3, 1, written),
    marker(4, 1, 1),
  );
  const aborted = [{ producerId: 1, firstOffset: 0 }];
  assertEquals(places(bytes, 0, aborted), { batches: [[1, 3], [3, 5]], nextOffset: 5 });
  assertEquals(places(bytes, 0), { batches: [[0, 1], [1, 3], [3, 5]], nextOffset: 5 });
});

Deno.test("fetchedBatches() keeps what a producer wrote outside its aborted transactions", () => {
  const written = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  const aborted = [{ producerId: 1, firstOffset: 5 }];
  assertEquals(places(joined(batch(3, 2, written), batch(5, 1, written)), 3, aborted), {
    batches: [[3, 6]],
    nextOffset: 6,
  });
});
