import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import type { RecordBatch } from "../../../protocol/records/mod.ts";
import {
  batchOf,
  endTransaction,
  TestBroker,
  transactionalBatchOf,
  type TransactionOf,
  valuesFrom,
} from "../../broker_testing.ts";
import { ProtocolViolationError } from "../../protocol_violation_error.ts";
import { TestVerifier } from "../../transactions/verification/verification_testing.ts";
import type { BrokerSettings } from "../../settings/config.ts";
import { produceHandler } from "./produce.ts";

const TRANSACTION: TransactionOf = { producerId: 7, producerEpoch: 1 };

interface Options {
  readonly version?: number;
  readonly transactionalId?: string | null;
  readonly acks?: number;
  readonly holdBack?: (work: Promise<unknown>) => void;
}

/** A broker whose topic "t" has two partitions, and a coordinator that the test controls. */
async function start(config: Partial<BrokerSettings> = {}) {
  const broker = await TestBroker.start({ config });
  const partition = await broker.createTopic("t", { partitions: 2 });
  const verifier = new TestVerifier();
  Object.assign(broker.context, { verifier });
  /** Produces a batch to each partition. Returns the code of each, and where it went. */
  const send = async (batches: readonly RecordBatch[], options: Options = {}) => {
    const { version = 12, transactionalId = "x", acks = -1, holdBack } = options;
    const { responses } = await broker.call(produce, produceHandler, version, {
      transactionalId,
      acks,
      timeoutMs: 30_000,
      topicData: [{
        name: "t",
        partitionData: batches.map((batch, index) => ({ index, records: batch.bytes })),
      }],
    }, holdBack);
    return responses[0]!.partitionResponses.map((found) => [found.errorCode, found.baseOffset]);
  };
  return { broker, partition, verifier, send };
}

function batch(value: string, baseSequence = 0, producerEpoch = 1): RecordBatch {
  return transactionalBatchOf([value], { ...TRANSACTION, producerEpoch, baseSequence });
}

Deno.test("Produce asks the coordinator before a batch opens a transaction, and only then (KIP-890)", async (t) => {
  for (const [version, kind] of [[9, "verify"], [11, "verify"], [12, "add"]] as const) {
    await t.step(`version ${version}`, async () => {
      const { broker, partition, verifier, send } = await start();
      await using _ = broker;
      assertEquals(await send([batch("a"), batch("b")], { version }), [[0, 0], [0, 0]]);
      assertEquals(verifier.asked, [`x 7/1 ${kind} t-0`, `x 7/1 ${kind} t-1`]);
      assertEquals(await send([batch("c", 1)], { version }), [[0, 1]]);
      assertEquals(await send([batch("c", 1)], { version }), [[0, 1]], "a duplicate");
      assertEquals(verifier.asked.length, 2);
      endTransaction(partition, true, TRANSACTION);
      assertEquals(await send([batch("d", 2)], { version }), [[0, 3]]);
      assertEquals(verifier.asked.length, 3);
    });
  }
});

Deno.test("Produce does not verify old producers without transaction.partition.verification.enable", async () => {
  const { broker, partition, verifier, send } = await start({
    "transaction.partition.verification.enable": false,
  });
  await using _ = broker;
  verifier.code = ErrorCode.TRANSACTION_ABORTABLE;
  assertEquals(await send([batch("a"), batch("b")], { version: 11 }), [[0, 0], [0, 0]]);
  assertEquals(verifier.asked, []);
  endTransaction(partition, true, TRANSACTION);
  // What newer ones write is added in any case.
  const [answer] = await send([batch("c", 1)], { version: 12 });
  assertEquals(answer, [ErrorCode.TRANSACTION_ABORTABLE, -1]);
});

Deno.test("Produce returns an error that the client acts on, and appends nothing, if the coordinator refuses", async () => {
  const { broker, partition, verifier, send } = await start();
  await using _ = broker;
  const cases = [
    [90, 12, ErrorCode.INVALID_PRODUCER_EPOCH],
    [90, 9, ErrorCode.INVALID_PRODUCER_EPOCH],
    [120, 10, ErrorCode.INVALID_TXN_STATE],
    [120, 11, ErrorCode.TRANSACTION_ABORTABLE],
    [51, 11, ErrorCode.NOT_ENOUGH_REPLICAS],
    [51, 12, ErrorCode.CONCURRENT_TRANSACTIONS],
    [16, 12, ErrorCode.NOT_ENOUGH_REPLICAS],
    [49, 9, ErrorCode.INVALID_PRODUCER_ID_MAPPING],
  ] as const;
  for (const [code, version, expected] of cases) {
    verifier.code = code;
    const answer = await send([batch("a")], { version });
    assertEquals(answer, [[expected, -1]], `${code}, version ${version}`);
  }
  assertEquals(partition.logEndOffset, 0);
  const plain = batchOf(["b"], { producerId: 7, producerEpoch: 1, baseSequence: 0 });
  assertEquals(await send([batch("a"), plain]), [[49, -1], [0, 0]], "each partition on its own");
  await assertRejects(() => send([batch("a")], { acks: 0 }), ProtocolViolationError);
});

Deno.test("Produce refuses a batch whose transaction has ended since the coordinator was asked (KAFKA-14884)", async () => {
  const { broker, partition, verifier, send } = await start();
  await using _ = broker;
  for (
    const [version, expected] of [
      [9, ErrorCode.INVALID_TXN_STATE],
      [10, ErrorCode.INVALID_TXN_STATE],
      [11, ErrorCode.TRANSACTION_ABORTABLE],
      [12, ErrorCode.TRANSACTION_ABORTABLE],
    ] as const
  ) {
    const gate = Promise.withResolvers<void>();
    verifier.gate = gate.promise;
    // Asked before the marker, and after it.
    verifier.codes.push(ErrorCode.NONE, ErrorCode.TRANSACTION_ABORTABLE);
    const { logEndOffset } = partition;
    const sent = send([batch("late")], { version });
    endTransaction(partition, false, TRANSACTION);
    gate.resolve();
    assertEquals(await sent, [[expected, -1]]);
    assertEquals(verifier.asked.splice(0).length, 2);
    assertEquals(partition.logEndOffset, logEndOffset + 1, "the marker alone");
    assertEquals(partition.lastStableOffset, partition.highWatermark);
  }
});

Deno.test("Produce asks again if the marker of the last transaction comes while the coordinator waits for it", async () => {
  const { broker, partition, verifier, send } = await start();
  await using _ = broker;
  const gate = Promise.withResolvers<void>();
  verifier.gate = gate.promise;
  const sent = send([batch("a")]);
  endTransaction(partition, true, TRANSACTION);
  gate.resolve();
  assertEquals(await sent, [[0, 1]]);
  assertEquals(verifier.asked.length, 2);
});

Deno.test("Produce refuses a batch for whose producer markers come again and again", async () => {
  const { broker, partition, verifier, send } = await start();
  await using _ = broker;
  const ensure = verifier.ensure.bind(verifier);
  verifier.ensure = async (...args) => {
    const code = await ensure(...args);
    endTransaction(partition, false, TRANSACTION);
    return code;
  };
  assertEquals(await send([batch("a")]), [[ErrorCode.TRANSACTION_ABORTABLE, -1]]);
  assertEquals(await send([batch("a")], { version: 9 }), [[ErrorCode.INVALID_TXN_STATE, -1]]);
  assertEquals(verifier.asked.length, 10);
});

Deno.test("Produce refuses a batch if the epoch of the leader ended while the coordinator was asked", async () => {
  const { broker, partition, verifier, send } = await start();
  await using _ = broker;
  const gate = Promise.withResolvers<void>();
  verifier.gate = gate.promise;
  const sent = send([batch("a")]);
  partition.updateState({ ...partition.state, leaderEpoch: partition.leaderEpoch + 1 });
  gate.resolve();
  assertEquals(await sent, [[ErrorCode.NOT_LEADER_OR_FOLLOWER, -1]]);
  assertEquals(partition.logEndOffset, 0);
});

Deno.test("Produce keeps the order of a connection's batches while the coordinator is asked", async () => {
  const { broker, partition, verifier, send } = await start();
  await using _ = broker;
  const gate = Promise.withResolvers<void>();
  verifier.gate = gate.promise;
  const held: Promise<unknown>[] = [];
  const holdBack = (work: Promise<unknown>) => held.push(work);
  const first = send([batch("a")], { holdBack });
  assertEquals(held.length, 1);
  let isOver = false;
  void held[0]!.then(() => isOver = true);
  await Promise.resolve();
  assertEquals(isOver, false);
  gate.resolve();
  await held[0];
  assertEquals(partition.logEndOffset, 1, "appended before the next request is handled");
  await send([batch("b", 1)], { holdBack });
  await first;
  assertEquals(held.length, 1, "once the transaction is open nothing waits");
  assertEquals(await valuesFrom(partition, 0), ["a", "b"]);
});

Deno.test("Produce refuses what follows a batch whose verification failed, as that was (KAFKA-14920)", async () => {
  const { broker, verifier, send } = await start();
  await using _ = broker;
  for (
    const [code, expected] of [
      [ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_ENOUGH_REPLICAS],
      [ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.CONCURRENT_TRANSACTIONS],
    ] as const
  ) {
    verifier.code = code;
    assertEquals(await send([batch("a")]), [[expected, -1]]);
    verifier.code = ErrorCode.NONE;
    assertEquals(await send([batch("b", 1)]), [[expected, -1]]);
  }
  broker.clock.advance(6000);
  assertEquals(await send([batch("b", 1)]), [[ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1]]);
  assertEquals(await send([batch("a")]), [[0, 0]]);
  assertEquals(await send([batch("b", 1)]), [[0, 1]]);
});

Deno.test("Produce of an unknown producer may begin with any sequence up to version 11, then with 0", async () => {
  const { broker, send } = await start();
  await using _ = broker;
  assertEquals(await send([batch("a", 7)]), [[ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1]]);
  assertEquals(await send([batch("a", 7)], { version: 11 }), [[0, 0]]);
});

Deno.test("Produce rejects transactional batches without transactional id or producer id", async () => {
  const { broker, partition, verifier, send } = await start();
  await using _ = broker;
  for (const version of [3, 9, 12]) {
    assertEquals(await send([batch("a")], { version, transactionalId: null }), [
      [ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, -1],
    ]);
  }
  const anonymous = batchOf(["a"], { isTransactional: true });
  assertEquals(await send([anonymous]), [[ErrorCode.INVALID_RECORD, -1]]);
  assertEquals([partition.logEndOffset, verifier.asked], [0, []]);
  // A transactional id alone makes no transaction.
  assertEquals(await send([batchOf(["a"])]), [[0, 0]]);
  assertEquals([partition.lastStableOffset, verifier.asked], [1, []]);
});

Deno.test("Produce rejects a batch outside the producer's open transaction with INVALID_TXN_STATE", async () => {
  const { broker, send } = await start();
  await using _ = broker;
  await send([batch("a")]);
  const plain = batchOf(["b"], { producerId: 7, producerEpoch: 1, baseSequence: 1 });
  assertEquals(await send([plain]), [[ErrorCode.INVALID_TXN_STATE, -1]]);
});
