import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { listOffsets } from "../../../protocol/messages/records/list_offsets.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { HeldSyncFileSystem } from "../../held_sync_testing.ts";
import type { Partition } from "../../topics/partition.ts";
import { RecordBatch, RecordBatchBuilder } from "../../../protocol/records/mod.ts";
import { listOffsetsHandler } from "./list_offsets.ts";
import { partitionStateOf } from "../../cluster/topic_state_testing.ts";

const START_MS = 1_700_000_000_000;

interface RequestedTimestamp {
  readonly timestamp: number;
  readonly partitionIndex?: number;
  readonly currentLeaderEpoch?: number;
}

async function call(
  broker: TestBroker,
  apiVersion: number,
  asked: RequestedTimestamp[],
  topic = "a",
) {
  const { topics } = await broker.call(listOffsets, listOffsetsHandler, apiVersion, {
    topics: [{ name: topic, partitions: asked.map((of) => ({ partitionIndex: 0, ...of })) }],
  });
  return topics[0]!.partitions;
}

/** Looks up one timestamp; returns [errorCode, offset, timestamp]. */
async function ask(broker: TestBroker, apiVersion: number, timestamp: number) {
  const [answer] = await call(broker, apiVersion, [{ timestamp }]);
  return [answer!.errorCode, answer!.offset, answer!.timestamp];
}

/** Appends a batch with these timestamps, relative to the start. */
function append(partition: Partition, ...timestamps: number[]): void {
  const builder = new RecordBatchBuilder();
  for (const timestamp of timestamps) builder.append(START_MS + timestamp, null, "x");
  partition.append(new RecordBatch(builder.build()), { acks: 1, nowMs: START_MS });
}

/** Appends what a follower got from the leader of epoch 1. */
function appendReplicated(partition: Partition, timestamp: number): void {
  const builder = new RecordBatchBuilder();
  builder.append(START_MS + timestamp, null, "x");
  const batch = new RecordBatch(builder.build());
  batch.baseOffset = partition.logEndOffset;
  batch.partitionLeaderEpoch = 1;
  partition.log.appendReplicated(batch, { leaderEpoch: 1, nowMs: START_MS });
}

Deno.test("ListOffsets finds the first record at or after a timestamp, also within batches", async (t) => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  append(partition, 10, 20, 30);
  append(partition, 25, 40);
  append(partition, 40, 50);
  const cases = [[0, 0, 10], [10, 0, 10], [11, 1, 20], [26, 2, 30], [31, 4, 40], [41, 6, 50]];
  for (let version = 1; version <= 11; version++) {
    await t.step(`version ${version}`, async () => {
      for (const [timestamp, offset, found] of cases) {
        assertEquals(await ask(broker, version, START_MS + timestamp!), [
          ErrorCode.NONE,
          offset,
          START_MS + found!,
        ]);
      }
      assertEquals(await ask(broker, version, START_MS + 51), [ErrorCode.NONE, -1, -1]);
    });
  }
});

Deno.test("ListOffsets supports special timestamps from their first version", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  append(partition, 10, 30, 20);
  append(partition, 5);
  await partition.deleteRecordsBefore(1);
  const unsupported = [ErrorCode.UNSUPPORTED_VERSION, -1, -1];
  const cases: [timestamp: number, first: number, offset: number, found: number][] = [
    [-1, 1, 4, -1],
    [-2, 1, 1, -1],
    [-3, 7, 1, START_MS + 30],
    [-4, 8, 1, -1],
    [-5, 9, -1, -1],
    [-6, 11, -1, -1],
  ];
  for (const [timestamp, first, offset, found] of cases) {
    for (let version = 1; version <= 11; version++) {
      const expected = version < first ? unsupported : [ErrorCode.NONE, offset, found];
      assertEquals(await ask(broker, version, timestamp), expected, `${timestamp} v${version}`);
    }
  }
  assertEquals(await ask(broker, 11, -7), unsupported);
});

Deno.test("ListOffsets returns -1 without an error for an empty partition", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  assertEquals(await ask(broker, 11, START_MS), [ErrorCode.NONE, -1, -1]);
  assertEquals(await ask(broker, 11, -3), [ErrorCode.NONE, -1, -1]);
  assertEquals(await ask(broker, 11, -1), [ErrorCode.NONE, 0, -1]);
});

Deno.test("ListOffsets returns no offset above the high watermark", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  append(partition, 10);
  fs.hold();
  const late = { acks: -1, nowMs: START_MS } as const;
  const { committed } = partition.append(batchOf(["x"], { timestamp: START_MS + 20 }), late);
  assertEquals(await ask(broker, 11, -1), [ErrorCode.NONE, 1, -1]);
  assertEquals(await ask(broker, 11, START_MS + 15), [ErrorCode.NONE, -1, -1]);
  fs.release();
  await committed;
  assertEquals(await ask(broker, 11, START_MS + 15), [ErrorCode.NONE, 1, START_MS + 20]);
});

Deno.test("ListOffsets checks the client's leader epoch (KIP-320)", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  partition.updateState(partitionStateOf({ leaderId: 1, leaderEpoch: 3, replicas: [1], isr: [1] }));
  append(partition, 10);
  const cases = [
    [-1, ErrorCode.NONE, 3],
    [2, ErrorCode.FENCED_LEADER_EPOCH, -1],
    [3, ErrorCode.NONE, 3],
    [4, ErrorCode.UNKNOWN_LEADER_EPOCH, -1],
  ] as const;
  for (const [currentLeaderEpoch, errorCode, leaderEpoch] of cases) {
    for (const timestamp of [-1, -2, START_MS]) {
      const [answer] = await call(broker, 5, [{ timestamp, currentLeaderEpoch }]);
      assertEquals([answer!.errorCode, answer!.leaderEpoch], [errorCode, leaderEpoch]);
    }
  }
});

Deno.test("ListOffsets returns an error for unknown, foreign and duplicate partitions", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a", { partitions: 3 });
  broker.topics.partition("a", 2)!.updateState(partitionStateOf({
    leaderId: 2,
    leaderEpoch: 1,
    replicas: [1, 2],
    isr: [1, 2],
  }));
  const answers = await call(broker, 1, [
    { timestamp: -1, partitionIndex: 9 },
    { timestamp: -1, partitionIndex: 2 },
    { timestamp: -1, partitionIndex: 1 },
    { timestamp: -2, partitionIndex: 1 },
    { timestamp: -1, partitionIndex: 0 },
  ]);
  assertEquals(answers.map(({ errorCode }) => errorCode), [
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ErrorCode.INVALID_REQUEST,
    ErrorCode.NONE,
  ]);
  const [gone] = await call(broker, 1, [{ timestamp: -1 }], "gone");
  assertEquals(gone!.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

Deno.test("ListOffsets has no end until a new leader knows what is committed (KIP-207)", async () => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  append(partition, 10);
  append(partition, 20);
  // Broker 2 has been the leader of two replicas meanwhile.
  const replicas = [1, 2];
  partition.updateState(partitionStateOf({ leaderId: 2, leaderEpoch: 1, replicas }));
  appendReplicated(partition, 30);
  partition.updateState(partitionStateOf({ leaderId: 1, leaderEpoch: 2, replicas }));
  assertEquals([partition.highWatermark, partition.logEndOffset], [2, 3]);
  const asks = async () => [
    (await ask(broker, 5, -1))[0],
    (await ask(broker, 4, -1))[0],
    (await ask(broker, 5, START_MS + 30))[0],
  ];
  const { OFFSET_NOT_AVAILABLE, LEADER_NOT_AVAILABLE, NONE } = ErrorCode;
  assertEquals(await asks(), [OFFSET_NOT_AVAILABLE, LEADER_NOT_AVAILABLE, OFFSET_NOT_AVAILABLE]);
  // What is committed for certain can be found, and the start is known.
  assertEquals(await ask(broker, 5, START_MS + 20), [NONE, 1, START_MS + 20]);
  assertEquals((await ask(broker, 5, -2))[1], 0);
  await partition.log.flush();
  const fetch = { replicaId: 2, brokerEpoch: 1, logStartOffset: 0, nowMs: 0 };
  partition.leadership!.fetched({ ...fetch, fetchOffset: 3 });
  assertEquals(await ask(broker, 5, -1), [NONE, 3, -1]);
  assertEquals(await ask(broker, 5, START_MS + 30), [NONE, 2, START_MS + 30]);
});
