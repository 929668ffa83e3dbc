/**
 * A transaction coordinator in memory on a manual clock, for tests.
 *
 * @module
 */

import { MemoryTopic } from "../coordinators/testing.ts";
import { type Logger, silentLogger } from "../logger.ts";
import { TransactionCounters } from "../metrics/transaction_counters.ts";
import { BrokerConfig, type BrokerSettings } from "../settings/config.ts";
import { ManualClock } from "../time/clock.ts";
import type { MarkersForBroker, MarkerTransport } from "./markers/marker_sender.ts";
import type { TopicPartition } from "./model/mod.ts";
import {
  decodeTransactionRecord,
  encodeTransactionRecord,
  type TransactionRecord,
} from "./records/transaction_record.ts";
import { TransactionCoordinator } from "./transaction_coordinator.ts";
import type { TransactionLog } from "./transaction_log.ts";
import { TRANSACTIONS_TOPIC } from "./transactions_topic.ts";

/** Lets all pending microtasks run. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 100; i++) await Promise.resolve();
}

/** A log in memory, whose records are committed at once or on request. */
export class MemoryTransactionLog implements TransactionLog {
  readonly #records: ReturnType<typeof encodeTransactionRecord>[] = [];
  #waiting: { readonly count: number; readonly settled: PromiseWithResolvers<void> }[] = [];
  #committedCount = 0;
  /** Whether records wait for `release()` before they are committed. */
  isHeld = false;
  /** The error that the next append throws. */
  nextFailure: Error | undefined;
  /** What replays wait for. */
  gate: Promise<void> | undefined;

  append(record: TransactionRecord, _nowMs: number): Promise<void> | undefined {
    const failure = this.nextFailure;
    this.nextFailure = undefined;
    if (failure !== undefined) throw failure;
    this.#records.push(encodeTransactionRecord(record));
    if (!this.isHeld && this.#waiting.length === 0) {
      this.#committedCount = this.#records.length;
      return undefined;
    }
    const settled = Promise.withResolvers<void>();
    this.#waiting.push({ count: this.#records.length, settled });
    return settled.promise;
  }

  async replay(visit: (record: TransactionRecord) => void, signal: AbortSignal): Promise<void> {
    await this.gate;
    signal.throwIfAborted();
    for (const record of this.records) visit(record);
  }

  /** The records, decoded. */
  get records(): TransactionRecord[] {
    return this.#records.map(({ key, value }) => decodeTransactionRecord(key, value));
  }

  /** Commits what waits, or the first few. */
  release(count = Infinity): void {
    for (const { count: upTo, settled } of this.#waiting.splice(0, count)) {
      this.#committedCount = upTo;
      settled.resolve();
    }
  }

  /** Fails what waits, and drops it unless it has been replicated all the same. */
  fail(error: Error, isKept = false): void {
    if (!isKept) this.#records.length = this.#committedCount;
    this.#committedCount = this.#records.length;
    for (const { settled } of this.#waiting.splice(0)) settled.reject(error);
  }
}

/** Partitions that note their markers. */
export class MemoryTransport implements MarkerTransport {
  /** What was written, as text. */
  readonly written: string[] = [];
  /** Requests that were sent. */
  readonly requests: { readonly brokerId: number; readonly markers: readonly string[] }[] = [];
  /** Leaders other than broker 1, by partition. */
  readonly leaders: Map<string, number | undefined> = new Map();
  /** Codes that partitions answer once each instead of 0, by partition. */
  readonly failures: Map<string, number[]> = new Map();
  /** What requests wait for. */
  gate: Promise<void> | undefined;
  /** Whether requests fail. */
  isDown = false;

  leaderOf({ topic, index }: TopicPartition): number | undefined {
    const name = `${topic}-${index}`;
    return this.leaders.has(name) ? this.leaders.get(name) : 1;
  }

  async write(brokerId: number, markers: readonly MarkersForBroker[]): Promise<number[][]> {
    this.requests.push({
      brokerId,
      markers: markers.map(({ transactionalId }) => transactionalId),
    });
    await this.gate;
    if (this.isDown) throw new Error("The broker is away");
    return markers.map((marker) => marker.partitions.map((to) => this.#write(marker, to)));
  }

  #write(marker: MarkersForBroker, { topic, index }: TopicPartition): number {
    const name = `${topic}-${index}`;
    const code = this.failures.get(name)?.shift() ?? 0;
    if (code === 0) {
      const { producerId, producerEpoch, isCommit, coordinatorEpoch, transactionVersion } = marker;
      const what = isCommit ? "commit" : "abort";
      this.written.push(
        `${name}: ${what} ${producerId}/${producerEpoch} v${transactionVersion} by ${coordinatorEpoch}`,
      );
    }
    return code;
  }
}

/** A coordinator of one partition, with shorthands for requests. */
export class TestTransactions {
  readonly clock: ManualClock = new ManualClock();
  readonly log: MemoryTransactionLog = new MemoryTransactionLog();
  readonly topic: MemoryTopic<MemoryTransactionLog>;
  readonly transport: MemoryTransport = new MemoryTransport();
  readonly config: BrokerConfig;
  readonly counters: TransactionCounters = new TransactionCounters();
  /** Messages that were logged. */
  readonly lines: string[] = [];
  coordinator: TransactionCoordinator;
  #nextProducerId = 100;

  private constructor(settings: Partial<BrokerSettings>) {
    this.topic = new MemoryTopic(TRANSACTIONS_TOPIC, [this.log]);
    this.config = BrokerConfig.from(settings);
    this.coordinator = this.#start();
  }

  static async start(settings: Partial<BrokerSettings> = {}): Promise<TestTransactions> {
    const test = new TestTransactions(settings);
    await test.coordinator.loaded();
    return test;
  }

  #start(): TransactionCoordinator {
    const { topic, transport, config, clock, counters } = this;
    const note = (message: string) => void this.lines.push(message);
    const logger: Logger = { ...silentLogger, warn: note, error: note };
    const producerIds = { next: () => Promise.resolve(this.#nextProducerId++) };
    const options = { topic, transport, producerIds, config, clock, logger, counters };
    return TransactionCoordinator.start(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.coordinator.close();
  }

  /** Stops the coordinator like a crash, and starts it again from what was committed. */
  async restart(): Promise<void> {
    await this.coordinator.close();
    this.log.fail(new Error("The process was killed"));
    this.coordinator = this.#start();
    await this.coordinator.loaded();
  }

  /** InitProducerId; the answer as `code (id, epoch)`. */
  async init(producer?: [id: number, epoch: number], id = "x", timeoutMs = 60_000) {
    const pair = producer && { producerId: producer[0], producerEpoch: producer[1] };
    return outcome(await this.coordinator.initProducer(id, { timeoutMs, producer: pair }));
  }

  /** Adds partitions of topic `t`. */
  async add([producerId, producerEpoch]: [number, number], indexes: number[] = [0], id = "x") {
    return await this.coordinator.addPartitions({
      transactionalId: id,
      producerId,
      producerEpoch,
      partitions: indexes.map((index) => ({ topic: "t", index })),
    });
  }

  /** EndTxn in version 5, or an older one; the answer as `code (id, epoch)`. */
  async end(
    [producerId, producerEpoch]: [number, number],
    isCommit = true,
    { id = "x", isTransactionV2 = true } = {},
  ) {
    const request = { producerId, producerEpoch, isCommit, isTransactionV2 };
    return outcome(await this.coordinator.endTransaction(id, request));
  }
}

function outcome(
  { errorCode, producerId, producerEpoch }: {
    readonly errorCode: number;
    readonly producerId: number;
    readonly producerEpoch: number;
  },
): string {
  return producerId === -1 ? `${errorCode}` : `${errorCode} (${producerId}, ${producerEpoch})`;
}
