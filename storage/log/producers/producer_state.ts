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
 *   have been deleted.
 *
 * The state covers all batches before `endOffset`. It is saved in snapshot files, when a segment is
 * rolled, at checkpoints and at close. On open the latest valid snapshot is loaded, and later
 * batches are applied to it. As in Kafka, a snapshot has only the last batch of each producer, so
 * after a restart earlier duplicates are rejected instead of recognized.
 *
 * @module
 */

import type { RecordBatch } from "../../../protocol/records/mod.ts";
import type { BatchHeader } from "../../segment/batch_cursor.ts";
import {
  CorruptFileError,
  InvalidProducerEpochError,
  InvalidRecordError,
  InvalidTransactionStateError,
  OutOfOrderSequenceError,
  TransactionCoordinatorFencedError,
} from "../../errors.ts";
import { type FileSystem, isNotFound, replaceFileSync } from "../../file_system/file_system.ts";
import { decodeProducerSnapshot, encodeProducerSnapshot } from "./producer_snapshot.ts";
import { fileNameOf, PRODUCER_SNAPSHOT_SUFFIX } from "../../segment/segment_file_name.ts";

/** Number of batches kept of each producer. */
const REMEMBERED_BATCHES = 5;

const MAX_SEQUENCE = 2 ** 31 - 1;

/**
 * The source of a batch. Batches of a `client` are checked in full; those of a `coordinator`, which
 * writes transaction markers and internal topics, only for their epoch.
 */
export type AppendOrigin = "client" | "coordinator";

/** An earlier append of a batch. */
export interface WrittenBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestamp: number;
}

/** A transaction that a marker ended, for a transaction index, which is not written yet. */
export interface CompletedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the marker. */
  readonly lastOffset: number;
  readonly isAborted: boolean;
}

/** The last batches of one producer. */
export class ProducerState {
  readonly producerId: number;
  producerEpoch = -1;
  coordinatorEpoch = -1;
  lastTimestamp = -1;
  /** First offset of the open transaction, or -1. */
  currentTransactionFirstOffset = -1;
  /** The last batches, oldest first. */
  readonly batches: RememberedBatch[] = [];

  constructor(producerId: number) {
    this.producerId = producerId;
  }

  /** Last sequence number, or -1. */
  get lastSequence(): number {
    return this.batches.at(-1)?.lastSequence ?? -1;
  }

  /** Offset of the last record, or -1. */
  get lastOffset(): number {
    return this.batches.at(-1)?.lastOffset ?? -1;
  }

  clone(): ProducerState {
    const copy = new ProducerState(this.producerId);
    copy.producerEpoch = this.producerEpoch;
    copy.coordinatorEpoch = this.coordinatorEpoch;
    copy.lastTimestamp = this.lastTimestamp;
    copy.currentTransactionFirstOffset = this.currentTransactionFirstOffset;
    copy.batches.push(...this.batches.map((batch) => ({ ...batch })));
    return copy;
  }

  /** The kept batch that `batch` duplicates, if any. */
  duplicateOf(batch: BatchHeader): WrittenBatch | undefined {
    if (batch.producerEpoch !== this.producerEpoch) return undefined;
    const { baseSequence, lastSequence } = batch;
    for (const { lastSequence: last, offsetDelta, lastOffset, timestamp } of this.batches) {
      if (last === lastSequence && sequenceBefore(last, offsetDelta) === baseSequence) {
        return { firstOffset: lastOffset - offsetDelta, lastOffset, timestamp };
      }
    }
    return undefined;
  }

  /** Adds a batch of records. */
  add(batch: BatchHeader): void {
    this.setEpoch(batch.producerEpoch);
    // The oldest entry is reused, so that a steady producer creates no garbage.
    const remembered = this.batches.length === REMEMBERED_BATCHES
      ? this.batches.shift()!
      : { lastSequence: 0, lastOffset: 0, offsetDelta: 0, timestamp: 0 };
    const { lastOffset, baseOffset, maxTimestamp } = batch;
    remembered.lastSequence = batch.lastSequence;
    remembered.lastOffset = lastOffset;
    remembered.offsetDelta = lastOffset - baseOffset;
    remembered.timestamp = maxTimestamp;
    this.batches.push(remembered);
    this.lastTimestamp = maxTimestamp;
  }

  /** Sets the epoch. Batches of another epoch are dropped. */
  setEpoch(producerEpoch: number): void {
    if (producerEpoch === this.producerEpoch) return;
    this.producerEpoch = producerEpoch;
    this.batches.length = 0;
  }
}

interface RememberedBatch {
  lastSequence: number;
  lastOffset: number;
  offsetDelta: number;
  timestamp: number;
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
  /** Producers with an open transaction by its first offset, ascending. */
  readonly #openTransactions = new Map<number, number>();
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

  /** First offset of the oldest open transaction, or `undefined`. */
  get firstOpenTransactionOffset(): number | undefined {
    return this.#openTransactions.keys().next().value;
  }

  /**
   * Checks batches that are appended together, in order. Changes nothing.
   *
   * @returns The earlier append of the first batch that is a duplicate.
   * @throws {InvalidProducerEpochError} If a newer epoch of the producer is known.
   * @throws {OutOfOrderSequenceError} If a sequence number does not follow the last one.
   * @throws {InvalidTransactionStateError} If a batch is not part of the producer's open
   *   transaction.
   * @throws {TransactionCoordinatorFencedError} If a marker is from a replaced coordinator.
   */
  check(batches: readonly RecordBatch[], origin: AppendOrigin): WrittenBatch | undefined {
    if (batches.length === 1) {
      const batch = batches[0]!;
      return batch.hasProducerId
        ? this.#checkOne(this.#producers.get(batch.producerId), batch, origin)
        : undefined;
    }
    const staged = new Map<number, ProducerState>();
    for (const batch of batches) {
      if (!batch.hasProducerId) continue;
      const { producerId } = batch;
      const known = staged.get(producerId) ?? this.#producers.get(producerId)?.clone();
      const duplicate = this.#checkOne(known, batch, origin);
      if (duplicate !== undefined) return duplicate;
      const next = known ?? new ProducerState(producerId);
      if (batch.isControl) next.setEpoch(batch.producerEpoch);
      else next.add(batch);
      staged.set(producerId, next);
    }
    return undefined;
  }

  /**
   * Checks that `update` can apply batches of a leader's log, which the leader has checked already.
   *
   * @throws {InvalidRecordError} If a control batch of a producer is not a transaction marker.
   */
  checkReplicated(batches: readonly RecordBatch[]): void {
    for (const batch of batches) {
      if (batch.isControl && batch.hasProducerId) this.#markerOf(batch);
    }
  }

  #checkOne(
    state: ProducerState | undefined,
    batch: RecordBatch,
    origin: AppendOrigin,
  ): WrittenBatch | undefined {
    if (state === undefined) return undefined;
    const { producerEpoch, baseSequence } = batch;
    if (batch.isControl) {
      this.#checkEpoch(state, producerEpoch);
      const { coordinatorEpoch } = this.#markerOf(batch);
      if (coordinatorEpoch < state.coordinatorEpoch) {
        throw new TransactionCoordinatorFencedError(
          `Cannot append marker to "${this.#log}": coordinator epoch is ${coordinatorEpoch}, producer ${state.producerId} has ${state.coordinatorEpoch}`,
        );
      }
      return undefined;
    }
    if (origin === "client") {
      const duplicate = state.duplicateOf(batch);
      if (duplicate !== undefined) return duplicate;
    }
    this.#checkEpoch(state, producerEpoch);
    if (origin === "client") this.#checkSequence(state, producerEpoch, baseSequence);
    if (state.currentTransactionFirstOffset >= 0 && !batch.isTransactional) {
      throw new InvalidTransactionStateError(
        `Cannot append batch without transaction to "${this.#log}": producer ${state.producerId} has one open since offset ${state.currentTransactionFirstOffset}`,
      );
    }
    return undefined;
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
    let state = this.#producers.get(producerId);
    if (state === undefined) {
      state = new ProducerState(producerId);
      this.#producers.set(producerId, state);
    }
    let completed: CompletedTransaction | undefined;
    if (batch.isControl) {
      completed = this.#endTransaction(state, whole());
    } else {
      state.add(batch);
      if (batch.isTransactional && state.currentTransactionFirstOffset < 0) {
        state.currentTransactionFirstOffset = batch.baseOffset;
        this.#openTransactions.set(batch.baseOffset, producerId);
      }
    }
    this.#endOffset = batch.nextOffset;
    return completed;
  }

  #endTransaction(state: ProducerState, batch: RecordBatch): CompletedTransaction | undefined {
    const { isAborted, coordinatorEpoch, timestamp } = this.#markerOf(batch);
    const firstOffset = state.currentTransactionFirstOffset;
    state.setEpoch(batch.producerEpoch);
    state.coordinatorEpoch = coordinatorEpoch;
    state.lastTimestamp = timestamp;
    state.currentTransactionFirstOffset = -1;
    if (firstOffset < 0) return undefined;
    this.#openTransactions.delete(firstOffset);
    return { producerId: state.producerId, firstOffset, lastOffset: batch.baseOffset, isAborted };
  }

  #markerOf(
    batch: RecordBatch,
  ): { isAborted: boolean; coordinatorEpoch: number; timestamp: number } {
    for (const { key, value, timestamp } of batch.records()) {
      if (key === null || key.length < 4 || value === null || value.length < 6) break;
      // Both start with an int16 version; later versions add fields at the end.
      return {
        isAborted: new DataView(key.buffer, key.byteOffset).getInt16(2) === 0,
        coordinatorEpoch: new DataView(value.buffer, value.byteOffset).getInt32(2),
        timestamp,
      };
    }
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
    return state.currentTransactionFirstOffset < 0 &&
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
    this.clear();
    for (const offset of this.#snapshots.toReversed()) {
      if (offset > maxOffset) continue;
      if (offset <= startOffset) break;
      const path = snapshotPath(folder, offset);
      try {
        this.#restore(path, nowMs);
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
      .filter((state) => state.currentTransactionFirstOffset >= 0)
      .toSorted((a, b) => a.currentTransactionFirstOffset - b.currentTransactionFirstOffset);
    for (const state of open) {
      this.#openTransactions.set(state.currentTransactionFirstOffset, state.producerId);
    }
  }

  /** Sets the offsets of the snapshot files, which another state has been managing. */
  takeOverSnapshots(snapshots: readonly number[]): void {
    this.#snapshots = snapshots.toSorted((a, b) => a - b);
  }

  /** Removes all producers, but keeps the snapshots. */
  clear(): void {
    this.#producers.clear();
    this.#openTransactions.clear();
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

/** The sequence number `count` before `sequence`; 2147483647 comes before 0. */
function sequenceBefore(sequence: number, count: number): number {
  return sequence < count ? sequence - count + MAX_SEQUENCE + 1 : sequence - count;
}
