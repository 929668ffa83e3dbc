/**
 * The transactional ids stored in one partition of `__transaction_state`: their states, and how those are
 * loaded and written.
 *
 * A state is written first, and holds when it is committed. Until then nothing else may change it. One
 * exception saves a sync: that a transaction is complete holds once it is appended, as the commit of
 * whatever is written next covers it.
 *
 * If an appended record is not committed, only the next leader's log knows whether it holds: the shard
 * fails until it is loaded again.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { Shard } from "../coordinators/shard.ts";
import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import type { MarkerSender } from "./markers/marker_sender.ts";
import {
  complete,
  isCommitted,
  isPrepared,
  type KnownTransaction,
  type Transaction,
} from "./model/mod.ts";
import type { TransactionLog } from "./transaction_log.ts";
import { type Entry, type TransactionMemory, TransactionTable } from "./transaction_table.ts";
import { TRANSACTIONS_TOPIC } from "./transactions_topic.ts";

/** What all shards of a coordinator share. */
export interface TransactionShardOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly markers: Pick<MarkerSender, "send">;
  readonly memory: TransactionMemory;
}

const UNKNOWN: KnownTransaction = { current: undefined, isPending: false };

/** The transactional ids of one partition. */
export class TransactionShard extends Shard {
  /** The epoch in which this broker leads the partition: the coordinator epoch. */
  readonly leaderEpoch: number;
  readonly #log: TransactionLog;
  readonly #options: TransactionShardOptions;
  readonly #table: TransactionTable;

  constructor(
    index: number,
    log: TransactionLog,
    leaderEpoch: number,
    options: TransactionShardOptions,
  ) {
    super({ index, topic: TRANSACTIONS_TOPIC, what: "transactions", logger: options.logger });
    this.#log = log;
    this.leaderEpoch = leaderEpoch;
    this.#options = options;
    this.#table = new TransactionTable(options.memory);
  }

  /** What is known of a transactional id. */
  known(transactionalId: string): KnownTransaction {
    return this.#table.get(transactionalId) ?? UNKNOWN;
  }

  /** The ids with their committed states. */
  transactions(): Iterable<[transactionalId: string, Transaction]> {
    return withState(this.#table.all());
  }

  /** Those of them of which a transaction is Ongoing. */
  ongoing(): Iterable<[transactionalId: string, Transaction]> {
    return withState(this.#table.ongoing());
  }

  /** How many ids are in each state. */
  get counts(): readonly number[] {
    return this.#table.counts;
  }

  /** When the oldest Ongoing transaction began, in milliseconds since the epoch. */
  get oldestStartMs(): number | undefined {
    return this.#table.oldestStartMs;
  }

  /**
   * Resolves when nothing of an id is being written, and no markers of its last transaction, or the shard
   * stops, or the signal is aborted; `undefined` if nothing is being written now.
   */
  whenSettled(transactionalId: string, signal?: AbortSignal): Promise<void> | undefined {
    const entry = this.#table.get(transactionalId);
    if (entry === undefined || isSettled(entry)) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = entry.waiting ??= new Set();
    const end = () => {
      waiting.delete(end);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    waiting.add(end);
    signal?.addEventListener("abort", end);
    if (signal?.aborted === true) end();
    return promise;
  }

  /**
   * Commits the next state of an id, or its tombstone. Nothing else of it may be being written.
   *
   * @throws {Error} If it could not be written: nothing has changed then. If it is lost, the shard has
   * failed.
   */
  async write(transactionalId: string, next: Transaction | undefined): Promise<void> {
    const { clock } = this.#options;
    const record = { transactionalId, transaction: next };
    const committed = this.#log.append(record, clock.now());
    const entry = this.#table.reserve(transactionalId, next);
    entry.isPending = true;
    if (committed !== undefined) {
      try {
        await committed;
      } catch (error) {
        this.fail(error);
        throw error;
      }
      // Another leader has read what was committed, and sends the markers.
      if (!this.isActive) throw new ApiError(ErrorCode.NOT_COORDINATOR);
    }
    entry.isPending = false;
    this.#table.set(transactionalId, entry, next);
    if (next !== undefined && isPrepared(next)) this.#sendMarkers(transactionalId, entry);
    this.#settle(entry);
  }

  /** Sends the markers of the transactions that were being ended. */
  resume(): void {
    for (const [transactionalId, entry] of this.#table.all()) {
      if (entry.current !== undefined && isPrepared(entry.current)) {
        this.#sendMarkers(transactionalId, entry);
      }
    }
  }

  protected override async replay(signal: AbortSignal): Promise<void> {
    await this.#log.replay(({ transactionalId, transaction }) => {
      const entry = this.#table.reserve(transactionalId, transaction);
      this.#table.set(transactionalId, entry, transaction);
    }, signal);
    this.#table.sort();
  }

  protected override stop(): void {
    for (const entry of this.#table.clear()) this.#wake(entry);
  }

  #sendMarkers(transactionalId: string, entry: Entry): void {
    const transaction = entry.current!;
    const { producerId, producerEpoch, state, partitions, clientVersion } = transaction;
    const isCurrent = () => this.isActive && entry.current === transaction;
    this.#options.markers.send({
      transactionalId,
      producerId,
      producerEpoch,
      isCommit: isCommitted(state),
      coordinatorEpoch: this.leaderEpoch,
      transactionVersion: clientVersion,
      partitions,
      isCurrent,
      onWritten: () => {
        if (isCurrent()) this.#complete(transactionalId, entry, transaction);
      },
    });
  }

  /** @throws {Error} If it could not be written: it is tried again. */
  #complete(transactionalId: string, entry: Entry, prepared: Transaction): void {
    const nowMs = this.#options.clock.now();
    const next = complete(prepared, nowMs);
    const committed = this.#log.append({ transactionalId, transaction: next }, nowMs);
    this.#table.set(transactionalId, entry, next);
    committed?.catch((error) => this.fail(error));
    this.#settle(entry);
  }

  #settle(entry: Entry): void {
    if (isSettled(entry)) this.#wake(entry);
  }

  #wake(entry: Entry): void {
    const { waiting } = entry;
    entry.waiting = undefined;
    for (const wake of waiting ?? []) wake();
  }
}

function* withState(
  entries: Iterable<[transactionalId: string, Entry]>,
): Iterable<[transactionalId: string, Transaction]> {
  for (const [transactionalId, { current }] of entries) {
    if (current !== undefined) yield [transactionalId, current];
  }
}

function isSettled({ current, isPending }: Entry): boolean {
  return !isPending && (current === undefined || !isPrepared(current));
}
