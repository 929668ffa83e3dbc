import { assertEquals } from "@std/assert";
import { RefusedBatches } from "./refused_batches.ts";

function batch(baseSequence: number, producerId = 1, producerEpoch = 0) {
  return { producerId, producerEpoch, baseSequence };
}

Deno.test("RefusedBatches.errorAfter() is that of the batch before, and only of its producer and epoch", () => {
  const refused = new RefusedBatches();
  refused.note(batch(5), 6, 0);
  refused.note(batch(7), 6, 0);
  assertEquals(refused.errorAfter(batch(6), 100), 6);
  assertEquals(refused.errorAfter(batch(9), 100), 6);
  assertEquals(refused.errorAfter(batch(5), 100), undefined, "the batch itself");
  assertEquals(refused.errorAfter(batch(4), 100), undefined, "an earlier one");
  assertEquals(refused.errorAfter(batch(6, 2), 100), undefined);
  assertEquals(refused.errorAfter(batch(6, 1, 1), 100), undefined);
});

Deno.test("RefusedBatches.errorAfter() counts on after the largest sequence", () => {
  const refused = new RefusedBatches();
  refused.note(batch(2 ** 31 - 2), 6, 0);
  assertEquals(refused.errorAfter(batch(2 ** 31 - 1), 0), 6);
  assertEquals(refused.errorAfter(batch(3), 0), 6);
  assertEquals(refused.errorAfter(batch(2 ** 31 - 3), 0), undefined);
});

Deno.test("RefusedBatches forgets what was refused long ago, and has room for a hundred producers", () => {
  const refused = new RefusedBatches();
  refused.note(batch(5), 6, 0);
  assertEquals(refused.errorAfter(batch(6), 5000), 6);
  assertEquals(refused.errorAfter(batch(6), 5001), undefined);
  refused.note(batch(8), 19, 5001);
  assertEquals(refused.errorAfter(batch(7), 5001), undefined);
  assertEquals(refused.errorAfter(batch(9), 5001), 19);
  for (let id = 2; id <= 101; id++) refused.note(batch(5, id), 6, 5001);
  assertEquals(refused.errorAfter(batch(9), 5001), undefined);
  assertEquals(refused.errorAfter(batch(6, 2), 5001), 6);
});

Deno.test("RefusedBatches.note() takes no batch without a producer id", () => {
  const refused = new RefusedBatches();
  refused.note(batch(-1, -1, -1), 6, 0);
  assertEquals(refused.errorAfter(batch(1, -1, -1), 0), undefined);
});
