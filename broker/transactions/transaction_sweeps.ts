/**
 * What happens to transactional ids without a request: transactions that take too long are aborted, and
 * ids that nobody uses are removed.
 *
 * Ids are removed earlier than configured if all of them take too much memory: those unused for the
 * longest time, down to a limit. Clients that use another id each time they start leave many.
 *
 * @module
 */

import type { Logger } from "../logger.ts";
import type { TransactionCounters } from "../metrics/transaction_counters.ts";
import { RareWarnings } from "../rare_warnings.ts";
import type { TransactionConfig } from "../settings/transaction_settings.ts";
import type { Clock } from "../time/clock.ts";
import { fence, isExpired, isPrepared, isTimedOut, type Transaction } from "./model/mod.ts";
import type { TransactionShard } from "./transaction_shard.ts";
import { memoryOf, type TransactionMemory } from "./transaction_table.ts";

/** Options of the sweeps. */
export interface TransactionSweepsOptions {
  /** The shards on this broker; none once it is closing. */
  readonly shards: () => readonly TransactionShard[];
  readonly memory: TransactionMemory;
  readonly config: TransactionConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: TransactionCounters;
}

/** An id, and its state. */
type Sweep = (shard: TransactionShard, transactionalId: string, current: Transaction) => void;

/** Ids that are looked at before other work has its turn. */
const SLICE = 1000;
/** The part of the memory that early removals leave to ids. */
const ROOM = 0.9;
const MINUTE_MS = 60_000;
/** For how long ids must be unused to be removed early: as long as makes enough room. */
const EARLY_EXPIRATIONS_MS: readonly number[] = [
  24 * 60 * MINUTE_MS,
  6 * 60 * MINUTE_MS,
  60 * MINUTE_MS,
  15 * MINUTE_MS,
];
/** Milliseconds between two attempts to make room. */
const ROOM_INTERVAL_MS = 10_000;

/** Looks after the ids of a broker. */
export class TransactionSweeps {
  readonly #options: TransactionSweepsOptions;
  readonly #failures: RareWarnings;
  readonly #fullness: RareWarnings;
  #timeoutTimer: number | undefined;
  #expiryTimer: number | undefined;
  #nextRoomMs = -Infinity;

  constructor(options: TransactionSweepsOptions) {
    const { logger, clock } = options;
    this.#options = options;
    this.#failures = new RareWarnings(logger, clock);
    this.#fullness = new RareWarnings(logger, clock);
  }

  /** Schedules the next sweeps, as long as there are shards. */
  schedule(): void {
    const { config, clock, shards } = this.#options;
    if (shards().length === 0) return;
    this.#timeoutTimer ??= clock.setTimeout(
      () => void this.#abortTimedOut(),
      config.get("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
    );
    this.#expiryTimer ??= clock.setTimeout(
      () => void this.#removeExpired(),
      config.get("transaction.remove.expired.transaction.cleanup.interval.ms"),
    );
  }

  /** Cancels what is scheduled. */
  close(): void {
    const { clock } = this.#options;
    for (const timer of [this.#timeoutTimer, this.#expiryTimer]) {
      if (timer !== undefined) clock.clearTimeout(timer);
    }
  }

  /** Removes ids early, in the background, unless that was tried a moment ago. */
  makeRoom(): void {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs < this.#nextRoomMs) return;
    this.#nextRoomMs = Infinity;
    this.#removeEarly().finally(() => {
      this.#nextRoomMs = this.#options.clock.monotonic() + ROOM_INTERVAL_MS;
    });
  }

  async #abortTimedOut(): Promise<void> {
    const { clock, logger, counters } = this.#options;
    await this.#each((shard) => shard.ongoing(), (shard, transactionalId, current) => {
      const nowMs = clock.now();
      if (!isTimedOut(current, nowMs)) return;
      const { producerId, producerEpoch, timeoutMs } = current;
      this.#write(shard, transactionalId, fence(current, nowMs), () => {
        counters.timeouts++;
        logger.info("Aborting a transaction that takes too long", {
          transactionalId,
          producerId,
          producerEpoch,
          timeoutMs,
        });
      });
    });
    this.#timeoutTimer = undefined;
    this.schedule();
  }

  async #removeExpired(): Promise<void> {
    await this.#removeUnused(this.#options.config.get("transactional.id.expiration.ms"));
    this.#expiryTimer = undefined;
    this.schedule();
  }

  async #removeUnused(expirationMs: number): Promise<void> {
    const { clock, counters } = this.#options;
    await this.#each((shard) => shard.transactions(), (shard, transactionalId, current) => {
      if (!isExpired(current, expirationMs, clock.now())) return;
      this.#write(shard, transactionalId, undefined, () => counters.expirations++);
    });
  }

  async #removeEarly(): Promise<void> {
    const { clock, config, memory } = this.#options;
    const limit = config.get("transactional.ids.max.bytes");
    // What each age would free.
    const freed = EARLY_EXPIRATIONS_MS.map(() => 0);
    await this.#each((shard) => shard.transactions(), (_, transactionalId, current) => {
      const nowMs = clock.now();
      for (const [i, expirationMs] of EARLY_EXPIRATIONS_MS.entries()) {
        if (isExpired(current, expirationMs, nowMs)) {
          freed[i]! += memoryOf(transactionalId, current);
        }
      }
    });
    const wanted = memory.bytes - limit * ROOM;
    const found = freed.findIndex((bytes) => bytes >= wanted);
    const expirationMs = EARLY_EXPIRATIONS_MS.at(found)!;
    this.#fullness.warn(
      "Transactional ids take all of transactional.ids.max.bytes: those unused for the longest time are " +
        "removed early, and new ones are refused until there is room. Clients should use the same ids " +
        "again after a restart",
      { bytes: memory.bytes, limit, unusedMs: expirationMs },
    );
    await this.#removeUnused(expirationMs);
  }

  /** Calls `act` for ids of which nothing is being written, in slices. */
  async #each(
    of: (shard: TransactionShard) => Iterable<[transactionalId: string, Transaction]>,
    act: Sweep,
  ): Promise<void> {
    let seen = 0;
    for (const shard of this.#options.shards()) {
      for (const [transactionalId, current] of of(shard)) {
        if (!shard.isActive) break;
        const { isPending } = shard.known(transactionalId);
        if (!isPending && !isPrepared(current)) act(shard, transactionalId, current);
        if (++seen % SLICE === 0) await this.#options.clock.yield();
      }
    }
  }

  /** Writes a state that nobody waits for. What fails is tried again with the next sweep. */
  #write(
    shard: TransactionShard,
    transactionalId: string,
    next: Transaction | undefined,
    onWritten: () => void,
  ): void {
    shard.write(transactionalId, next).then(onWritten, (error) => {
      if (!shard.isActive) return;
      this.#failures.warn("Cannot write the state of a transactional id", {
        transactionalId,
        error,
      });
    });
  }
}
