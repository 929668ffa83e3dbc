import { assertEquals } from "@std/assert";
import { RecordBatchBuilder } from "../../protocol/records/record_batch_builder.ts";
import { WakeSignal } from "../connection/wake_signal.ts";
import { fetchedBatches } from "../consumer/fetched_batches.ts";
import { PartitionReader } from "../consumer/partition_reader.ts";
import { HeldPartitions } from "./held_partitions.ts";

const OPTIONS = { checkCrcs: false, onCorruptBatch: undefined };

/** Two partitions of topic `a` with `count` messages each, of which none is committed. */
function setup(count = 3) {
  const news = new WakeSignal();
  const held = new HeldPartitions(news);
  const readers = [0, 1].map((partition) => {
    const builder = new RecordBatchBuilder();
    for (let i = 0; i < count; i++) builder.append(1, null, `${i}`);
    const reader = new PartitionReader("a", partition, OPTIONS, () => {});
    reader.seek(0);
    reader.accept(fetchedBatches(builder.build(), 0, null));
    held.add({
      reader,
      topicId: undefined,
      startOffset: 0,
      hasReturned: false,
      doneOffset: 0,
      committedOffset: -1,
      isWithheld: false,
    });
    return reader;
  });
  /** The offsets to commit, by partition. */
  const uncommitted = (...names: string[]) =>
    held.uncommitted(names.length > 0 ? new Set(names) : undefined)
      .map(({ partition, offset }) => [partition, offset]);
  return { held, news, first: readers[0]!, second: readers[1]!, uncommitted };
}

Deno.test("HeldPartitions.uncommitted() has returned messages only once they are processed", () => {
  const { held, first, uncommitted } = setup();
  first.take(2, []);
  assertEquals(uncommitted(), [[0, 0], [1, 0]]);
  assertEquals(held.uncommittedPositions().map(({ offset }) => offset), [2, 0]);
  held.markDone();
  assertEquals(uncommitted(), [[0, 2], [1, 0]]);
  assertEquals(uncommitted("a-1"), [[1, 0]]);
  held.onCommitted([{ topic: "a", partition: 0, offset: 2 }]);
  assertEquals(uncommitted(), [[1, 0]]);
});

Deno.test("HeldPartitions.markCurrentDone() marks the message of an iterator, and no later one", () => {
  const { held, first, second, uncommitted } = setup();
  held.setCurrent(first.next());
  held.markCurrentDone();
  assertEquals(uncommitted("a-0"), [[0, 1]]);
  // The turn of the next partition.
  held.setCurrent(second.next());
  first.take(1, []);
  held.markCurrentDone();
  assertEquals(uncommitted(), [[0, 1], [1, 1]]);
});

Deno.test("HeldPartitions.isBusy() is true until returned messages are processed or committed", () => {
  const { held, first, second } = setup();
  first.take(2, []);
  second.take(2, []);
  const both = new Set(["a-0", "a-1"]);
  assertEquals([held.isBusy(both), held.isBusy(new Set())], [true, false]);
  held.onCommitting([{ topic: "a", partition: 0, offset: 2 }]);
  assertEquals([held.isBusy(new Set(["a-0"])), held.isBusy(both)], [false, true]);
  // An offset beyond the position declares nothing.
  held.onCommitting([{ topic: "a", partition: 1, offset: 99 }]);
  assertEquals(held.isBusy(both), true);
  held.markDone();
  assertEquals(held.isBusy(both), false);
});

Deno.test("HeldPartitions.waitForNews() declares all messages processed, also those skipped meanwhile", async () => {
  const { held, news, first, uncommitted } = setup();
  first.take(1, []);
  const waiting = held.waitForNews(60_000);
  assertEquals([held.isAwaited, uncommitted("a-0")], [true, [[0, 1]]]);
  first.take(1, []);
  assertEquals(uncommitted("a-0"), [[0, 2]]);
  assertEquals(held.isBusy(new Set(["a-0"])), false);
  news.notify();
  assertEquals([await waiting, held.isAwaited], [true, false]);
});

Deno.test("HeldPartitions notifies when a withheld partition is processed", async () => {
  const { held, news, first } = setup();
  first.take(1, []);
  held.withhold("a-0", true);
  assertEquals(held.readable.map(({ partition }) => partition), [1]);
  const waiting = news.wait(60_000);
  held.markDone();
  assertEquals(await waiting, true);
});

Deno.test("HeldPartitions.seek() sets what is committed, and forgets the message of an iterator", () => {
  const { held, first, uncommitted } = setup();
  held.setCurrent(first.next());
  held.seek(held.get("a", 0)!, 7);
  held.markCurrentDone();
  assertEquals([first.position, uncommitted("a-0")], [7, [[0, 7]]]);
});

Deno.test("HeldPartitions.readable is the same list until partitions change", () => {
  const { held, first } = setup();
  const { readable } = held;
  held.markDone();
  assertEquals(held.readable === readable, true);
  assertEquals(held.remove("a-1")?.partition, 1);
  assertEquals(held.remove("a-1"), undefined);
  assertEquals(held.readable, [first]);
  assertEquals(held.partitions, [{ topic: "a", partition: 0 }]);
});

Deno.test("HeldPartitions.waitingFor names pauses, messages to ask for and failures", () => {
  const { held, first, second } = setup(1);
  assertEquals(held.waitingFor, "the program to ask for messages");
  first.next();
  second.next();
  assertEquals(held.waitingFor, "messages");
  second.failures = 2;
  assertEquals(held.waitingFor, '"a-1" to be fetched again after 2 failures');
  first.isPaused = second.isPaused = true;
  assertEquals(held.waitingFor, "resume() of its partitions");
});
