/**
 * The APIs of transactional producers together, on a broker in memory, in all their versions.
 */

import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { findCoordinator } from "../../../protocol/messages/groups/find_coordinator.ts";
import { addOffsetsToTxn } from "../../../protocol/messages/transactions/add_offsets_to_txn.ts";
import { addPartitionsToTxn } from "../../../protocol/messages/transactions/add_partitions_to_txn.ts";
import { describeTransactions } from "../../../protocol/messages/transactions/describe_transactions.ts";
import { endTxn } from "../../../protocol/messages/transactions/end_txn.ts";
import { initProducerId } from "../../../protocol/messages/transactions/init_producer_id.ts";
import { listTransactions } from "../../../protocol/messages/transactions/list_transactions.ts";
import { writeTxnMarkers } from "../../../protocol/messages/transactions/write_txn_markers.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { OFFSETS_TOPIC } from "../../groups/offsets_topic.ts";
import {
  startTransactionBroker,
  type TransactionBroker,
} from "../../transactions/broker_testing.ts";
import { turnEnd } from "../../time/turn_end.ts";
import { findCoordinatorHandler } from "../groups/find_coordinator.ts";
import { addOffsetsToTxnHandler } from "./add_offsets_to_txn.ts";
import { addPartitionsToTxnHandler } from "./add_partitions_to_txn.ts";
import { describeTransactionsHandler } from "./describe_transactions.ts";
import { endTxnHandler } from "./end_txn.ts";
import { initProducerIdHandler } from "./init_producer_id.ts";
import { listTransactionsHandler } from "./list_transactions.ts";
import { writeTxnMarkersHandler } from "./write_txn_markers.ts";

const { TRANSACTION_ABORTABLE, INVALID_PRODUCER_EPOCH, PRODUCER_FENCED } = ErrorCode;
const TRANSACTION = 1;

type Pair = readonly [producerId: number, producerEpoch: number];

/** Shorthands for requests about transactional id `x`. */
class Fixture implements AsyncDisposable {
  readonly #started: TransactionBroker;

  private constructor(started: TransactionBroker) {
    this.#started = started;
  }

  static async start(): Promise<Fixture> {
    const started = await startTransactionBroker();
    await started.broker.createTopic("t", { partitions: 2 });
    await started.transactions.ensureTopic();
    return new Fixture(started);
  }

  get broker() {
    return this.#started.broker;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.#started[Symbol.asyncDispose]());
  }

  async init(version = 5, request: Partial<RequestTo<typeof initProducerId>> = {}) {
    const { errorCode, producerId, producerEpoch } = await this.broker.call(
      initProducerId,
      initProducerIdHandler,
      version,
      { transactionalId: "x", transactionTimeoutMs: 60_000, ...request },
    );
    return [errorCode, producerId, producerEpoch];
  }

  /** Codes by partition, `partition` of topic `t` or of an unknown one. */
  async add(
    version: number,
    [producerId, producerEpoch]: Pair,
    partitions: number[],
    { verifyOnly = false, id = "x" } = {},
  ): Promise<number[]> {
    const topics = [{ name: "t", partitions }];
    const answer = await this.broker.call(
      addPartitionsToTxn,
      addPartitionsToTxnHandler,
      version,
      version < 4
        ? {
          v3AndBelowTransactionalId: id,
          v3AndBelowProducerId: producerId,
          v3AndBelowProducerEpoch: producerEpoch,
          v3AndBelowTopics: topics,
        }
        : {
          transactions: [{ transactionalId: id, producerId, producerEpoch, verifyOnly, topics }],
        },
    );
    const results = version < 4
      ? answer.resultsByTopicV3AndBelow
      : answer.resultsByTransaction[0]!.topicResults;
    return results[0]!.resultsByPartition.map((result) => result.partitionErrorCode);
  }

  async addOffsets(version: number, [producerId, producerEpoch]: Pair, transactionalId = "x") {
    const request = { transactionalId, producerId, producerEpoch, groupId: "g" };
    const { broker } = this;
    return (await broker.call(addOffsetsToTxn, addOffsetsToTxnHandler, version, request)).errorCode;
  }

  async end(
    version: number,
    [producerId, producerEpoch]: Pair,
    committed = true,
    transactionalId = "x",
  ) {
    const answer = await this.broker.call(endTxn, endTxnHandler, version, {
      transactionalId,
      producerId,
      producerEpoch,
      committed,
    });
    return [answer.errorCode, answer.producerId, answer.producerEpoch];
  }

  async describe(...transactionalIds: string[]) {
    return (await this.broker.call(
      describeTransactions,
      describeTransactionsHandler,
      0,
      { transactionalIds },
    )).transactionStates;
  }

  async list(request: Partial<RequestTo<typeof listTransactions>> = {}, version = 2) {
    return await this.broker.call(listTransactions, listTransactionsHandler, version, {
      stateFilters: [],
      producerIdFilters: [],
      ...request,
    });
  }

  /** Resolves when the last transaction has ended. */
  async settled(): Promise<void> {
    await this.broker.context.transactions.whenSettled("x");
  }
}

Deno.test("Transactional producers go through a transaction in every version", async (t) => {
  for (let version = 0; version <= 5; version++) {
    await t.step(`version ${version}`, async () => {
      await using fixture = await Fixture.start();
      assertEquals(await fixture.init(version), [0, 0, 0]);
      assertEquals(await fixture.add(version, [0, 0], [0, 1]), [0, 0]);
      assertEquals(await fixture.addOffsets(Math.min(version, 4), [0, 0]), 0);
      const isV2 = version === 5;
      const pair = isV2 ? [0, 1] : [-1, -1];
      assertEquals(await fixture.end(version, [0, 0]), [0, ...pair]);
      await fixture.settled();
      const [described] = await fixture.describe("x");
      const { transactionState, producerEpoch } = described!;
      assertEquals([transactionState, producerEpoch], ["CompleteCommit", isV2 ? 1 : 0]);
      // A marker in each partition, and in that of the group.
      const { topics } = fixture.broker;
      const ends = [0, 1].map((index) => topics.partition("t", index)!.highWatermark);
      assertEquals(ends, [1, 1]);
      const group = fixture.broker.context.cluster.topic(OFFSETS_TOPIC)!.partitions
        .map((_, index) => topics.partition(OFFSETS_TOPIC, index)!.highWatermark);
      assertEquals(group.toSorted(), [0, 0, 1]);
    });
  }
});

Deno.test("A fenced producer hears PRODUCER_FENCED from the versions that know it (KIP-588)", async () => {
  await using fixture = await Fixture.start();
  await fixture.init();
  await fixture.init();
  const old: Pair = [0, 0];
  const codes = async (call: (version: number) => Promise<number>, versions: number) => {
    const all: number[] = [];
    for (let version = 0; version <= versions; version++) all.push(await call(version));
    return all;
  };
  const [f, e] = [PRODUCER_FENCED, INVALID_PRODUCER_EPOCH];
  assertEquals(await codes(async (v) => (await fixture.end(v, old))[0]!, 5), [e, e, f, f, f, f]);
  assertEquals(await codes(async (v) => (await fixture.add(v, old, [0]))[0]!, 5), [
    e,
    e,
    f,
    f,
    f,
    f,
  ]);
  assertEquals(await codes((v) => fixture.addOffsets(v, old), 4), [e, e, f, f, f]);
  const pair = { producerId: 0, producerEpoch: 0 };
  assertEquals(await fixture.init(3, pair), [e, -1, -1]);
  assertEquals(await fixture.init(4, pair), [f, -1, -1]);
});

Deno.test("InitProducerId checks the request before the transactional id", async () => {
  await using fixture = await Fixture.start();
  const cases: [Partial<RequestTo<typeof initProducerId>>, number][] = [
    [{ transactionalId: "" }, ErrorCode.INVALID_REQUEST],
    [{ producerId: 5 }, ErrorCode.INVALID_REQUEST],
    [{ producerEpoch: 5 }, ErrorCode.INVALID_REQUEST],
    [{ transactionTimeoutMs: 0 }, ErrorCode.INVALID_TRANSACTION_TIMEOUT],
    [{ transactionTimeoutMs: -1 }, ErrorCode.INVALID_TRANSACTION_TIMEOUT],
    [{ transactionTimeoutMs: 900_001 }, ErrorCode.INVALID_TRANSACTION_TIMEOUT],
  ];
  for (const isKnown of [false, true]) {
    for (const [request, code] of cases) {
      assertEquals(await fixture.init(5, request), [code, -1, -1], JSON.stringify(request));
    }
    if (!isKnown) {
      assertEquals(await fixture.init(5, { transactionTimeoutMs: 900_000 }), [0, 0, 0]);
    }
  }
});

Deno.test("AddPartitionsToTxn adds nothing if a partition is unknown, and nothing for an unknown id", async (t) => {
  for (let version = 0; version <= 5; version++) {
    await t.step(`version ${version}`, async () => {
      await using fixture = await Fixture.start();
      await fixture.init();
      const pair: Pair = [0, 0];
      assertEquals(await fixture.add(version, pair, [0, 9]), [
        ErrorCode.OPERATION_NOT_ATTEMPTED,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ]);
      assertEquals((await fixture.describe("x"))[0]!.transactionState, "Empty");
      const unknown = ErrorCode.INVALID_PRODUCER_ID_MAPPING;
      assertEquals(await fixture.add(version, pair, [0], { id: "y" }), [unknown]);
      assertEquals(await fixture.add(version, [7, 0], [0]), [unknown]);
      assertEquals(await fixture.add(version, pair, [0], { id: "" }), [ErrorCode.INVALID_REQUEST]);
    });
  }
});

Deno.test("AddPartitionsToTxn verifies without adding, from version 4 (KIP-890)", async () => {
  await using fixture = await Fixture.start();
  await fixture.init();
  const pair: Pair = [0, 0];
  for (const version of [4, 5]) {
    const verify = () => fixture.add(version, pair, [0, 1], { verifyOnly: true });
    if (version === 4) {
      assertEquals(await verify(), [TRANSACTION_ABORTABLE, TRANSACTION_ABORTABLE]);
      await fixture.add(3, pair, [1]);
    }
    assertEquals(await verify(), [TRANSACTION_ABORTABLE, 0]);
  }
});

Deno.test("EndTxn and AddOffsetsToTxn reject an empty and an unknown transactional id", async () => {
  await using fixture = await Fixture.start();
  const pair: Pair = [0, 0];
  const [empty, unknown] = [ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_PRODUCER_ID_MAPPING];
  for (const version of [0, 3, 5]) {
    assertEquals((await fixture.end(version, pair, true, ""))[0], empty);
    assertEquals((await fixture.end(version, pair, true, "y"))[0], unknown);
  }
  assertEquals(await fixture.addOffsets(4, pair, ""), empty);
  assertEquals(await fixture.addOffsets(4, pair, "y"), unknown);
});

Deno.test("DescribeTransactions returns the state of each id (KIP-664)", async () => {
  await using fixture = await Fixture.start();
  await fixture.init();
  const startMs = fixture.broker.clock.now();
  await fixture.add(5, [0, 0], [1, 0]);
  const [open, unknown, empty] = await fixture.describe("x", "y", "");
  assertEquals(open, {
    errorCode: 0,
    transactionalId: "x",
    transactionState: "Ongoing",
    transactionTimeoutMs: 60_000,
    transactionStartTimeMs: startMs,
    producerId: 0,
    producerEpoch: 0,
    topics: [{ topic: "t", partitions: [1, 0] }],
  });
  assertEquals(unknown!.errorCode, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
  assertEquals(empty!.errorCode, ErrorCode.INVALID_REQUEST);
});

Deno.test("ListTransactions filters by state, producer, duration and pattern, and lists unknown states", async () => {
  await using fixture = await Fixture.start();
  for (const transactionalId of ["orders-1", "orders-2", "other"]) {
    await fixture.init(5, { transactionalId });
  }
  await fixture.add(5, [1, 0], [0], { id: "orders-2" });
  fixture.broker.clock.advance(5000);
  await fixture.add(5, [2, 0], [0], { id: "other" });
  const ids = async (request: Partial<RequestTo<typeof listTransactions>>) => {
    const { errorCode, transactionStates } = await fixture.list(request);
    assertEquals(errorCode, 0);
    return transactionStates.map(({ transactionalId }) => transactionalId).sort();
  };
  assertEquals(await ids({}), ["orders-1", "orders-2", "other"]);
  assertEquals(await ids({ stateFilters: ["Ongoing"] }), ["orders-2", "other"]);
  assertEquals(await ids({ stateFilters: ["Empty", "PrepareCommit"] }), ["orders-1"]);
  assertEquals(await ids({ producerIdFilters: [0, 2, 9] }), ["orders-1", "other"]);
  assertEquals(await ids({ stateFilters: ["Ongoing"], durationFilter: 4000 }), ["orders-2"]);
  assertEquals(await ids({ transactionalIdPattern: "orders-.*" }), ["orders-1", "orders-2"]);
  assertEquals(await ids({ transactionalIdPattern: "orders" }), []);
  const { transactionStates } = await fixture.list({ producerIdFilters: [1] });
  assertEquals(transactionStates, [
    { transactionalId: "orders-2", producerId: 1, transactionState: "Ongoing" },
  ]);
  for (const version of [0, 1, 2]) {
    const answer = await fixture.list({
      stateFilters: ["Dead", "Sleeping", "ongoing", "Sleeping", "PrepareEpochFence"],
    }, version);
    assertEquals(answer.unknownStateFilters, ["Sleeping", "ongoing"]);
    assertEquals(answer.transactionStates, []);
  }
  for (const transactionalIdPattern of ["(", "(?=a)"]) {
    const { errorCode } = await fixture.list({ transactionalIdPattern });
    assertEquals(errorCode, ErrorCode.INVALID_REGULAR_EXPRESSION);
  }
});

Deno.test("FindCoordinator returns the coordinator of transactional ids, in every version that has them", async () => {
  await using started = await startTransactionBroker();
  for (let version = 1; version <= 6; version++) {
    const keys = version < 4 ? { key: "x" } : { coordinatorKeys: ["x", "y"] };
    const answer = await started.broker.call(findCoordinator, findCoordinatorHandler, version, {
      keyType: TRANSACTION,
      ...keys,
    });
    const found = version < 4 ? [answer] : answer.coordinators!;
    for (const { errorCode, nodeId, port } of found) {
      assertEquals([errorCode, nodeId, port], [0, 1, 9092]);
    }
  }
  const { config } = started.broker.topics.get("__transaction_state")!;
  assertEquals(Object.fromEntries(config.overrides), {
    "cleanup.policy": "compact",
    "flush": "commit",
    "min.insync.replicas": "2",
    "segment.bytes": String(100 * 1024 * 1024),
  });
});

Deno.test("AddPartitionsToTxn adds a partition once that is listed repeatedly", async () => {
  await using fixture = await Fixture.start();
  const [, producerId, producerEpoch] = await fixture.init();
  const pair = [producerId!, producerEpoch!] as const;
  for (const version of [3, 5]) {
    assertEquals(await fixture.add(version, pair, [0, 1, 0, 0]), [0, 0, 0, 0]);
    assertEquals(await fixture.add(version, pair, [0, 9, 0]), [
      ErrorCode.OPERATION_NOT_ATTEMPTED,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.OPERATION_NOT_ATTEMPTED,
    ]);
  }
  const [described] = await fixture.describe("x");
  assertEquals(described!.topics, [{ topic: "t", partitions: [0, 1] }]);
});

Deno.test("WriteTxnMarkers waits for a limited number of markers at the same time", async () => {
  await using fixture = await Fixture.start();
  let waiting = 0;
  let most = 0;
  const write = async () => {
    most = Math.max(most, ++waiting);
    await turnEnd();
    waiting--;
    return ErrorCode.NONE;
  };
  Object.assign(fixture.broker.context, { markers: { write } });
  const marker = {
    producerId: 7,
    producerEpoch: 0,
    transactionResult: true,
    topics: ["t", "u"].map((name) => ({ name, partitionIndexes: new Array(700).fill(0) })),
    coordinatorEpoch: 0,
    transactionVersion: 2,
  };
  const { markers } = await fixture.broker.call(writeTxnMarkers, writeTxnMarkersHandler, 2, {
    markers: [marker, marker],
  });
  const codes = markers.flatMap(({ topics }) => topics.flatMap(({ partitions }) => partitions))
    .map(({ errorCode }) => errorCode);
  assertEquals([codes.length, new Set(codes)], [2800, new Set([0])]);
  assertEquals(most <= 1000, true);
});

Deno.test("WriteTxnMarkers ends a transaction in the partitions led here, and answers each", async () => {
  await using fixture = await Fixture.start();
  const write = async (
    partitions: [name: string, index: number][],
    { version = 2, coordinatorEpoch = 0, producerEpoch = 0 } = {},
  ) => {
    const { markers } = await fixture.broker.call(
      writeTxnMarkers,
      writeTxnMarkersHandler,
      version,
      {
        markers: [{
          producerId: 7,
          producerEpoch,
          transactionResult: false,
          topics: partitions.map(([name, index]) => ({ name, partitionIndexes: [index] })),
          coordinatorEpoch,
          ...(version >= 2 ? { transactionVersion: 2 } : {}),
        }],
      },
    );
    return markers[0]!.topics.flatMap(({ partitions }) =>
      partitions.map(({ errorCode }) => errorCode)
    );
  };
  for (const version of [1, 2]) {
    assertEquals(await write([["t", 0], ["t", 9], ["unknown", 0]], { version }), [
      0,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
  }
  assertEquals(fixture.broker.topics.partition("t", 0)!.highWatermark, 2);
  // After a marker of an epoch that no coordinator has, the real one could not end its transactions.
  assertEquals(await write([["t", 0]], { coordinatorEpoch: 5 }), [ErrorCode.INVALID_REQUEST]);
  assertEquals(await write([["t", 0]], { producerEpoch: 3 }), [0]);
  assertEquals(await write([["t", 0]], { producerEpoch: 2 }), [INVALID_PRODUCER_EPOCH]);
});
