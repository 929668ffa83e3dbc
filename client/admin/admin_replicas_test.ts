import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  alterPartitionReassignments,
  electLeaders,
  listOffsets,
  listPartitionReassignments,
  unregisterBroker,
} from "../../protocol/messages/mod.ts";
import { KafkaError, UnsupportedVersionError, UsageError } from "../errors.ts";
import { setup as setupClient } from "../testing/client_setup.ts";
import type { FakeClusterOptions } from "../testing/fake_cluster.ts";

function setup(options: FakeClusterOptions = { topics: { a: 2 } }) {
  const own = setupClient(options, { timeoutMs: 5000 });
  return {
    cluster: own.cluster,
    admin: own.client.admin(),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}

const OK = { errorCode: ErrorCode.NONE, errorMessage: null };
const PARTITIONS = [{ topic: "a", partition: 0 }, { topic: "a", partition: 1 }];

Deno.test("Admin.electLeaders() returns what needed an election, with every version", async (t) => {
  for (const version of [0, 1, 2]) {
    await t.step(`version ${version}`, async () => {
      await using test = setup({ topics: { a: 2 }, maxVersions: { 43: version } });
      test.cluster.on(electLeaders, () => ({
        replicaElectionResults: [{
          topic: "a",
          partitionResult: [
            { partitionId: 0, errorCode: ErrorCode.ELECTION_NOT_NEEDED, errorMessage: null },
            { partitionId: 1, errorCode: ErrorCode.NONE, errorMessage: null },
            {
              partitionId: 2,
              errorCode: ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
              errorMessage: "it is away",
            },
          ],
        }],
      }));
      const results = await test.admin.electLeaders(PARTITIONS);
      assertEquals(results.map(({ partition, error }) => [partition, error?.code]), [
        [1, undefined],
        [2, "PREFERRED_LEADER_NOT_AVAILABLE"],
      ]);
      assertEquals((results[1]!.error as Error).message.includes("it is away"), true);
      await test.admin.electLeaders();
      const [some, all] = test.cluster.received(electLeaders);
      assertEquals(some!.body.topicPartitions, [{ topic: "a", partitions: [0, 1] }]);
      assertEquals(all!.body.topicPartitions, null);
    });
  }
});

Deno.test("Admin.electLeaders() asks for no preferred leader where an unclean election is not known", async () => {
  await using test = setup({ topics: { a: 2 }, maxVersions: { 43: 0 } });
  const options = { type: "unclean" } as const;
  await assertRejects(
    () => test.admin.electLeaders(PARTITIONS, options),
    UnsupportedVersionError,
  );
  assertEquals(test.cluster.received(electLeaders), []);
});

Deno.test("Admin.reassignPartitions() sends targets and cancellations, and returns each result", async () => {
  await using test = setup();
  test.cluster.on(alterPartitionReassignments, () => ({
    ...OK,
    responses: [{
      name: "a",
      partitions: [
        { partitionIndex: 0, errorCode: ErrorCode.NONE, errorMessage: null },
        {
          partitionIndex: 1,
          errorCode: ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
          errorMessage: null,
        },
      ],
    }],
  }));
  const results = await test.admin.reassignPartitions([
    { topic: "a", partition: 0, replicas: [2, 1] },
    { topic: "a", partition: 1, replicas: null },
  ], { allowReplicationFactorChange: false });
  assertEquals(results.map(({ topic, partition, error }) => [topic, partition, error?.code]), [
    ["a", 0, undefined],
    ["a", 1, "NO_REASSIGNMENT_IN_PROGRESS"],
  ]);
  const [request] = test.cluster.received(alterPartitionReassignments);
  assertEquals(request!.body.allowReplicationFactorChange, false);
  assertEquals(request!.body.topics, [{
    name: "a",
    partitions: [{ partitionIndex: 0, replicas: [2, 1] }, { partitionIndex: 1, replicas: null }],
  }]);
  const misspelled = { topic: "a", partition: 0, replica: [1] } as never;
  await assertRejects(() => test.admin.reassignPartitions([misspelled]), UsageError);
});

Deno.test("Admin.reassignPartitions() finds another controller if the first is none", async () => {
  await using test = setup({ brokers: 2, topics: { a: 2 } });
  let asked = 0;
  test.cluster.on(alterPartitionReassignments, () => {
    asked++;
    return asked === 1
      ? { errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: null, responses: [] }
      : { ...OK, responses: [] };
  });
  assertEquals(await test.admin.reassignPartitions([]), []);
  assertEquals(asked, 2);
});

Deno.test("Admin.listReassignments() lists those in progress by topic and partition", async () => {
  await using test = setup();
  const moving = (partitionIndex: number) => ({
    partitionIndex,
    replicas: [3, 1, 2],
    addingReplicas: [3],
    removingReplicas: [2],
  });
  test.cluster.on(listPartitionReassignments, () => ({
    ...OK,
    topics: [{ name: "b", partitions: [moving(0)] }, {
      name: "a",
      partitions: [moving(1), moving(0)],
    }],
  }));
  const listed = await test.admin.listReassignments(PARTITIONS);
  assertEquals(listed.map(({ topic, partition }) => [topic, partition]), [
    ["a", 0],
    ["a", 1],
    ["b", 0],
  ]);
  assertEquals([listed[0]!.replicas, listed[0]!.adding, listed[0]!.removing], [
    [3, 1, 2],
    [3],
    [2],
  ]);
  const [request] = test.cluster.received(listPartitionReassignments);
  assertEquals(request!.body.topics, [{ name: "a", partitionIndexes: [0, 1] }]);
});

Deno.test("Admin.unregisterBroker() throws the broker's reason", async () => {
  await using test = setup();
  test.cluster.on(unregisterBroker, ({ brokerId }) => ({
    errorCode: brokerId === 3 ? ErrorCode.NONE : ErrorCode.INVALID_REQUEST,
    errorMessage: brokerId === 3 ? null : "it is running",
  }));
  await test.admin.unregisterBroker(3);
  const error = await assertRejects(() => test.admin.unregisterBroker(2), KafkaError, "is running");
  assertEquals(error.code, "INVALID_REQUEST");
});

Deno.test("Admin.listReplicaEnds() asks a broker for its own replicas, and leaves out what it has not", async () => {
  await using test = setup({ topics: { a: 2 } });
  test.cluster.on(listOffsets, () => ({
    topics: [{
      name: "a",
      partitions: [
        { partitionIndex: 0, ...OK, timestamp: -1, offset: 12, leaderEpoch: 3 },
        { partitionIndex: 1, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
      ],
    }],
  }));
  assertEquals(await test.admin.listReplicaEnds(0, PARTITIONS), [
    { topic: "a", partition: 0, brokerId: 0, leaderEpoch: 3, logEndOffset: 12 },
  ]);
  const [request] = test.cluster.received(listOffsets);
  assertEquals([request!.nodeId, request!.body.replicaId], [0, -2]);
});
