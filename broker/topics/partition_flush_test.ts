import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { LogOfflineError } from "../../storage/mod.ts";
import { batchOf, TestBroker, valuesFrom } from "../broker_testing.ts";
import { HeldSyncFileSystem } from "../held_sync_testing.ts";
import { append, codeRejected, NOW_MS } from "./partition_testing.ts";

Deno.test("Partition.append() with acks=all and flush=commit is visible once it is on disk", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  let wakes = 0;
  partition.subscribe(() => wakes++);
  fs.hold();
  const { baseOffset, committed } = append(partition, -1, "one", "two");
  assertEquals([baseOffset, partition.logEndOffset, partition.highWatermark], [0, 2, 0]);
  assertEquals(await valuesFrom(partition, 0), []);
  assertEquals(wakes, 0);
  fs.release();
  await committed;
  assertEquals([partition.highWatermark, wakes], [2, 1]);
  assertEquals(await valuesFrom(partition, 0), ["one", "two"]);
});

Deno.test("Partition.append() with acks=1 is visible immediately, unless it follows one not yet on disk", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  fs.hold();
  assertEquals(append(partition, 1, "one").committed, undefined);
  assertEquals(partition.highWatermark, 1);
  const { committed } = append(partition, -1, "two");
  append(partition, 1, "three");
  append(partition, 0, "four");
  assertEquals(partition.highWatermark, 1);
  fs.release();
  await committed;
  assertEquals(await valuesFrom(partition, 0), ["one", "two", "three", "four"]);
});

Deno.test("Partition.append() becomes visible up to the next acks=all when a flush ends", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  fs.hold();
  const first = append(partition, -1, "one");
  await fs.begun(1);
  append(partition, 1, "two");
  const second = append(partition, -1, "three");
  append(partition, 1, "four");
  fs.release();
  fs.hold();
  await first.committed;
  assertEquals(partition.highWatermark, 2);
  fs.release();
  await second.committed;
  assertEquals(partition.highWatermark, 4);
});

Deno.test("Partition.append() shares one flush within a turn of the event loop", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  const appends = Array.from({ length: 50 }, (_, i) => append(partition, -1, String(i)).committed);
  await Promise.all(appends);
  assertEquals(fs.syncCount, 1);
  assertEquals(partition.highWatermark, 50);
});

Deno.test("Partition.append() shares one flush for all appends during another", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  fs.hold();
  const appends = [append(partition, -1, "first").committed];
  await fs.begun(1);
  for (let i = 1; i < 50; i++) {
    appends.push(append(partition, -1, String(i)).committed);
    await Promise.resolve();
  }
  assertEquals(partition.highWatermark, 0);
  fs.release();
  await Promise.all(appends);
  assertEquals(fs.syncCount, 2);
  assertEquals(partition.highWatermark, 50);
});

Deno.test("Partition.append() fails when its flush fails, and so do later appends", async () => {
  const fs = new HeldSyncFileSystem();
  const broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  await append(partition, -1, "kept").committed;
  fs.hold();
  const first = append(partition, -1, "one");
  await fs.begun(2);
  const second = append(partition, -1, "two");
  let wakes = 0;
  partition.subscribe(() => wakes++);
  fs.isFailing = true;
  fs.release();
  assertEquals(await codeRejected(first.committed!), ErrorCode.KAFKA_STORAGE_ERROR);
  assertEquals(await codeRejected(second.committed!), ErrorCode.KAFKA_STORAGE_ERROR);
  assertEquals([partition.isOffline, partition.highWatermark, wakes], [true, 1, 1]);
  assertInstanceOf(assertThrows(() => append(partition, 1, "three")), LogOfflineError);
  assertEquals(await valuesFrom(partition, 0), ["kept"]);
  await broker.close();
});

Deno.test("Partition.append() fails without a flush if the partition is deleted in the same turn", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  const { committed } = append(partition, -1, "one");
  partition.markDeleted();
  assertEquals(await codeRejected(committed!), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  assertEquals(fs.syncCount, 0);
});

Deno.test("Partition.append() with flush=os or interval is visible and acknowledged after the write", async () => {
  for (const flush of ["os", "interval"]) {
    const fs = new HeldSyncFileSystem();
    await using broker = await TestBroker.start({ fs });
    const partition = await broker.createTopic("a", { configs: new Map([["flush", flush]]) });
    assertEquals(append(partition, -1, "one").committed, undefined);
    assertEquals([partition.highWatermark, fs.syncCount], [1, 0]);
  }
});

Deno.test("Partition.append() with flush=interval is flushed within flush.ms", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const configs = new Map([["flush", "interval"], ["flush.ms", "500"]]);
  const partition = await broker.createTopic("a", { configs });
  append(partition, 1, "one");
  broker.clock.advance(400);
  append(partition, 1, "two");
  assertEquals(fs.syncCount, 0);
  broker.clock.advance(100);
  assertEquals(fs.syncCount, 1);
  broker.clock.advance(500);
  assertEquals(fs.syncCount, 1);
  append(partition, 1, "three");
  await partition.log.flush();
  assertEquals(partition.log.flushedOffset, 3);
});

Deno.test("Partition.append() is visible after a flush at flush.messages, whatever acks and flush", async (t) => {
  for (const flush of ["commit", "interval", "os"]) {
    for (const acks of [0, 1] as const) {
      await t.step(`flush=${flush} acks=${acks}`, async () => {
        const fs = new HeldSyncFileSystem();
        await using broker = await TestBroker.start({ fs });
        const configs = new Map([["flush", flush], ["flush.messages", "3"]]);
        const partition = await broker.createTopic("a", { configs });
        fs.hold();
        assertEquals(append(partition, acks, "one", "two").committed, undefined);
        assertEquals([partition.highWatermark, fs.syncCount], [2, 0]);
        const { committed } = append(partition, acks, "three");
        assertEquals(partition.highWatermark, 2);
        fs.release();
        await committed;
        assertEquals([partition.highWatermark, partition.log.flushedOffset], [3, 3]);
        // Counting restarts at each flush.
        assertEquals(append(partition, acks, "four", "five").committed, undefined);
        assertEquals([partition.highWatermark, partition.log.flushedOffset], [5, 3]);
      });
    }
  }
});

Deno.test("Partition.append() uses log.flush.interval.messages if the topic has no flush.messages", async () => {
  await using broker = await TestBroker.start({ config: { "log.flush.interval.messages": 1 } });
  const partition = await broker.createTopic("a");
  const { committed } = append(partition, 1, "one");
  assertEquals(partition.highWatermark, 0);
  await committed;
  assertEquals([partition.highWatermark, partition.log.flushedOffset], [1, 1]);
  const other = await broker.createTopic("b", { configs: new Map([["flush.messages", "2"]]) });
  assertEquals(append(other, 1, "one").committed, undefined);
});

Deno.test("Partition.append() is flushed within flush.ms, whatever flush is", async (t) => {
  for (const flush of ["commit", "os"]) {
    await t.step(`flush=${flush}`, async () => {
      const fs = new HeldSyncFileSystem();
      await using broker = await TestBroker.start({ fs });
      const configs = new Map([["flush", flush], ["flush.ms", "500"]]);
      const partition = await broker.createTopic("a", { configs });
      append(partition, 1, "one");
      broker.clock.advance(499);
      assertEquals(fs.syncCount, 0);
      broker.clock.advance(1);
      assertEquals(fs.syncCount, 1);
      await partition.log.flush();
    });
  }
});

Deno.test("Partition.append() with flush=interval is flushed within one second or log.flush.interval.ms", async () => {
  for (const [config, ms] of [[{}, 1000], [{ "log.flush.interval.ms": 70 }, 70]] as const) {
    const fs = new HeldSyncFileSystem();
    await using broker = await TestBroker.start({ fs, config });
    const configs = new Map([["flush", "interval"]]);
    const partition = await broker.createTopic("a", { configs });
    append(partition, 1, "one");
    broker.clock.advance(ms - 1);
    assertEquals(fs.syncCount, 0);
    broker.clock.advance(1);
    assertEquals(fs.syncCount, 1);
    await partition.log.flush();
  }
});

Deno.test("Partition.append() waits for a flush for a duplicate with acks=all of a visible append", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  const send = (acks: -1 | 1) =>
    partition.append(
      batchOf(["one"], { producerId: 7, producerEpoch: 0, baseSequence: 0 }),
      { acks, nowMs: NOW_MS },
    );
  fs.hold();
  send(1);
  const { committed } = send(-1);
  assertEquals([partition.highWatermark, partition.log.flushedOffset], [1, 0]);
  fs.release();
  await committed;
  assertEquals(partition.log.flushedOffset, 1);
});
