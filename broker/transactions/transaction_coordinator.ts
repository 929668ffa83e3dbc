/**
 * The transaction coordinator of a broker: the transactional ids it coordinates.
 *
 * An id belongs to the partition of `__transaction_state` selected by its hash, and is coordinated by that
 * partition's leader (`../coordinators/`). Each request is decided by the model (`model/`); the next state
 * is committed before the request is answered.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { partitionOf } from "../coordinators/coordinator_topic.ts";
import { LedShards } from "../coordinators/led_shards.ts";
import { coordinatorErrorCode } from "../coordinators/shard.ts";
import type { Logger } from "../logger.ts";
import { TransactionCounters } from "../metrics/transaction_counters.ts";
import type { TransactionConfig } from "../settings/transaction_settings.ts";
import type { Clock } from "../time/clock.ts";
import { MarkerSender, type MarkerTransport } from "./markers/marker_sender.ts";
import {
  decideAdd,
  decideEnd,
  decideEndV2,
  decideInit,
  type Decision,
  type EndRequest,
  type InitRequest,
  type KnownTransaction,
  NEEDS_PRODUCER_ID,
  type Producer,
  STATE_NAMES,
  type TopicPartition,
  type Transaction,
  TRANSACTION_V2,
  TransactionState,
  verify,
} from "./model/mod.ts";
import type { TransactionLog } from "./transaction_log.ts";
import { TransactionShard } from "./transaction_shard.ts";
import { TransactionSweeps } from "./transaction_sweeps.ts";
import { memoryOf, type TransactionMemory } from "./transaction_table.ts";
import type { TransactionsTopic } from "./transactions_topic.ts";

/** Options of {@linkcode TransactionCoordinator.start}. */
export interface TransactionCoordinatorOptions {
  readonly topic: TransactionsTopic;
  /** Brings markers to partitions. */
  readonly transport: MarkerTransport;
  /** Allocates producer ids. */
  readonly producerIds: { next(): Promise<number> };
  readonly config: TransactionConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What is counted. Default: nobody looks at it. */
  readonly counters?: TransactionCounters;
}

/** Asks for partitions of a transaction. */
export interface PartitionsRequest extends Producer {
  readonly transactionalId: string;
  readonly partitions: readonly TopicPartition[];
  /** Whether to verify that they are part of the transaction, without adding any. */
  readonly isVerifyOnly: boolean;
  /** Whether the client bumps the epoch with every transaction. Default: true, as all that brokers add. */
  readonly isTransactionV2?: boolean;
}

/** A transactional id and its state. */
export interface CoordinatedTransaction {
  readonly transactionalId: string;
  readonly transaction: Transaction;
}

/** Decides what to do with a request, with a new producer id if it needed one. */
type Decide = (
  known: KnownTransaction,
  newProducerId: number | undefined,
) => Decision | typeof NEEDS_PRODUCER_ID;

/** The coordinator of the transactional ids whose partitions this broker leads. */
export class TransactionCoordinator {
  readonly #options: TransactionCoordinatorOptions;
  readonly #shards: LedShards<TransactionLog, TransactionShard>;
  readonly #markers: MarkerSender;
  readonly #clock: Clock;
  readonly #counters: TransactionCounters;
  readonly #memory: TransactionMemory = { bytes: 0 };
  readonly #sweeps: TransactionSweeps;

  private constructor(options: TransactionCoordinatorOptions) {
    const { config, clock, logger, transport, counters = new TransactionCounters() } = options;
    this.#options = options;
    this.#clock = clock;
    this.#counters = counters;
    this.#markers = new MarkerSender({ transport, clock, logger, counters });
    const memory = this.#memory;
    const shardOptions = { clock, logger, markers: this.#markers, memory };
    const openedMs = new WeakMap<TransactionShard, number>();
    this.#shards = new LedShards({
      topic: options.topic,
      logger,
      open: (index, log, leaderEpoch) => {
        const shard = new TransactionShard(index, log, leaderEpoch, shardOptions);
        openedMs.set(shard, clock.monotonic());
        return shard;
      },
      onLoaded: (shard) => {
        counters.loads.observe(clock.monotonic() - openedMs.get(shard)!);
        shard.resume();
        this.#sweeps.schedule();
      },
    });
    const shards = () => this.#shards.isClosed ? [] : this.#shards.all;
    this.#sweeps = new TransactionSweeps({ shards, memory, config, clock, logger, counters });
  }

  /** Starts coordinating; existing logs are loaded in the background. */
  static start(options: TransactionCoordinatorOptions): TransactionCoordinator {
    const coordinator = new TransactionCoordinator(options);
    coordinator.#shards.start();
    return coordinator;
  }

  /** Resolves when all logs have been loaded. */
  async loaded(): Promise<void> {
    await this.#shards.loaded();
  }

  /** Stops coordinating. */
  async close(): Promise<void> {
    this.#sweeps.close();
    this.#markers.close();
    await this.#shards.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Number of markers that are not written yet. */
  get waitingMarkerCount(): number {
    return this.#markers.waitingCount;
  }

  /** Number of transactions that cannot end because a partition refuses their marker. */
  get refusedMarkerCount(): number {
    return this.#markers.refusedCount;
  }

  /** The transactional ids on this broker, in no particular order. */
  *transactions(): Iterable<CoordinatedTransaction> {
    for (const shard of this.#shards.all) {
      for (const [transactionalId, transaction] of shard.transactions()) {
        yield { transactionalId, transaction };
      }
    }
  }

  /** How many transactional ids of this broker are in each state, by its number. */
  get stateCounts(): number[] {
    const counts: number[] = STATE_NAMES.map(() => 0);
    for (const shard of this.#shards.all) {
      for (const [state, count] of shard.counts.entries()) counts[state]! += count;
    }
    return counts;
  }

  /** When the oldest Ongoing transaction began, in milliseconds since the epoch. */
  get oldestStartMs(): number | undefined {
    const starts = this.#shards.all.flatMap(({ oldestStartMs }) => oldestStartMs ?? []);
    return starts.length === 0 ? undefined : Math.min(...starts);
  }

  /** About how much memory the transactional ids of this broker take, in bytes. */
  get memoryBytes(): number {
    return this.#memory.bytes;
  }

  /** Whether some transactional ids of this broker are not loaded yet. */
  get isLoading(): boolean {
    return this.#shards.all.some((shard) => !shard.isActive && !shard.hasFailed);
  }

  /**
   * The state of a transactional id; undefined if it is unknown.
   *
   * @throws {ApiError} NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE.
   */
  transaction(transactionalId: string): Transaction | undefined {
    return this.#shards.of(transactionalId).known(transactionalId).current;
  }

  /**
   * Creates the topic if necessary.
   *
   * @throws {ApiError} COORDINATOR_NOT_AVAILABLE if it cannot be created.
   */
  async ensureTopic(): Promise<void> {
    await this.#shards.ensureTopic();
  }

  /**
   * Creates the topic if necessary.
   *
   * @returns The partition of `__transaction_state` that the transactional id belongs to.
   * @throws {ApiError} COORDINATOR_NOT_AVAILABLE if the topic cannot be created or the partition
   * cannot be read.
   */
  async findPartition(transactionalId: string): Promise<number> {
    return await this.#shards.findPartition(transactionalId);
  }

  /** The partition that a transactional id belongs to; undefined while there is no topic. */
  partitionOf(transactionalId: string): number | undefined {
    const { partitionCount } = this.#options.topic;
    return partitionCount === 0 ? undefined : partitionOf(transactionalId, partitionCount);
  }

  /** The broker that coordinates a transactional id; undefined if there is none. */
  coordinatorOf(transactionalId: string): number | undefined {
    const index = this.partitionOf(transactionalId);
    if (index === undefined) return undefined;
    const { topic, transport } = this.#options;
    const leaderId = transport.leaderOf({ topic: topic.name, index }) ?? NO_BROKER;
    return leaderId === NO_BROKER ? undefined : leaderId;
  }

  /**
   * Resolves when nothing of a transactional id is being written, and its last transaction has ended, or
   * the signal is aborted; `undefined` if it is settled now, or this broker does not coordinate it.
   */
  whenSettled(transactionalId: string, signal?: AbortSignal): Promise<void> | undefined {
    const index = this.partitionOf(transactionalId);
    if (index === undefined) return undefined;
    return this.#shards.at(index)?.whenSettled(transactionalId, signal);
  }

  /** Gives a producer its pair: InitProducerId. */
  async initProducer(transactionalId: string, request: InitRequest): Promise<Decision> {
    const decided = await this.#carryOut(
      transactionalId,
      (known, newId) => decideInit(known, request, this.#clock.now(), newId),
    );
    const isFence = decided.next?.state === TransactionState.prepareAbort;
    if (isFence) this.#counters.fences++;
    return decided;
  }

  /** Ends a transaction: EndTxn. */
  async endTransaction(
    transactionalId: string,
    request: EndRequest & { readonly isTransactionV2: boolean },
  ): Promise<Decision> {
    const decided = await this.#carryOut(
      transactionalId,
      (known, newId) =>
        request.isTransactionV2
          ? decideEndV2(known, request, this.#clock.now(), newId)
          : decideEnd(known, request, this.#clock.now()),
    );
    if (decided.next !== undefined) {
      if (request.isCommit) this.#counters.commits++;
      else this.#counters.aborts++;
    }
    return decided;
  }

  /**
   * Adds partitions to transactions, or verifies that they are part of them. Returns for each request an
   * error code for each of its partitions, in order.
   */
  async verifyOrAdd(requests: readonly PartitionsRequest[]): Promise<number[][]> {
    return await Promise.all(requests.map((request) => this.#verifyOrAdd(request)));
  }

  async #verifyOrAdd(request: PartitionsRequest): Promise<number[]> {
    const { transactionalId, partitions, isVerifyOnly } = request;
    if (!isVerifyOnly) {
      const errorCode = await this.addPartitions(request);
      return partitions.map(() => errorCode);
    }
    try {
      return verify(this.#shards.of(transactionalId).known(transactionalId), request);
    } catch (error) {
      const errorCode = coordinatorErrorCode(error, this.#options.logger);
      return partitions.map(() => errorCode);
    }
  }

  /** Adds partitions to a transaction, all or none. Returns an error code. */
  async addPartitions(
    request: Omit<PartitionsRequest, "isVerifyOnly">,
  ): Promise<number> {
    const { transactionalId, partitions, isTransactionV2 = true } = request;
    const { transport } = this.#options;
    // A partition that this broker does not know yet would get no marker.
    if (partitions.some((partition) => transport.leaderOf(partition) === undefined)) {
      return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    }
    const add = { ...request, clientVersion: isTransactionV2 ? TRANSACTION_V2 : 0 };
    const decided = await this.#carryOut(
      transactionalId,
      (known) => decideAdd(known, add, this.#clock.now()),
    );
    return decided.errorCode;
  }

  /** Decides, and commits what is decided. Failures are error codes. */
  async #carryOut(transactionalId: string, decide: Decide): Promise<Decision> {
    try {
      for (let newProducerId: number | undefined;;) {
        const shard = this.#shards.of(transactionalId);
        const decided = decide(shard.known(transactionalId), newProducerId);
        if (decided === NEEDS_PRODUCER_ID) {
          // The state may have changed meanwhile.
          newProducerId = await this.#newProducerId();
          continue;
        }
        const { next } = decided;
        if (next !== undefined) {
          this.#ensureRoom(shard, transactionalId, next);
          await this.#inTime(shard.write(transactionalId, next));
        }
        return decided;
      }
    } catch (error) {
      const errorCode = coordinatorErrorCode(error, this.#options.logger);
      return { errorCode, producerId: -1, producerEpoch: -1 };
    }
  }

  /** @throws {ApiError} COORDINATOR_NOT_AVAILABLE if an id takes more memory than is left. */
  #ensureRoom(shard: TransactionShard, transactionalId: string, next: Transaction): void {
    const { current } = shard.known(transactionalId);
    const before = current === undefined ? 0 : memoryOf(transactionalId, current);
    const added = memoryOf(transactionalId, next) - before;
    const limit = this.#options.config.get("transactional.ids.max.bytes");
    if (added <= 0 || this.#memory.bytes + added <= limit) return;
    this.#sweeps.makeRoom();
    throw new ApiError(
      ErrorCode.COORDINATOR_NOT_AVAILABLE,
      `Transactional ids take all of transactional.ids.max.bytes (${limit})`,
    );
  }

  /**
   * Waits for a write, as long as a client may wait. What is written later holds all the same; until then
   * requests for the id are answered CONCURRENT_TRANSACTIONS.
   *
   * @throws {ApiError} COORDINATOR_NOT_AVAILABLE.
   */
  async #inTime(written: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = this.#clock.setTimeout(() => {
      late.reject(
        new ApiError(
          ErrorCode.COORDINATOR_NOT_AVAILABLE,
          `The state of the transactional id was not committed within ${WRITE_TIMEOUT_MS} ms`,
        ),
      );
    }, WRITE_TIMEOUT_MS);
    try {
      await Promise.race([written, late.promise]);
    } finally {
      this.#clock.clearTimeout(timer);
    }
  }

  async #newProducerId(): Promise<number> {
    try {
      return await this.#options.producerIds.next();
    } catch (error) {
      this.#options.logger.warn("Cannot allocate producer ids", { error });
      throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE, undefined, { cause: error });
    }
  }
}

/** Milliseconds for which a request waits until a state is committed. */
const WRITE_TIMEOUT_MS = 10_000;
/** Stands for no leader. */
const NO_BROKER = -1;
