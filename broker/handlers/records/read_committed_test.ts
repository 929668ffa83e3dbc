import { assertEquals } from "@std/assert";
import { fetch, IsolationLevel } from "../../../protocol/messages/records/fetch.ts";
import {
  listOffsets,
  ListOffsetsTimestamp,
} from "../../../protocol/messages/records/list_offsets.ts";
import { recordBatches } from "../../../protocol/records/mod.ts";
import { appendInTransaction, batchOf, endTransaction, TestBroker } from "../../broker_testing.ts";
import { HeldSyncFileSystem } from "../../held_sync_testing.ts";
import { FetchSessions } from "../../fetch_sessions.ts";
import { MemoryFileSystem } from "../../../storage/mod.ts";
import type { Partition } from "../../topics/partition.ts";
import { fetchHandler } from "./fetch.ts";
import { listOffsetsHandler } from "./list_offsets.ts";

const { readCommitted, readUncommitted } = IsolationLevel;
const NOW_MS = 1_700_000_000_000;
const A = { producerId: 4 };
const B = { producerId: 5 };

interface Options {
  readonly offset?: number;
  readonly isolationLevel?: number;
  readonly maxBytes?: number;
  readonly maxWaitMs?: number;
  readonly version?: number;
}

/** Fetches from partition 0 of "t": last offsets of the batches, the list, and the offsets. */
async function read(broker: TestBroker, options: Options = {}) {
  const { offset = 0, isolationLevel = readCommitted, maxBytes = 1 << 20, version = 12 } = options;
  const { responses } = await broker.call(fetch, fetchHandler, version, {
    maxWaitMs: options.maxWaitMs ?? 0,
    minBytes: 1,
    isolationLevel,
    topics: [{
      topic: "t",
      partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: maxBytes }],
    }],
  });
  const found = responses[0]!.partitions[0]!;
  return {
    errorCode: found.errorCode,
    ends: [...recordBatches(found.records ?? new Uint8Array(0))].map((batch) => batch.lastOffset),
    aborted: found.abortedTransactions?.map((each) => [each.producerId, each.firstOffset]) ?? null,
    lastStableOffset: found.lastStableOffset,
    highWatermark: found.highWatermark,
  };
}

function plain(partition: Partition, ...values: string[]): void {
  partition.append(batchOf(values), { acks: 1, nowMs: NOW_MS });
}

async function endOffset(broker: TestBroker, isolationLevel: number): Promise<number> {
  const { topics } = await broker.call(listOffsets, listOffsetsHandler, 7, {
    replicaId: -1,
    isolationLevel,
    topics: [{
      name: "t",
      partitions: [{ partitionIndex: 0, timestamp: ListOffsetsTimestamp.latest }],
    }],
  });
  return topics[0]!.partitions[0]!.offset!;
}

Deno.test("Fetch and ListOffsets with read_committed end at the first open transaction", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("t");
  plain(partition, "a", "b");
  await appendInTransaction(partition, ["c"], A).committed;
  plain(partition, "d");
  const committed = await read(broker);
  assertEquals(committed.ends, [1]);
  assertEquals([committed.lastStableOffset, committed.highWatermark], [2, 4]);
  assertEquals((await read(broker, { isolationLevel: readUncommitted })).ends, [1, 2, 3]);
  assertEquals([await endOffset(broker, readCommitted), await endOffset(broker, readUncommitted)], [
    2,
    4,
  ]);
  await endTransaction(partition, true, A).committed;
  const all = await read(broker);
  assertEquals([all.ends, all.lastStableOffset], [[1, 2, 3, 4], 5]);
  assertEquals(await endOffset(broker, readCommitted), 5);
});

Deno.test("Fetch lists no aborted transactions for read_uncommitted, and an empty list where there are none", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("t");
  for (let version = 4; version <= 12; version++) {
    assertEquals((await read(broker, { version, isolationLevel: readUncommitted })).aborted, null);
    assertEquals((await read(broker, { version })).aborted, []);
  }
  plain(partition, "a");
  await appendInTransaction(partition, ["b"], A).committed;
  await endTransaction(partition, true, A).committed;
  assertEquals((await read(broker)).aborted, []);
  await appendInTransaction(partition, ["c"], { ...A, baseSequence: 1 }).committed;
  await endTransaction(partition, false, A).committed;
  assertEquals((await read(broker, { isolationLevel: readUncommitted })).aborted, null);
  assertEquals((await read(broker)).aborted, [[4, 3]]);
  assertEquals((await read(broker, { offset: 5 })).aborted, [], "the answer is empty");
});

Deno.test("Fetch lists the aborted transactions of the batches it returns, by first offset", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("t");
  // Producer 4: 0..11; producer 5: 2..8 and 9..12. Their markers come in another order.
  const steps = [
    () => appendInTransaction(partition, ["a0"], A),
    () => appendInTransaction(partition, ["a1"], { ...A, baseSequence: 1 }),
    () => appendInTransaction(partition, ["b2", "b3", "b4"], B),
    () => appendInTransaction(partition, ["b5", "b6", "b7"], { ...B, baseSequence: 3 }),
    () => endTransaction(partition, false, B),
    () => appendInTransaction(partition, ["b9", "b10"], { ...B, baseSequence: 6 }),
    () => endTransaction(partition, false, A),
    () => endTransaction(partition, false, B),
  ];
  for (const step of steps) await step().committed;
  plain(partition, "c13");
  assertEquals((await read(broker)).aborted, [[4, 0], [5, 2], [5, 9]]);
  assertEquals((await read(broker, { offset: 9 })).aborted, [[4, 0], [5, 9]]);
  assertEquals((await read(broker, { offset: 12 })).aborted, [[5, 9]]);
  assertEquals((await read(broker, { offset: 13 })).aborted, []);
  const first = await read(broker, { maxBytes: 1 });
  assertEquals([first.ends, first.aborted], [[0], [[4, 0]]], "only what begins before its end");
  const third = await read(broker, { offset: 3, maxBytes: 1 });
  assertEquals([third.ends, third.aborted], [[4], [[4, 0], [5, 2]]]);
});

Deno.test("Fetch with read_committed waits for the end of a transaction, not for its records (KAFKA-5376)", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("t");
  let reads = 0;
  const original = partition.read.bind(partition);
  partition.read = (...args) => {
    reads++;
    return original(...args);
  };
  let isAnswered = false;
  const fetched = read(broker, { maxWaitMs: 60_000 });
  void fetched.then(() => isAnswered = true);
  for (let sequence = 0; sequence < 3; sequence++) {
    await appendInTransaction(partition, ["a"], { ...A, baseSequence: sequence }).committed;
    plain(partition, "b");
  }
  await broker.clock.yield();
  // One read when it arrived, one when it began to wait.
  assertEquals([isAnswered, reads], [false, 2]);
  await endTransaction(partition, false, A).committed;
  const { ends, aborted } = await fetched;
  assertEquals([ends, aborted], [[0, 1, 2, 3, 4, 5, 6], [[4, 0]]]);
});

Deno.test("Fetch with read_committed waits until the marker is committed", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("t");
  await appendInTransaction(partition, ["a"], A).committed;
  fs.hold();
  const { committed } = endTransaction(partition, true, A);
  plain(partition, "b");
  assertEquals([partition.lastStableOffset, partition.highWatermark], [0, 1]);
  const fetched = read(broker, { maxWaitMs: 60_000 });
  fs.release();
  await committed;
  assertEquals((await fetched).ends[0], 0);
  assertEquals(partition.lastStableOffset, 3);
});

Deno.test("Fetch knows open and aborted transactions after a restart", async () => {
  const fs = new MemoryFileSystem();
  {
    await using broker = await TestBroker.start({ fs });
    const partition = await broker.createTopic("t");
    await appendInTransaction(partition, ["a"], A).committed;
    await endTransaction(partition, false, A).committed;
    plain(partition, "b");
    await appendInTransaction(partition, ["c"], B).committed;
  }
  await using broker = await TestBroker.start({ fs });
  const partition = broker.topics.partition("t", 0)!;
  const uncommitted = await read(broker, { isolationLevel: readUncommitted });
  assertEquals(partition.log.hasLoadedProducers, false, "not needed for that");
  assertEquals(uncommitted.ends, [0, 1, 2, 3]);
  const { ends, aborted, lastStableOffset } = await read(broker);
  assertEquals([ends, aborted, lastStableOffset], [[0, 1, 2], [[4, 0]], 3]);
});

Deno.test("Fetch in a session reports a partition whose last stable offset has moved", async () => {
  await using broker = await TestBroker.start();
  Object.assign(broker.context, { fetchSessions: new FetchSessions(10) });
  const partition = await broker.createTopic("t");
  await appendInTransaction(partition, ["a"], A).committed;
  let sessionId = 0;
  let sessionEpoch = 0;
  const next = async () => {
    const answer = await broker.call(fetch, fetchHandler, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      isolationLevel: readCommitted,
      sessionId,
      sessionEpoch,
      topics: sessionEpoch > 0 ? [] : [{
        topic: "t",
        partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }],
      }],
    });
    sessionId = answer.sessionId;
    sessionEpoch++;
    return answer.responses.flatMap(({ partitions }) =>
      partitions.map((found) => [found.lastStableOffset, found.highWatermark])
    );
  };
  assertEquals(await next(), [[0, 1]]);
  assertEquals(await next(), []);
  await endTransaction(partition, true, A).committed;
  assertEquals(await next(), [[2, 2]]);
});

Deno.test("Partition.lastStableOffset is not below the log start offset after DeleteRecords", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("t");
  await appendInTransaction(partition, ["a"], A).committed;
  plain(partition, "b", "c", "d");
  await partition.deleteRecordsBefore(3);
  assertEquals([partition.lastStableOffset, await endOffset(broker, readCommitted)], [3, 3]);
  assertEquals((await read(broker, { offset: 3 })).ends, []);
  await endTransaction(partition, true, A).committed;
  assertEquals(partition.lastStableOffset, 5);
  assertEquals((await read(broker, { offset: 3 })).ends, [3, 4]);
});

Deno.test("Partition.lastStableOffset follows the transactions of its own partition", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("t", { partitions: 2 });
  const other = broker.topics.partition("t", 1)!;
  await appendInTransaction(partition, ["a"], A).committed;
  await other.append(batchOf(["x"]), { acks: -1, nowMs: NOW_MS }).committed;
  assertEquals([partition.lastStableOffset, other.lastStableOffset], [0, 1]);
});
