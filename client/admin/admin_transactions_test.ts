import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  describeProducers,
  describeTransactions,
  findCoordinator,
  initProducerId,
  listTransactions,
  writeTxnMarkers,
} from "../../protocol/messages/mod.ts";
import { KafkaError, UnsupportedVersionError, UsageError } from "../errors.ts";
import { setup } from "../testing/client_setup.ts";
import type { FakeClusterOptions } from "../testing/fake_cluster.ts";

/** Two brokers, of which broker 1 coordinates ids that begin with a "b". */
function setupAdmin(options: FakeClusterOptions = {}) {
  const test = setup({ brokers: 2, topics: { a: 2 }, ...options });
  const isOfSecond = (id: string) => id.startsWith("b");
  test.cluster.on(findCoordinator, ({ coordinatorKeys, keyType }) => ({
    coordinators: coordinatorKeys.map((key) => {
      const nodeId = isOfSecond(key) ? 1 : 0;
      const errorCode = keyType === 1 ? 0 : ErrorCode.INVALID_REQUEST;
      return { key, nodeId, host: `broker-${nodeId}`, port: 9092, errorCode };
    }),
  }));
  return { ...test, admin: test.client.admin() };
}

Deno.test("Admin.listTransactions() asks all brokers, with filters", async () => {
  await using test = setupAdmin();
  test.cluster.on(listTransactions, (_request, { nodeId }) => ({
    errorCode: 0,
    unknownStateFilters: [],
    transactionStates: [{
      transactionalId: nodeId === 0 ? "z" : "b",
      producerId: nodeId,
      transactionState: nodeId === 0 ? "Ongoing" : "NewInKafka5",
    }],
  }));
  const found = await test.admin.listTransactions({
    states: ["Ongoing"],
    producerIds: [7],
    minDurationMs: 5,
    pattern: "x.*",
  });
  assertEquals(
    found.map((
      { transactionalId, state, coordinator },
    ) => [transactionalId, state, coordinator.id]),
    [["b", "Unknown", 1], ["z", "Ongoing", 0]],
  );
  const { body } = test.cluster.received(listTransactions)[0]!;
  assertEquals(body.stateFilters, ["Ongoing"]);
  assertEquals(body.producerIdFilters, [7]);
  assertEquals(body.durationFilter, 5);
  assertEquals(body.transactionalIdPattern, "x.*");
});

Deno.test("Admin.listTransactions() fails for filters that the cluster does not have", async () => {
  await using test = setupAdmin({ maxVersions: { [listTransactions.key]: 0 } });
  const { admin } = test;
  await assertRejects(() => admin.listTransactions({ minDurationMs: 1 }), UnsupportedVersionError);
  await assertRejects(() => admin.listTransactions({ pattern: "x" }), UnsupportedVersionError);
  test.cluster.on(listTransactions, ({ stateFilters }) => ({
    errorCode: 0,
    unknownStateFilters: stateFilters,
    transactionStates: [],
  }));
  const call = () => admin.listTransactions({ states: ["PrepareEpochFence"] });
  await assertRejects(call, UsageError, '"PrepareEpochFence"');
});

Deno.test("Admin.describeTransactions() asks each coordinator, and fails for an unknown id", async () => {
  await using test = setupAdmin();
  test.cluster.on(describeTransactions, ({ transactionalIds }) => ({
    transactionStates: transactionalIds.map((transactionalId) => ({
      errorCode: transactionalId === "none" ? ErrorCode.TRANSACTIONAL_ID_NOT_FOUND : 0,
      transactionalId,
      transactionState: "Ongoing",
      transactionTimeoutMs: 60_000,
      transactionStartTimeMs: transactionalId === "b" ? -1 : 5,
      producerId: 3,
      producerEpoch: 4,
      topics: [{ topic: "a", partitions: [0, 1] }],
    })),
  }));
  const found = await test.admin.describeTransactions(["b", "c", "b"]);
  assertEquals(
    found.map(({ transactionalId, coordinator, startTimeMs }) => [
      transactionalId,
      coordinator.id,
      startTimeMs,
    ]),
    [["b", 1, undefined], ["c", 0, 5], ["b", 1, undefined]],
  );
  assertEquals(found[0]!.partitions, [
    { topic: "a", partition: 0 },
    { topic: "a", partition: 1 },
  ]);
  assertEquals(await test.admin.describeTransactions([]), []);
  const error = await assertRejects(() => test.admin.describeTransactions(["none"]), KafkaError);
  assertEquals(error.code, "TRANSACTIONAL_ID_NOT_FOUND");
});

Deno.test("Admin.describeProducers() asks the leaders, again after they have moved, or one broker", async () => {
  await using test = setupAdmin();
  const active = {
    producerId: 9,
    producerEpoch: 1,
    lastSequence: -1,
    lastTimestamp: 7,
    coordinatorEpoch: -1,
    currentTxnStartOffset: 0,
  };
  test.cluster.on(describeProducers, ({ topics }) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: 0,
        activeProducers: [active, { ...active, producerId: 2 }],
      })),
    })),
  }));
  test.cluster.once(describeProducers, ({ topics }) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({
        partitionIndex,
        errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER,
        activeProducers: [],
      })),
    })),
  }));
  const places = [{ topic: "a", partition: 1 }, { topic: "a", partition: 0 }];
  const found = await test.admin.describeProducers(places);
  assertEquals(found.map(({ partition }) => partition), [1, 0]);
  assertEquals(found[0]!.producers.map(({ producerId }) => producerId), [2, 9]);
  assertEquals(found[0]!.producers[1], {
    producerId: 9,
    producerEpoch: 1,
    coordinatorEpoch: undefined,
    lastSequence: undefined,
    lastTimestamp: 7,
    transactionStartOffset: 0,
  });
  await test.admin.describeProducers(places, { brokerId: 1 });
  assertEquals(test.cluster.received(describeProducers).at(-1)!.nodeId, 1);
});

Deno.test("Admin.abortTransaction() writes the marker of an abort at the partition's leader", async () => {
  await using test = setupAdmin();
  let errorCode: number = ErrorCode.NOT_LEADER_OR_FOLLOWER;
  test.cluster.on(writeTxnMarkers, ({ markers }) => {
    const answer = {
      markers: markers.map(({ producerId, topics }) => ({
        producerId,
        topics: topics.map(({ name, partitionIndexes }) => ({
          name,
          partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode })),
        })),
      })),
    };
    errorCode = 0;
    return answer;
  });
  const hanging = { topic: "a", partition: 1, producerId: 9, producerEpoch: 3 };
  await test.admin.abortTransaction({ ...hanging, coordinatorEpoch: 5 });
  const sent = test.cluster.received(writeTxnMarkers);
  assertEquals(sent.map(({ nodeId, version }) => [nodeId, version]), [[1, 1], [1, 1]]);
  const [marker] = sent[1]!.body.markers;
  assertEquals(marker!.coordinatorEpoch, 5);
  assertEquals(marker!.transactionResult, false);
  assertEquals([marker!.producerId, marker!.producerEpoch], [9, 3]);
  assertEquals(marker!.topics, [{ name: "a", partitionIndexes: [1] }]);
  errorCode = ErrorCode.TRANSACTION_COORDINATOR_FENCED;
  const error = await assertRejects(() => test.admin.abortTransaction(hanging), KafkaError);
  assertEquals(error.code, "TRANSACTION_COORDINATOR_FENCED");
});

Deno.test("Admin.fenceProducers() initializes the ids at their coordinators, and waits for their ends", async () => {
  await using test = setupAdmin();
  test.cluster.once(initProducerId, () => ({
    errorCode: ErrorCode.CONCURRENT_TRANSACTIONS,
    producerEpoch: -1,
  }));
  test.cluster.on(initProducerId, ({ transactionalId }, { nodeId }) => ({
    errorCode: 0,
    producerId: transactionalId!.length,
    producerEpoch: nodeId,
  }));
  assertEquals(await test.admin.fenceProducers(["b", "aaa"]), [
    { transactionalId: "b", producerId: 1, producerEpoch: 1 },
    { transactionalId: "aaa", producerId: 3, producerEpoch: 0 },
  ]);
});
