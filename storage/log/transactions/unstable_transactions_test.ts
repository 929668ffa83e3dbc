import { assertEquals } from "@std/assert";
import { Random } from "../../../protocol/random_testing.ts";
import { UnstableTransactions } from "./unstable_transactions.ts";

Deno.test("UnstableTransactions.firstUnstableOffset() counts a transaction until the high watermark is past its marker", () => {
  const transactions = new UnstableTransactions();
  assertEquals(transactions.firstUnstableOffset(0), undefined);
  transactions.begin(2, 7);
  assertEquals(transactions.firstUnstableOffset(9), 2);
  transactions.begin(4, 8);
  transactions.end(2, 6);
  assertEquals(transactions.firstUnstableOffset(6), 2);
  assertEquals(transactions.firstUnstableOffset(7), 4);
  transactions.end(4, 7);
  assertEquals(transactions.firstUnstableOffset(7), 4);
  assertEquals(transactions.firstUnstableOffset(8), undefined);
  // What the high watermark was past stays decided: markers below it are committed.
  assertEquals(transactions.firstUnstableOffset(6), undefined);
  assertEquals(transactions.knownFrom, 8);
});

Deno.test("UnstableTransactions.firstUnstableOffset() finds a long transaction among short ones, in any order of markers", () => {
  const transactions = new UnstableTransactions();
  transactions.begin(0, 1);
  transactions.begin(1, 2);
  transactions.end(1, 2);
  transactions.begin(3, 2);
  transactions.end(3, 4);
  transactions.end(0, 5);
  transactions.begin(6, 2);
  transactions.end(6, 7);
  assertEquals(transactions.firstUnstableOffset(3), 0);
  assertEquals(transactions.firstUnstableOffset(6), 6);
});

Deno.test("UnstableTransactions.firstUnstableOffset() keeps bounded memory for a high watermark that stands still", () => {
  const transactions = new UnstableTransactions();
  for (let offset = 0; offset < 20_000; offset += 2) {
    transactions.begin(offset, 1);
    transactions.end(offset, offset + 1);
  }
  assertEquals(transactions.firstUnstableOffset(0), 0);
  const lower = transactions.firstUnstableOffset(10_000)!;
  assertEquals(lower <= 10_000 && lower > 9_980, true, `${lower}`);
  assertEquals(transactions.firstUnstableOffset(20_000), undefined);
});

Deno.test("UnstableTransactions.firstUnstableOffset() agrees with a search of all transactions", () => {
  const random = new Random(20_261_130);
  for (let run = 0; run < 200; run++) {
    const transactions = new UnstableTransactions();
    const all: { firstOffset: number; lastOffset: number }[] = [];
    let highWatermark = 0;
    for (let offset = 0; offset < 60; offset++) {
      const open = all.filter(({ lastOffset }) => lastOffset === Infinity);
      if (open.length > 0 && random.chance(0.4)) {
        const ended = random.pick(open);
        ended.lastOffset = offset;
        transactions.end(ended.firstOffset, offset);
      } else if (random.chance(0.6)) {
        transactions.begin(offset, offset);
        all.push({ firstOffset: offset, lastOffset: Infinity });
      }
      if (random.chance(0.3)) highWatermark += random.below(offset + 2 - highWatermark);
      const undecided = all.filter(({ lastOffset }) => lastOffset >= highWatermark)
        .map(({ firstOffset }) => firstOffset);
      const expected = undecided.length === 0 ? undefined : Math.min(...undecided);
      assertEquals(transactions.firstUnstableOffset(highWatermark), expected);
    }
  }
});
