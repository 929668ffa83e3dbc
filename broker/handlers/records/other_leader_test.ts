import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { deleteRecords } from "../../../protocol/messages/records/delete_records.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { listOffsets } from "../../../protocol/messages/records/list_offsets.ts";
import { offsetForLeaderEpoch } from "../../../protocol/messages/records/offset_for_leader_epoch.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { describeTopicPartitions } from "../../../protocol/messages/topics/describe_topic_partitions.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { describeTopicPartitionsHandler } from "../topics/describe_topic_partitions.ts";
import { metadataHandler } from "../topics/metadata.ts";
import { deleteRecordsHandler } from "./delete_records.ts";
import { fetchHandler } from "./fetch.ts";
import { listOffsetsHandler } from "./list_offsets.ts";
import { offsetForLeaderEpochHandler } from "./offset_for_leader_epoch.ts";
import { produceHandler } from "./produce.ts";

const OTHER = { nodeId: 2, host: "other", port: 9093, rack: "r2" };
const HERE = 0;
const ELSEWHERE = 1;
const NOWHERE = 2;

/** Registers a second broker; or takes its registration away. */
async function register(broker: TestBroker, isThere: boolean): Promise<void> {
  const { host, port, rack } = OTHER;
  const value = isThere ? new TextEncoder().encode(JSON.stringify({ host, port, rack })) : null;
  const known = Promise.withResolvers<void>();
  const stop = broker.cluster.onChange(({ type }) => type === "brokers" && known.resolve());
  await broker.store.commit([{ key: "brokers/2", value }]);
  await known.promise;
  stop();
}

/** A broker that leads partition 0 of topic "t"; partition 1 is led by another. */
async function withTwo(): Promise<TestBroker> {
  const broker = await TestBroker.start();
  await register(broker, true);
  await broker.createTopic("t", { assignment: [[1], [2]] });
  return broker;
}

async function produceTo(broker: TestBroker, index: number, version: number) {
  const { responses, nodeEndpoints } = await broker.call(produce, produceHandler, version, {
    acks: 1,
    timeoutMs: 1000,
    topicData: [{ name: "t", partitionData: [{ index, records: batchOf(["v"]).bytes }] }],
  });
  return { ...responses[0]!.partitionResponses[0]!, nodeEndpoints };
}

async function fetchFrom(
  broker: TestBroker,
  partition: number,
  version: number,
  currentLeaderEpoch = -1,
) {
  const topicId = version >= 13 ? { topicId: broker.topics.get("t")!.id } : { topic: "t" };
  const { responses, nodeEndpoints } = await broker.call(fetch, fetchHandler, version, {
    maxWaitMs: 60_000,
    minBytes: 1,
    topics: [{
      ...topicId,
      partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1000, currentLeaderEpoch }],
    }],
  });
  return { ...responses[0]!.partitions[0]!, nodeEndpoints };
}

Deno.test("Metadata and DescribeTopicPartitions answer for partitions that other brokers have", async () => {
  await using broker = await withTwo();
  const told = await broker.call(metadata, metadataHandler, 12, { topics: [{ name: "t" }] });
  assertEquals(told.topics[0]!.partitions.map(({ leaderId }) => leaderId), [1, 2]);
  assertEquals(told.brokers.map(({ nodeId }) => nodeId), [1, 2]);
  const pages = await broker.call(describeTopicPartitions, describeTopicPartitionsHandler, 0, {
    topics: [],
    responsePartitionLimit: 10,
  });
  assertEquals(pages.topics[0]!.partitions.map(({ leaderId }) => leaderId), [1, 2]);
});

Deno.test("Metadata tells of no leader while that is not registered", async () => {
  await using broker = await withTwo();
  await register(broker, false);
  const { topics } = await broker.call(metadata, metadataHandler, 12, { topics: [{ name: "t" }] });
  const { errorCode, leaderId, isrNodes, offlineReplicas } = topics[0]!.partitions[1]!;
  assertEquals(errorCode, ErrorCode.LEADER_NOT_AVAILABLE);
  assertEquals([leaderId, isrNodes, offlineReplicas], [-1, [2], [2]]);
  await register(broker, true);
  const later = await broker.call(metadata, metadataHandler, 12, { topics: [{ name: "t" }] });
  assertEquals(later.topics[0]!.partitions[1]!.leaderId, 2);
});

Deno.test("Produce names the leader of a partition of another broker from version 10 on (KIP-951)", async () => {
  await using broker = await withTwo();
  const named = await produceTo(broker, ELSEWHERE, 10);
  assertEquals(named.errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assertEquals(named.currentLeader, { leaderId: 2, leaderEpoch: 0 });
  assertEquals(named.nodeEndpoints, [OTHER]);
  const older = await produceTo(broker, ELSEWHERE, 9);
  assertEquals([older.errorCode, older.nodeEndpoints], [ErrorCode.NOT_LEADER_OR_FOLLOWER, []]);
  assertEquals((await produceTo(broker, HERE, 10)).nodeEndpoints, []);
  assertEquals(
    (await produceTo(broker, NOWHERE, 10)).errorCode,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  );
  await register(broker, false);
  const leaderless = await produceTo(broker, ELSEWHERE, 10);
  assertEquals(leaderless.errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assertEquals(leaderless.currentLeader, { leaderId: -1, leaderEpoch: -1 });
});

Deno.test("Fetch names the leader of a partition of another broker from version 12 on, its address from 16", async () => {
  await using broker = await withTwo();
  const named = await fetchFrom(broker, ELSEWHERE, 16);
  assertEquals(named.errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assertEquals(named.currentLeader, { leaderId: 2, leaderEpoch: 0 });
  assertEquals(named.nodeEndpoints, [OTHER]);
  const older = await fetchFrom(broker, ELSEWHERE, 12);
  assertEquals([older.currentLeader?.leaderId, older.nodeEndpoints], [2, []]);
  const oldest = await fetchFrom(broker, ELSEWHERE, 11);
  assertEquals(oldest.errorCode, ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assertEquals(
    (await fetchFrom(broker, NOWHERE, 16)).errorCode,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  );
});

Deno.test("Fetch of a newer epoch than the leader's is UNKNOWN_LEADER_EPOCH", async () => {
  await using broker = await withTwo();
  const { errorCode } = await fetchFrom(broker, HERE, 12, 7);
  assertEquals(errorCode, ErrorCode.UNKNOWN_LEADER_EPOCH);
});

Deno.test("ListOffsets, OffsetForLeaderEpoch and DeleteRecords refuse partitions of other brokers", async () => {
  await using broker = await withTwo();
  const expected: [number, number][] = [
    [ELSEWHERE, ErrorCode.NOT_LEADER_OR_FOLLOWER],
    [NOWHERE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
  ];
  for (const [index, errorCode] of expected) {
    const listed = await broker.call(listOffsets, listOffsetsHandler, 7, {
      replicaId: -1,
      topics: [{ name: "t", partitions: [{ partitionIndex: index, timestamp: -1 }] }],
    });
    assertEquals(listed.topics[0]!.partitions[0]!.errorCode, errorCode);
    const ended = await broker.call(offsetForLeaderEpoch, offsetForLeaderEpochHandler, 4, {
      replicaId: -1,
      topics: [{ topic: "t", partitions: [{ partition: index, leaderEpoch: 0 }] }],
    });
    assertEquals(ended.topics[0]!.partitions[0]!.errorCode, errorCode);
    const deleted = await broker.call(deleteRecords, deleteRecordsHandler, 2, {
      timeoutMs: 1000,
      topics: [{ name: "t", partitions: [{ partitionIndex: index, offset: 0 }] }],
    });
    assertEquals(deleted.topics[0]!.partitions[0]!.errorCode, errorCode);
  }
});
