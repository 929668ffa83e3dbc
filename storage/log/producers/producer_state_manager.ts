/**
 * The last batches that each idempotent producer has written to a partition, to check the next one
 * against (KIP-98): a batch sent again is not appended again, and an out-of-order one is rejected.
 *
 * For each producer its epoch and the sequences and offsets of its last five batches are kept. The
 * rules are Kafka's:
 * - A batch with the epoch, base and last sequence of a kept one is a duplicate of it.
 * - Otherwise its sequence must be one more than the last; after 2147483647 comes 0.
 * - A higher epoch starts at sequence 0; a lower one is fenced.
 * - An unknown producer may start with any sequence: its state may have expired, or its records may
 *   have been deleted. Not so in a transaction of version 2: each has an epoch of its own (KIP-890).
 * - A batch that opens a transaction must have been verified (`transaction_verifications.ts`).
 * - A marker ends the transaction. With a higher epoch it also ends the sequence: the next batch has 0.
 *
 * The state covers all batches before `endOffset`. It is saved in snapshot files, when a segment is
 * rolled, at checkpoints and at close. On open the latest valid snapshot is loaded, and later
 * batches are applied to it. As in Kafka, a snapshot has only the last batch of each producer, so
 * after a restart earlier duplicates are rejected instead of recognized.
 *
 * @module
 */

import {
  CorruptRecordError,
  type EndTransactionMarker,
  readEndTransactionMarker,
  type RecordBatch,
} from "../../../protocol/records/mod.ts";
import type { BatchHeader } from "../../segment/batch_cursor.ts";
import {
  CorruptFileError,
  InvalidProducerEpochError,
  InvalidRecordError,
  InvalidTransactionStateError,
  OutOfOrderSequenceError,
  TransactionCoordinatorFencedError,
  UnverifiedTransactionError,
} from "../../errors.ts";
import { type FileSystem, isNotFound, replaceFileSync } from "../../file_system/file_system.ts";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "./producer_snapshot.ts";
import { MAX_SEQUENCE, ProducerState, type WrittenBatch } from "./producer_state.ts";
import { fileNameOf, PRODUCER_SNAPSHOT_SUFFIX } from "../../segment/segment_file_name.ts";
import { UnstableTransactions } from "../transactions/unstable_transactions.ts";
import { TransactionVerifications, type Verification } from "./transaction_verifications.ts";

/**
 * The source of a batch. Batches of a `client` are checked in full; those of a `coordinator`, which
 * writes transaction markers and internal topics, only for their epoch.
 */
export type AppendOrigin = "client" | "coordinator";

/** How to check batches. */
export interface ProducerCheckOptions {
  readonly origin: AppendOrigin;
  /** What began before the coordinator was asked about the batch. */
  readonly verification?: Verification | undefined;
  /** Whether the batch is of a transaction of version 2. */
  readonly isTransactionV2?: boolean | undefined;
}

/** A transaction that a marker ended. */
export interface CompletedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the marker. */
  readonly lastOffset: number;
  readonly isAborted: boolean;
  /** First offset of the oldest other open transaction, or the offset after the marker. */
  readonly lastStableOffset: number;
}

/** A time in milliseconds, or a function that returns the current value. */
export type Milliseconds = number | (() => number);

function valueOf(time: Milliseconds): number {
  return typeof time === "number" ? time : time();
}

/** The producers of one log and their snapshots. */
export class ProducerStateManager {
  readonly #fs: FileSystem;
  readonly #log: string;
  readonly #expirationMs: Milliseconds;
  readonly #producers = new Map<number, ProducerState>();
  /** Open and undecided transactions. */
  readonly transactions: UnstableTransactions = new UnstableTransactions();
  /** Made by the first one. */
  #verifications: TransactionVerifications | undefined;
  /** Offsets of the snapshot files, ascending. */
  #snapshots: number[];
  #endOffset = 0;

  /**
   * @param log Name of the log, for messages.
   * @param snapshots Offsets of the existing snapshot files.
   * @param expirationMs How long an inactive producer is kept (`producer.id.expiration.ms`).
   */
  constructor(
    fs: FileSystem,
    log: string,
    snapshots: readonly number[],
    expirationMs: Milliseconds,
  ) {
    this.#fs = fs;
    this.#log = log;
    this.#snapshots = snapshots.toSorted((a, b) => a - b);
    this.#expirationMs = expirationMs;
  }

  /** Producers by id. */
  get producers(): ReadonlyMap<number, ProducerState> {
    return this.#producers;
  }

  /** All batches before this offset are in the state. */
  get endOffset(): number {
    return this.#endOffset;
  }

  /** Offsets of the snapshot files, ascending. */
  get snapshots(): readonly number[] {
    return this.#snapshots;
  }

  /**
   * Begins a verification of a batch that is about to open a transaction.
   *
   * @returns `undefined` if the producer's transaction is open here, with this epoch.
   */
  startVerification(
    producerId: number,
    producerEpoch: number,
    baseSequence: number,
  ): Verification | undefined {
    if (this.#isInTransaction(this.#producers.get(producerId), producerEpoch)) return undefined;
    this.#verifications ??= new TransactionVerifications();
    return this.#verifications.start(producerId, producerEpoch, baseSequence);
  }

  #isInTransaction(state: ProducerState | undefined, producerEpoch: number): boolean {
    return state?.hasTransaction === true && state.producerEpoch === producerEpoch;
  }

  /**
   * Checks batches that are appended together, in order. Changes nothing.
   *
   * @returns The earlier append of the first batch that is a duplicate.
   * @throws {InvalidProducerEpochError} If a newer epoch of the producer is known.
   * @throws {OutOfOrderSequenceError} If a sequence number does not follow the last one.
   * @throws {InvalidTransactionStateError} If a batch is not part of the producer's open
   *   transaction.
   * @throws {UnverifiedTransactionError} If a batch would open a transaction, and is not verified.
   * @throws {TransactionCoordinatorFencedError} If a marker is from a replaced coordinator.
   */
  check(
    batches: readonly RecordBatch[],
    options: ProducerCheckOptions,
  ): WrittenBatch | undefined {
    if (batches.length === 1) {
      const batch = batches[0]!;
      return batch.hasProducerId
        ? this.#checkOne(this.#producers.get(batch.producerId), batch, options)
        : undefined;
    }
    const staged = new Map<number, ProducerState>();
    for (const batch of batches) {
      if (!batch.hasProducerId) continue;
      const { producerId } = batch;
      const known = staged.get(producerId) ?? this.#producers.get(producerId)?.clone();
      const duplicate = this.#checkOne(known, batch, options);
      if (duplicate !== undefined) return duplicate;
      const next = known ?? new ProducerState(producerId);
      if (batch.isControl) next.end(batch.producerEpoch, this.#markerOf(batch));
      else {
        next.add(batch);
        // Its offset is not known yet; that it is open counts.
        if (batch.isTransactional && !next.hasTransaction) next.currentTransactionFirstOffset = 0;
      }
      staged.set(producerId, next);
    }
    return undefined;
  }

  /**
   * Checks that `update` can apply batches of a leader's log, which the leader has checked already.
   *
   * @throws {InvalidRecordError} If a control batch of a producer is not a transaction marker, nor what
   *   compaction leaves of one.
   */
  checkReplicated(batches: readonly RecordBatch[]): void {
    for (const batch of batches) {
      if (batch.isControl && batch.hasProducerId && batch.recordCount > 0) this.#markerOf(batch);
    }
  }

  #checkOne(
    state: ProducerState | undefined,
    batch: RecordBatch,
    options: ProducerCheckOptions,
  ): WrittenBatch | undefined {
    if (batch.isControl) {
      this.#checkMarker(state, batch, options.isTransactionV2 === true);
      return undefined;
    }
    const isOfClient = options.origin === "client";
    if (isOfClient) {
      const duplicate = state?.duplicateOf(batch);
      if (duplicate !== undefined) return duplicate;
    }
    const { producerId, producerEpoch, baseSequence } = batch;
    let verification: Verification | undefined;
    if (batch.isTransactional && !this.#isInTransaction(state, producerEpoch)) {
      ({ verification } = options);
      if (
        verification === undefined || verification !== this.#verifications?.get(producerId)
      ) throw this.#unverified(batch);
    }
    if (state !== undefined) this.#checkEpoch(state, producerEpoch);
    if (isOfClient) {
      this.#checkFirstSequence(state, batch, options.isTransactionV2 === true, verification);
      if (state !== undefined) this.#checkSequence(state, producerEpoch, baseSequence);
    }
    if (state?.hasTransaction === true && !batch.isTransactional) {
      throw new InvalidTransactionStateError(
        `Cannot append batch without transaction to "${this.#log}": producer ${state.producerId} has one open since offset ${state.currentTransactionFirstOffset}`,
      );
    }
    return undefined;
  }

  #unverified({ producerId, producerEpoch }: RecordBatch): UnverifiedTransactionError {
    return new UnverifiedTransactionError(
      `Cannot append to "${this.#log}": producer ${producerId} with epoch ${producerEpoch} has no open transaction, and none that was verified before the append`,
    );
  }

  /** Checks the sequence of a batch that the producer may have begun with. */
  #checkFirstSequence(
    state: ProducerState | undefined,
    { producerId, baseSequence, isTransactional }: RecordBatch,
    isTransactionV2: boolean,
    verification: Verification | undefined,
  ): void {
    if (baseSequence === 0) return;
    if (isTransactional && isTransactionV2 && state === undefined) {
      throw new OutOfOrderSequenceError(
        `Cannot append to "${this.#log}": first sequence of producer ${producerId} is ${baseSequence}, expected 0, as it has no state here`,
      );
    }
    if (verification === undefined || baseSequence <= verification.lowestSequence) return;
    throw new OutOfOrderSequenceError(
      `Cannot append to "${this.#log}": sequence of producer ${producerId} is ${baseSequence}, an earlier batch with ${verification.lowestSequence} is missing`,
    );
  }

  /** A marker of version 2 has the epoch after that of the transaction it ends (KIP-890). */
  #checkMarker(
    state: ProducerState | undefined,
    batch: RecordBatch,
    isTransactionV2: boolean,
  ): void {
    const { coordinatorEpoch } = this.#markerOf(batch);
    if (state === undefined) return;
    this.#checkEpoch(state, batch.producerEpoch);
    if (isTransactionV2 && this.#isInTransaction(state, batch.producerEpoch)) {
      throw new InvalidProducerEpochError(
        `Cannot append marker to "${this.#log}": its epoch is ${batch.producerEpoch}, the open transaction of producer ${state.producerId} has the same`,
      );
    }
    if (coordinatorEpoch >= state.coordinatorEpoch) return;
    throw new TransactionCoordinatorFencedError(
      `Cannot append marker to "${this.#log}": coordinator epoch is ${coordinatorEpoch}, producer ${state.producerId} has ${state.coordinatorEpoch}`,
    );
  }

  #checkEpoch(state: ProducerState, producerEpoch: number): void {
    if (producerEpoch >= state.producerEpoch) return;
    throw new InvalidProducerEpochError(
      `Cannot append to "${this.#log}": epoch of producer ${state.producerId} is ${producerEpoch}, the last seen is ${state.producerEpoch}`,
    );
  }

  #checkSequence(state: ProducerState, producerEpoch: number, baseSequence: number): void {
    if (producerEpoch !== state.producerEpoch) {
      if (baseSequence === 0 || state.producerEpoch < 0) return;
      throw new OutOfOrderSequenceError(
        `Cannot append to "${this.#log}": first sequence of producer ${state.producerId} in new epoch ${producerEpoch} is ${baseSequence}, expected 0`,
      );
    }
    const expected = (state.lastSequence + 1) % (MAX_SEQUENCE + 1);
    if (baseSequence === expected) return;
    throw new OutOfOrderSequenceError(
      `Cannot append to "${this.#log}": sequence of producer ${state.producerId} is ${baseSequence}, expected ${expected}`,
    );
  }

  /**
   * Applies an appended batch.
   *
   * @param whole Returns the batch with its records; called for transaction markers only.
   * @returns The transaction that a marker ended, if it had records.
   */
  update(batch: BatchHeader, whole: () => RecordBatch): CompletedTransaction | undefined {
    if (!batch.hasProducerId) {
      this.#endOffset = batch.nextOffset;
      return undefined;
    }
    const { producerId } = batch;
    const marker = batch.isControl ? markerIn(whole()) : undefined;
    this.#endOffset = batch.nextOffset;
    // Of a marker that compaction emptied, nothing is left to end.
    if (batch.isControl && marker === undefined) return undefined;
    let state = this.#producers.get(producerId);
    if (state === undefined) {
      state = new ProducerState(producerId);
      this.#producers.set(producerId, state);
    }
    this.#verifications?.end(producerId);
    if (marker !== undefined) return this.#endTransaction(state, batch, marker);
    state.add(batch);
    if (batch.isTransactional && !state.hasTransaction) {
      state.currentTransactionFirstOffset = batch.baseOffset;
      this.transactions.begin(batch.baseOffset, producerId);
    }
    return undefined;
  }

  #endTransaction(
    state: ProducerState,
    { producerEpoch, baseOffset, nextOffset }: BatchHeader,
    marker: EndTransactionMarker,
  ): CompletedTransaction | undefined {
    const firstOffset = state.currentTransactionFirstOffset;
    state.end(producerEpoch, marker);
    if (firstOffset < 0) return undefined;
    this.transactions.end(firstOffset, baseOffset);
    return {
      producerId: state.producerId,
      firstOffset,
      lastOffset: baseOffset,
      isAborted: !marker.isCommit,
      lastStableOffset: this.transactions.firstOpenOffset ?? nextOffset,
    };
  }

  /** @throws {InvalidRecordError} If a control batch has no marker. */
  #markerOf(batch: RecordBatch): EndTransactionMarker {
    const marker = readEndTransactionMarker(batch);
    if (marker !== undefined) return marker;
    throw new InvalidRecordError(
      `Cannot append ${batch} to "${this.#log}": it is a control batch without a transaction marker`,
    );
  }

  /** Sets `endOffset` past a range without batches. */
  advanceTo(endOffset: number): void {
    this.#endOffset = endOffset;
  }

  /** Removes expired producers. */
  removeExpired(nowMs: number): void {
    for (const [producerId, state] of this.#producers) {
      if (this.#isExpired(state, nowMs)) this.#producers.delete(producerId);
    }
  }

  #isExpired(state: ProducerState, nowMs: number): boolean {
    return !state.hasTransaction &&
      nowMs - state.lastTimestamp >= valueOf(this.#expirationMs);
  }

  /**
   * Writes the state to a snapshot file, unless there is one for this offset. Does not sync.
   *
   * @param folder The partition's folder.
   * @returns Path of the file.
   */
  takeSnapshot(folder: string): string {
    const offset = this.#endOffset;
    const path = snapshotPath(folder, offset);
    if (this.#snapshots.includes(offset)) return path;
    const bytes = encodeProducerSnapshot(Array.from(this.#producers.values(), (state) => ({
      producerId: state.producerId,
      producerEpoch: state.producerEpoch,
      lastSequence: state.lastSequence,
      lastOffset: state.lastOffset,
      offsetDelta: state.batches.at(-1)?.offsetDelta ?? 0,
      lastTimestamp: state.lastTimestamp,
      coordinatorEpoch: state.coordinatorEpoch,
      currentTransactionFirstOffset: state.currentTransactionFirstOffset,
    })));
    replaceFileSync(this.#fs, path, bytes);
    this.#snapshots.push(offset);
    this.#snapshots.sort((a, b) => a - b);
    return path;
  }

  /**
   * Loads the latest valid snapshot up to `maxOffset`, or starts empty at `startOffset`. Removes
   * invalid snapshots.
   *
   * @returns `endOffset`, from which batches must be applied.
   */
  load(folder: string, startOffset: number, maxOffset: number, nowMs: number): number {
    this.clear(startOffset);
    for (const offset of this.#snapshots.toReversed()) {
      if (offset > maxOffset) continue;
      if (offset <= startOffset) break;
      const path = snapshotPath(folder, offset);
      try {
        this.#restore(path, nowMs);
        this.transactions.knowFrom(offset);
        this.#endOffset = offset;
        return offset;
      } catch (error) {
        if (!(error instanceof CorruptFileError || isNotFound(error))) throw error;
        this.removeSnapshot(folder, offset);
      }
    }
    this.#endOffset = startOffset;
    return startOffset;
  }

  #restore(path: string, nowMs: number): void {
    const entries = decodeProducerSnapshot(path, this.#fs.readFileSync(path));
    for (const entry of entries) {
      const state = new ProducerState(entry.producerId);
      state.producerEpoch = entry.producerEpoch;
      state.coordinatorEpoch = entry.coordinatorEpoch;
      state.lastTimestamp = entry.lastTimestamp;
      state.currentTransactionFirstOffset = entry.currentTransactionFirstOffset;
      if (entry.lastOffset >= 0) {
        const { lastSequence, lastOffset, offsetDelta } = entry;
        state.batches.push({
          lastSequence,
          lastOffset,
          offsetDelta,
          timestamp: entry.lastTimestamp,
        });
      }
      if (!this.#isExpired(state, nowMs)) this.#producers.set(state.producerId, state);
    }
    const open = Array.from(this.#producers.values())
      .filter((state) => state.hasTransaction)
      .toSorted((a, b) => a.currentTransactionFirstOffset - b.currentTransactionFirstOffset);
    for (const state of open) {
      this.transactions.begin(state.currentTransactionFirstOffset, state.producerId);
    }
  }

  /** Sets the offsets of the snapshot files, which another state has been managing. */
  takeOverSnapshots(snapshots: readonly number[]): void {
    this.#snapshots = snapshots.toSorted((a, b) => a - b);
  }

  /** Removes all producers, but keeps the snapshots. Batches from `startOffset` on are applied next. */
  clear(startOffset: number): void {
    this.#producers.clear();
    this.#verifications = undefined;
    this.transactions.clear(startOffset);
  }

  /** Removes the snapshot of an offset. */
  removeSnapshot(folder: string, offset: number): void {
    if (!this.#snapshots.includes(offset)) return;
    this.#snapshots = this.#snapshots.filter((other) => other !== offset);
    this.#fs.removeSync(snapshotPath(folder, offset));
  }

  /** Removes the snapshots for which `isWanted` returns false. */
  removeSnapshots(folder: string, isWanted: (offset: number) => boolean): void {
    for (const offset of this.#snapshots) {
      if (!isWanted(offset)) this.removeSnapshot(folder, offset);
    }
  }
}

function snapshotPath(folder: string, offset: number): string {
  return `${folder}/${fileNameOf(offset, PRODUCER_SNAPSHOT_SUFFIX)}`;
}

/** The marker in a control batch of the log, if it has one. */
function markerIn(batch: RecordBatch): EndTransactionMarker | undefined {
  try {
    return readEndTransactionMarker(batch);
  } catch (error) {
    // Verification reports it; the log must open without it.
    if (error instanceof CorruptRecordError) return undefined;
    throw error;
  }
}
