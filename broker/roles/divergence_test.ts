import { assertEquals } from "@std/assert";
import { divergence, divergenceWithoutRecords, mayCut, truncationOffset } from "./divergence.ts";

/** A leader with epoch 1 up to offset 5, and epoch 4 up to 9. */
function endOf(epoch: number) {
  if (epoch >= 4) return { epoch: 4, endOffset: 9 };
  return epoch >= 1 ? { epoch: 1, endOffset: 5 } : { epoch: -1, endOffset: -1 };
}

Deno.test("divergence() finds nothing for a prefix of the leader's log", () => {
  for (const [lastFetchedEpoch, fetchOffset] of [[-1, 0], [1, 3], [1, 5], [4, 9]] as const) {
    assertEquals(divergence({ lastFetchedEpoch, fetchOffset }, endOf), undefined);
  }
});

Deno.test("divergence() names the end of the last epoch that both may have", () => {
  const at = (lastFetchedEpoch: number, fetchOffset: number) =>
    divergence({ lastFetchedEpoch, fetchOffset }, endOf);
  assertEquals(at(1, 6), { epoch: 1, endOffset: 5 });
  assertEquals(at(3, 7), { epoch: 1, endOffset: 5 });
  assertEquals(at(4, 10), { epoch: 4, endOffset: 9 });
  assertEquals(at(0, 1), { epoch: -1, endOffset: -1 });
});

Deno.test("divergenceWithoutRecords() is the leader's end, for a log that begins after it", () => {
  const end = { epoch: 4, endOffset: 9 };
  const at = (lastFetchedEpoch: number, fetchOffset: number) =>
    divergenceWithoutRecords({ lastFetchedEpoch, fetchOffset }, end);
  assertEquals(at(-1, 10), end);
  assertEquals([at(-1, 9), at(4, 10)], [undefined, undefined]);
});

Deno.test("truncationOffset() is where the named epoch ends first", () => {
  assertEquals(truncationOffset({ epoch: 1, endOffset: 5 }, 7), 5);
  assertEquals(truncationOffset({ epoch: 1, endOffset: 5 }, 3), 3);
  assertEquals(truncationOffset({ epoch: -1, endOffset: -1 }, 3), 0);
});

Deno.test("mayCut() refuses to cut below the high watermark unless an unclean election allows it", () => {
  const cut = { offset: 5, highWatermark: 5, latestEpoch: 3, uncleanEpoch: -1 };
  assertEquals(mayCut(cut), true);
  assertEquals(mayCut({ ...cut, highWatermark: 6 }), false);
  assertEquals(mayCut({ ...cut, highWatermark: 6, uncleanEpoch: 3 }), false);
  assertEquals(mayCut({ ...cut, highWatermark: 6, uncleanEpoch: 4 }), true);
});
