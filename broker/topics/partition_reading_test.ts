import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { RecordBatch } from "../../protocol/records/mod.ts";
import { MemoryFileSystem, OffsetOutOfRangeError } from "../../storage/mod.ts";
import { TestBroker, valuesFrom } from "../broker_testing.ts";
import { HeldSyncFileSystem } from "../held_sync_testing.ts";
import { ANY, append, codeRejected } from "./partition_testing.ts";

Deno.test("Partition.logStartOffset shows no deletion that a crash could undo", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  append(partition, 1, "one", "two");
  fs.hold();
  const deleted = [partition.deleteRecordsBefore(2), partition.deleteRecordsBefore(1)];
  assertEquals(partition.logStartOffset, 0);
  fs.release();
  await Promise.all(deleted);
  assertEquals(partition.logStartOffset, 2);
});

Deno.test("Partition.read() rejects an offset that is being deleted once logStartOffset says so", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  append(partition, 1, "one", "two", "three");
  fs.hold();
  const deleted = partition.deleteRecordsBefore(2);
  const starts = [0, 1].map(async (offset) => {
    await assertRejects(async () => await partition.read(offset, ANY), OffsetOutOfRangeError);
    return partition.logStartOffset;
  });
  assertEquals(await valuesFrom(partition, 2), ["three"]);
  assertEquals(partition.logStartOffset, 0);
  fs.release();
  assertEquals(await Promise.all(starts), [2, 2]);
  await deleted;
  assertThrows(() => partition.read(1, ANY), OffsetOutOfRangeError);
});

Deno.test("Partition.read() rejects an offset in a segment that retention deletes once logStartOffset says so", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a", { configs: new Map([["retention.bytes", "0"]]) });
  append(partition, 1, "one");
  const retention = partition.applyRetention(Date.now());
  const startWhenRejected = async () => {
    for (;;) {
      try {
        await partition.read(0, ANY);
      } catch (error) {
        assertInstanceOf(error, OffsetOutOfRangeError);
        return partition.logStartOffset;
      }
    }
  };
  assertEquals(await startWhenRejected(), 1);
  assertEquals(await retention, 1);
});

Deno.test("Partition.read() is bounded by log start offset, log end offset and high watermark", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  append(partition, 1, "one", "two");
  await partition.deleteRecordsBefore(1);
  fs.hold();
  const { committed } = append(partition, -1, "three");
  assertThrows(() => partition.read(0, ANY), OffsetOutOfRangeError);
  assertThrows(() => partition.read(4, ANY), OffsetOutOfRangeError);
  for (const offset of [2, 3]) {
    assertEquals(partition.read(offset, ANY), { chunks: [], sizeInBytes: 0, nextOffset: offset });
  }
  assertEquals(await valuesFrom(partition, 1), ["two"]);
  fs.release();
  await committed;
});

Deno.test("Partition.read() from within a batch returns the batch that contains the offset", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  append(partition, 1, "one", "two", "three");
  append(partition, 1, "four");
  const { chunks } = await partition.read(1, { ...ANY, maxBytes: 1 });
  assertEquals(new RecordBatch(chunks[0]!).baseOffset, 0);
  assertEquals(await valuesFrom(partition, 1), ["two", "three", "four"]);
});

Deno.test("Partition.deleteRecordsBefore() moves the log start offset, wakes waiters and is durable (KIP-107)", async () => {
  const fs = new MemoryFileSystem();
  const broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  await append(partition, -1, "one", "two", "three").committed;
  let wakes = 0;
  partition.subscribe(() => wakes++);
  assertEquals(await partition.deleteRecordsBefore(2), 2);
  assertEquals(await partition.deleteRecordsBefore(1), 2);
  assertEquals(wakes, 1);
  const outOfRange = ErrorCode.OFFSET_OUT_OF_RANGE;
  assertEquals(await codeRejected(partition.deleteRecordsBefore(4)), outOfRange);
  assertEquals(await codeRejected(partition.deleteRecordsBefore(-2)), outOfRange);
  await using after = await TestBroker.start({ fs: fs.clone({ unsynced: "lost" }) });
  const found = after.topics.partition("a", 0)!;
  assertEquals([found.logStartOffset, found.highWatermark], [2, 3]);
  assertEquals(await partition.deleteRecordsBefore(-1), 3);
  await broker.close();
});
