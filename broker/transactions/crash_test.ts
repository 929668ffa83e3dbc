/**
 * Transactions under a kill or power failure before each change on disk: the producer id block, each record
 * of the coordinator, of its partitions and of the group, and each marker.
 *
 * After each, a broker is started on what is left, the clients go on, and all that was open ends. Then no
 * partition holds back readers, and each transaction is there as a whole or not at all.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { offsetFetch } from "../../protocol/messages/groups/offset_fetch.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { endTxn } from "../../protocol/messages/transactions/end_txn.ts";
import { initProducerId } from "../../protocol/messages/transactions/init_producer_id.ts";
import { txnOffsetCommit } from "../../protocol/messages/transactions/txn_offset_commit.ts";
import { recordBatches } from "../../protocol/records/mod.ts";
import { MemoryFileSystem } from "../../storage/mod.ts";
import { transactionalBatchOf } from "../broker_testing.ts";
import { offsetFetchHandler } from "../handlers/groups/offset_fetch.ts";
import { txnOffsetCommitHandler } from "../handlers/groups/txn_offset_commit.ts";
import { produceHandler } from "../handlers/records/produce.ts";
import { endTxnHandler } from "../handlers/transactions/end_txn.ts";
import { initProducerIdHandler } from "../handlers/transactions/init_producer_id.ts";
import { KilledFileSystem } from "../killed_file_system_testing.ts";
import { ManualClock } from "../time/clock.ts";
import { startTransactionBroker, type TransactionBroker } from "./broker_testing.ts";
import { isPrepared, STATE_NAMES } from "./model/mod.ts";
import { turn } from "./testing.ts";

const READ_COMMITTED = 1;
const CONFIG = {
  "transaction.state.log.num.partitions": 1,
  "offsets.topic.num.partitions": 1,
  "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
} as const;
const TIMEOUT_MS = 10_000;

interface Producer {
  producerId: number;
  producerEpoch: number;
}

/** Requests of transactional id `x`. */
class Transactions {
  readonly #started: TransactionBroker;

  constructor(started: TransactionBroker) {
    this.#started = started;
  }

  get #broker() {
    return this.#started.broker;
  }

  async init(): Promise<Producer> {
    for (let attempt = 0;; attempt++) {
      const { errorCode, producerId, producerEpoch } = await this.#broker.call(
        initProducerId,
        initProducerIdHandler,
        5,
        { transactionalId: "x", transactionTimeoutMs: TIMEOUT_MS },
      );
      if (errorCode === 0) return { producerId, producerEpoch };
      // What the instance before left open is aborted first.
      assertEquals(errorCode, 51);
      assert(attempt < 100, "the transaction before does not end");
      this.#started.broker.clock.advance(100);
      await turn();
    }
  }

  /** Writes a value to both partitions, and commits an offset. */
  async write(producer: Producer, value: string, offset: number): Promise<void> {
    const batch = () => transactionalBatchOf([value], { ...producer, baseSequence: 0 }).bytes;
    const { responses } = await this.#broker.call(produce, produceHandler, 12, {
      transactionalId: "x",
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{
        name: "t",
        partitionData: [0, 1].map((index) => ({ index, records: batch() })),
      }],
    });
    assertEquals(responses[0]!.partitionResponses.map(({ errorCode }) => errorCode), [0, 0]);
    const { topics } = await this.#broker.call(txnOffsetCommit, txnOffsetCommitHandler, 5, {
      transactionalId: "x",
      groupId: "g",
      ...producer,
      topics: [{
        name: "t",
        partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: "" }],
      }],
    });
    assertEquals(topics[0]!.partitions[0]!.errorCode, 0);
  }

  async end(producer: Producer, committed: boolean): Promise<Producer> {
    const { errorCode, producerId, producerEpoch } = await this.#broker.call(
      endTxn,
      endTxnHandler,
      5,
      { transactionalId: "x", ...producer, committed },
    );
    assertEquals(errorCode, 0);
    return { producerId: producerId!, producerEpoch: producerEpoch! };
  }

  async committedOffset(): Promise<number> {
    const { groups } = await this.#broker.call(offsetFetch, offsetFetchHandler, 8, {
      groups: [{ groupId: "g", topics: [{ name: "t", partitionIndexes: [0] }] }],
      requireStable: true,
    });
    const [found] = groups[0]!.topics[0]!.partitions;
    assertEquals(found!.errorCode, 0);
    return found!.committedOffset;
  }
}

/** The values that readers with read_committed get. */
async function committedValues({ broker }: TransactionBroker, index: number): Promise<string[]> {
  const partition = broker.topics.partition("t", index)!;
  const { highWatermark, lastStableOffset } = partition;
  assertEquals(lastStableOffset, highWatermark, `${partition} holds back readers`);
  const values: string[] = [];
  const aborted = await partition.log.abortedTransactions(0, lastStableOffset);
  const { chunks } = await partition.read(0, {
    maxBytes: 1 << 20,
    minOneBatch: true,
    isolationLevel: READ_COMMITTED,
  });
  for (const chunk of chunks) {
    for (const batch of recordBatches(chunk)) {
      if (batch.isControl) continue;
      const isAborted = aborted.some(({ producerId, firstOffset, lastOffset }) =>
        producerId === batch.producerId && firstOffset <= batch.baseOffset &&
        batch.baseOffset <= lastOffset
      );
      if (isAborted) continue;
      for (const record of batch.records()) values.push(new TextDecoder().decode(record.value!));
    }
  }
  return values;
}

Deno.test("Transactions are there as a whole or not at all after a kill before any change on disk", async () => {
  const disk = new MemoryFileSystem();
  const clock = new ManualClock();
  {
    await using started = await startTransactionBroker({ fs: disk, config: CONFIG, clock });
    await started.broker.createTopic("t", { partitions: 2 });
    await started.transactions.ensureTopic();
    await started.groups.ensureTopic();
  }
  const fs = new KilledFileSystem(disk);
  /** How many states had been left when the end of a transaction was answered. */
  const answeredAt: Record<string, number> = {};
  {
    await using started = await startTransactionBroker({ fs, config: CONFIG, clock });
    await Promise.all([started.transactions.loaded(), started.groups.loaded()]);
    const client = new Transactions(started);
    fs.left.length = 0;
    let producer = await client.init();
    await client.write(producer, "one", 1);
    producer = await client.end(producer, true);
    answeredAt["one"] = fs.left.length;
    await started.transactions.whenSettled("x");
    await client.write(producer, "aborted", 2);
    producer = await client.end(producer, false);
    await started.transactions.whenSettled("x");
    await client.write(producer, "three", 3);
    await client.end(producer, true);
    answeredAt["three"] = fs.left.length;
    await started.transactions.whenSettled("x");
    fs.keep();
    await started.stop();
  }
  assert(fs.left.length > 50, `${fs.left.length} kills`);
  for (const [kill, left] of fs.left.entries()) {
    await checkAfterKill(kill, left, answeredAt);
  }
});

async function checkAfterKill(
  kill: number,
  fs: MemoryFileSystem,
  answeredAt: Readonly<Record<string, number>>,
): Promise<void> {
  const message = `kill ${kill}`;
  const clock = new ManualClock(1_700_000_000_000 + 1);
  await using started = await startTransactionBroker({ fs, config: CONFIG, clock });
  await Promise.all([started.transactions.loaded(), started.groups.loaded()]);
  // Markers are sent again, and what was open takes too long, unless a new instance is there first.
  const client = new Transactions(started);
  const isTakenOver = kill % 4 < 2;
  const producer = isTakenOver ? await client.init() : undefined;
  for (let i = 0; i < 30; i++) {
    clock.advance(1000);
    await turn();
    await clock.yield();
  }
  await settle(started);
  const states = [...started.transactions.transactions()].map(({ transaction }) => transaction);
  assert(
    states.every((state) => !isPrepared(state) && STATE_NAMES[state.state] !== "Ongoing"),
    `${message}: ${states.map(({ state }) => STATE_NAMES[state])}`,
  );
  const values = await committedValues(started, 0);
  assertEquals(await committedValues(started, 1), values, message);
  const count = values.length;
  assertEquals(values, ["one", "three"].slice(0, count), message);
  assertEquals(await client.committedOffset(), [-1, 1, 3][count]!, message);
  for (const [at, value] of ["one", "three"].entries()) {
    if (kill >= answeredAt[value]!) assert(count > at, `${message}: "${value}" is lost`);
  }
  const next = producer ?? await client.init();
  await client.write(next, "last", 4);
  await client.end(next, true);
  await settle(started);
  assertEquals((await committedValues(started, 0)).at(-1), "last", message);
  assertEquals(await client.committedOffset(), 4, message);
}

/** Waits until no transaction is being ended. */
async function settle({ transactions, broker }: TransactionBroker): Promise<void> {
  for (let turns = 0; transactions.whenSettled("x") !== undefined; turns++) {
    assert(turns < 1000, "a transaction does not end");
    broker.clock.advance(10);
    await turn();
  }
}
