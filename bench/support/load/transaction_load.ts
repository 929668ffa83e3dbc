/**
 * Load of transactions, one after the other on each connection, in the flow of KIP-890: Produce adds the
 * partition, EndTxn commits and tells the epoch of the next one.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  CoordinatorType,
  findCoordinator,
} from "../../../protocol/messages/groups/find_coordinator.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { endTxn } from "../../../protocol/messages/transactions/end_txn.ts";
import { initProducerId } from "../../../protocol/messages/transactions/init_producer_id.ts";
import { RecordBatchBuilder } from "../../../protocol/records/mod.ts";
import { Histogram } from "../../../cli/commands/bench/histogram.ts";
import { formatMs } from "../report/format_ms.ts";
import { describeUsage, type Outcome, usagePer } from "../report/outcome.ts";
import { LoadConnection } from "./load_connection.ts";
import { sampleValue } from "./record_batches.ts";
import { expectNone, LoadTopic, type Target, TIMEOUT_MS } from "./target.ts";
import { WarmUp } from "./warm_up.ts";
import { measureWindow, type Timing } from "./window.ts";

const RETRY_MS = 5;
const MAX_TRIES = 2000;
/** Answers after which a request is sent again. */
const NOT_YET: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.CONCURRENT_TRANSACTIONS,
]);
const PRODUCE_VERSION = 12;
const END_VERSION = 5;

/** What the transactions are. */
export interface TransactionShape {
  /** Bytes of each record's value. */
  readonly size: number;
  /** Records of a transaction, in one batch for each of its partitions. */
  readonly records: number;
  /** Partitions that a transaction writes to. */
  readonly partitions: number;
  /** Producers at the same time, each with partitions of its own. */
  readonly producers: number;
  /** As of scenarios: `commit`, `own` or `os`. */
  readonly flush: string;
}

/** Runs transactions for a while. */
export async function measureTransactions(
  target: Target,
  shape: TransactionShape,
  timing: Timing,
): Promise<Outcome> {
  const { records, partitions, producers, flush } = shape;
  await using topic = await LoadTopic.create(target, {
    partitions: partitions * producers,
    flush,
    maxMessageBytes: 1 << 24,
  });
  const load = new TransactionLoad(target, topic, shape);
  const running = Promise.all(Array.from({ length: producers }, (_, i) => load.run(i)));
  const { stable, ...rest } = timing;
  const control = async () => {
    const warmUp = stable === undefined ? undefined : new WarmUp(target, stable);
    while (warmUp?.isOver === false) await warmUp.watch(() => load.progress);
    const window = await measureWindow(rest, target, () => load.begin(), () => load.end());
    return { ...window, warmUpNote: warmUp?.note };
  };
  const window = await Promise.race([
    control(),
    running.then(() => Promise.reject(new Error("The load ended too early"))),
  ]);
  await running;
  const value = load.committed / window.seconds;
  const note = [
    `${Math.round(value * records).toLocaleString("en-US")} records/s`,
    `p50 ${formatMs(load.latencies.percentileMs(50))}`,
    `p99 ${formatMs(load.latencies.percentileMs(99))}`,
    ...(load.repeated === 0 ? [] : [`${load.repeated} requests repeated`]),
    describeUsage(window),
  ].join(", ");
  return {
    figures: [
      { name: "", unit: "transactions/s", better: "higher", value },
      ...usagePer("transaction", load.committed, window),
    ],
    note,
  };
}

/** Writes `count` transactions to partition 0 of a topic, of which every `nth` is aborted. */
export async function fillWithTransactions(
  target: Target,
  topic: LoadTopic,
  shape: TransactionShape,
  count: number,
  nth: number = Infinity,
): Promise<void> {
  const load = new TransactionLoad(target, topic, shape);
  await load.run(0, count, nth);
}

class TransactionLoad {
  readonly latencies = new Histogram();
  /** Transactions committed in the window, and in total. */
  committed = 0;
  progress = 0;
  /** Requests that were sent again. */
  repeated = 0;
  readonly #target: Target;
  readonly #topic: LoadTopic;
  readonly #shape: TransactionShape;
  readonly #value: Uint8Array;
  #isCounting = false;
  #isOver = false;

  constructor(target: Target, topic: LoadTopic, shape: TransactionShape) {
    this.#target = target;
    this.#topic = topic;
    this.#shape = shape;
    this.#value = sampleValue(shape.size);
  }

  begin(): void {
    this.#isCounting = true;
  }

  end(): void {
    this.#isCounting = false;
    this.#isOver = true;
  }

  /** Runs transactions of the producer with this index, until the end or for `count` of them. */
  async run(index: number, count: number = Infinity, nthAborted: number = Infinity): Promise<void> {
    const transactionalId = `${this.#topic.name}-${index}`;
    using connection = await LoadConnection.connect(this.#target.address);
    await this.#repeat("find a coordinator", async () => {
      const { errorCode } = await connection.request(findCoordinator, 3, {
        key: transactionalId,
        keyType: CoordinatorType.transaction,
      });
      return { errorCode };
    });
    let pair = await this.#repeat("initialize", () =>
      connection.request(initProducerId, 5, {
        transactionalId,
        transactionTimeoutMs: TIMEOUT_MS,
      }));
    for (let i = 1; i <= count && !this.#isOver; i++) {
      const { producerId, producerEpoch } = pair;
      const startMs = performance.now();
      const batches = this.#batches(index, producerId, producerEpoch);
      await this.#repeat("produce", async () => {
        const { responses } = await connection.request(produce, PRODUCE_VERSION, {
          transactionalId,
          acks: -1,
          timeoutMs: TIMEOUT_MS,
          topicData: [{ name: this.#topic.name, partitionData: batches }],
        });
        const errors = responses[0]!.partitionResponses.map(({ errorCode }) => errorCode);
        // All or none: a partition that took its batch would answer a repeated one alike.
        return { errorCode: errors.find((code) => code !== ErrorCode.NONE) ?? ErrorCode.NONE };
      });
      pair = await this.#repeat("end a transaction", () =>
        connection.request(endTxn, END_VERSION, {
          transactionalId,
          producerId,
          producerEpoch,
          committed: i % nthAborted !== 0,
        }));
      this.#count(startMs);
    }
  }

  #batches(index: number, producerId: number, producerEpoch: number) {
    const { records, partitions, size } = this.#shape;
    const each = records / partitions;
    const nowMs = Date.now();
    return Array.from({ length: partitions }, (_, i) => {
      const builder = new RecordBatchBuilder({
        producerId,
        producerEpoch,
        baseSequence: 0,
        isTransactional: true,
        initialCapacity: 100 + each * (size + 24),
      });
      for (let record = 0; record < each; record++) builder.append(nowMs, null, this.#value);
      return { index: index * partitions + i, records: builder.build() };
    });
  }

  async #repeat<R extends { readonly errorCode: number }>(
    what: string,
    request: () => Promise<R>,
  ): Promise<R> {
    for (let tries = 1;; tries++) {
      const response = await request();
      if (!NOT_YET.has(response.errorCode) || tries === MAX_TRIES) {
        expectNone(response.errorCode, what);
        return response;
      }
      if (this.#isCounting) this.repeated++;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #count(startMs: number): void {
    this.progress++;
    if (!this.#isCounting) return;
    this.committed++;
    this.latencies.record(performance.now() - startMs);
  }
}
