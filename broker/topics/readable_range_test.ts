import { assertEquals, assertRejects } from "@std/assert";
import { OffsetOutOfRangeError } from "../../storage/errors.ts";
import { ReadableRange } from "./readable_range.ts";

Deno.test("ReadableRange wakes those who wait when an offset advances, and not otherwise", () => {
  const range = new ReadableRange(2, 5);
  range.advance(6);
  const woken: string[] = [];
  const unsubscribe = range.subscribe(() => woken.push("consumer"));
  const unsubscribeReplica = range.subscribeReplica(() => woken.push("replica"));
  range.advance(6);
  range.advanceStart(2);
  assertEquals(woken, []);
  range.advance(7);
  assertEquals(woken.splice(0), ["consumer", "replica"]);
  range.advanceStart(3);
  assertEquals(woken.splice(0), ["consumer", "replica"]);
  range.notifyReplicas();
  assertEquals(woken.splice(0), ["replica"]);
  unsubscribe();
  range.notify();
  assertEquals(woken.splice(0), ["replica"]);
  unsubscribeReplica();
  range.notify();
  range.notifyReplicas();
  assertEquals(woken, []);
  assertEquals([range.startOffset, range.highWatermark], [3, 7]);
});

Deno.test("ReadableRange.subscribe() callbacks may unsubscribe while they are called", () => {
  const range = new ReadableRange(0, 0);
  let count = 0;
  const unsubscribes = [1, 2, 3].map(() =>
    range.subscribe(() => {
      count++;
      for (const unsubscribe of unsubscribes) unsubscribe();
    })
  );
  range.advance(1);
  range.advance(2);
  assertEquals(count, 3);
});

Deno.test("ReadableRange.cut() and restart() move both offsets with the log", () => {
  const range = new ReadableRange(2, 9);
  range.cut(12);
  assertEquals([range.startOffset, range.highWatermark], [2, 9]);
  range.cut(4);
  assertEquals([range.startOffset, range.highWatermark], [2, 4]);
  range.cut(1);
  assertEquals([range.startOffset, range.highWatermark], [1, 1]);
  range.restart(20);
  assertEquals([range.startOffset, range.highWatermark], [20, 20]);
});

Deno.test("ReadableRange.throwAfterTrim() throws once a deletion that the error may be due to is shown", async () => {
  const range = new ReadableRange(0, 9);
  const written = Promise.withResolvers<void>();
  const trimmed = range.trim(async () => {
    await written.promise;
    range.advanceStart(5);
  });
  assertEquals(range.isTrimming, true);
  let startWhenThrown: number | undefined;
  const thrown = assertRejects(
    () => range.throwAfterTrim(3, new OffsetOutOfRangeError("read from", 3, 5, 9)),
    OffsetOutOfRangeError,
  ).then(() => startWhenThrown = range.startOffset);
  written.resolve();
  await trimmed;
  await thrown;
  assertEquals([startWhenThrown, range.isTrimming], [5, false]);
  await assertRejects(() => range.throwAfterTrim(3, new Error("other")), Error, "other");
});

Deno.test("ReadableRange.subscribeStable() wakes only when the last stable offset moves", () => {
  let unstable: number | undefined = 3;
  const range = new ReadableRange(0, 2, { firstUnstableOffset: () => unstable });
  assertEquals(range.lastStableOffset, 2);
  let woken = 0;
  const unsubscribe = range.subscribeStable(() => woken++);
  range.advance(4);
  assertEquals([range.lastStableOffset, woken], [3, 1]);
  range.advance(6);
  range.notifyReplicas();
  assertEquals([range.lastStableOffset, woken], [3, 1]);
  unstable = 5;
  range.advance(7);
  assertEquals([range.lastStableOffset, woken], [5, 2]);
  range.notify();
  assertEquals(woken, 3, "another may lead now");
  // After a cut the same offsets are reached again.
  range.cut(4);
  unstable = undefined;
  range.advance(5);
  assertEquals([range.lastStableOffset, woken], [5, 4]);
  unsubscribe();
  range.advance(9);
  assertEquals(woken, 4);
});

Deno.test("ReadableRange.lastStableOffset is at least the start offset", () => {
  const range = new ReadableRange(0, 9, { firstUnstableOffset: () => 2 });
  assertEquals(range.lastStableOffset, 2);
  range.advanceStart(5);
  assertEquals(range.lastStableOffset, 5);
});
