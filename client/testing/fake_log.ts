/**
 * A partition of the fake cluster: batches in memory, validated like on a broker.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { RecordBatch } from "../../protocol/records/record_batch.ts";
import { RecordBatchBuilder } from "../../protocol/records/record_batch_builder.ts";

/** The number of batches per producer that are remembered, as in Kafka. */
const REMEMBERED = 5;

interface AppendedBatch {
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
}

interface ProducerState {
  epoch: number;
  batches: AppendedBatch[];
}

/** The result of an append. */
export interface FakeAppend {
  readonly errorCode: number;
  readonly baseOffset: number;
}

/** The log of one partition. */
export class FakeLog {
  leaderId: number;
  leaderEpoch = 0;
  logStartOffset = 0;
  highWatermark = 0;
  /** The maximum batch size. */
  maxMessageBytes = 1_048_588;
  /** The aborted transactions. */
  readonly aborted: { producerId: number; firstOffset: number; lastOffset?: number }[] = [];
  readonly batches: RecordBatch[] = [];
  /** The first offset of each open transaction, by producer id. */
  readonly open = new Map<number, number>();
  readonly #producers = new Map<number, ProducerState>();
  #waiters: (() => void)[] = [];

  constructor(leaderId: number) {
    this.leaderId = leaderId;
  }

  /** The offset up to which all transactions have ended. */
  get lastStableOffset(): number {
    return Math.min(this.highWatermark, ...this.open.values());
  }

  /** Appends the marker that ends a producer's transaction. */
  endTransaction(producerId: number, producerEpoch: number, isCommit: boolean): void {
    const firstOffset = this.open.get(producerId);
    this.open.delete(producerId);
    if (!isCommit && firstOffset !== undefined) {
      this.aborted.push({ producerId, firstOffset, lastOffset: this.highWatermark });
    }
    const state = this.#producers.get(producerId);
    if (state !== undefined && producerEpoch > state.epoch) {
      state.epoch = producerEpoch;
      state.batches = [];
    }
    const builder = new RecordBatchBuilder({
      producerId,
      producerEpoch,
      isTransactional: true,
      isControl: true,
    });
    builder.append(1, Uint8Array.of(0, 0, 0, isCommit ? 1 : 0), new Uint8Array(6));
    this.appendAsIs(new RecordBatch(builder.build()));
  }

  /** Appends a batch like a leader. */
  append(bytes: Uint8Array): FakeAppend {
    const batch = new RecordBatch(bytes.slice());
    const refused = (errorCode: number) => ({ errorCode, baseOffset: -1 });
    if (!batch.isCrcValid()) return refused(ErrorCode.CORRUPT_MESSAGE);
    if (batch.sizeInBytes > this.maxMessageBytes) return refused(ErrorCode.MESSAGE_TOO_LARGE);
    if (batch.recordCount !== batch.lastOffsetDelta + 1) return refused(ErrorCode.INVALID_RECORD);
    if (batch.hasProducerId) {
      const known = this.#checkSequence(batch);
      if (known !== undefined) return known;
    }
    batch.baseOffset = this.highWatermark;
    if (batch.isTransactional && !this.open.has(batch.producerId)) {
      this.open.set(batch.producerId, batch.baseOffset);
    }
    batch.partitionLeaderEpoch = this.leaderEpoch;
    if (batch.hasProducerId) {
      const { batches } = this.#producers.get(batch.producerId)!;
      batches.push({
        baseSequence: batch.baseSequence,
        lastSequence: batch.lastSequence,
        baseOffset: batch.baseOffset,
      });
      if (batches.length > REMEMBERED) batches.shift();
    }
    return this.appendAsIs(batch);
  }

  /** Appends a batch without validation, such as one made by a test. */
  appendAsIs(batch: RecordBatch): FakeAppend {
    batch.baseOffset = this.highWatermark;
    this.batches.push(batch);
    this.highWatermark = batch.nextOffset;
    this.wake();
    return { errorCode: ErrorCode.NONE, baseOffset: batch.baseOffset };
  }

  /** The batches from the one with `offset`; the first one even if it is larger than `maxBytes`. */
  read(offset: number, maxBytes: number, end = this.highWatermark): Uint8Array[] {
    const found: Uint8Array[] = [];
    let size = 0;
    for (const batch of this.batches) {
      if (batch.nextOffset <= offset) continue;
      if (batch.nextOffset > end) break;
      if (found.length > 0 && size + batch.sizeInBytes > maxBytes) break;
      found.push(batch.bytes);
      size += batch.sizeInBytes;
    }
    return found;
  }

  /** The first record at or after a timestamp. */
  findTimestamp(timestamp: number): { offset: number; timestamp: number } | undefined {
    for (const batch of this.batches) {
      for (const record of batch.records()) {
        if (record.timestamp >= timestamp) {
          return { offset: record.offset, timestamp: record.timestamp };
        }
      }
    }
    return undefined;
  }

  /** The text of all values, in order. */
  values(): string[] {
    const decoder = new TextDecoder();
    return this.batches.filter(({ isControl }) => !isControl).flatMap((batch) =>
      Array.from(batch.records(), ({ value }) => decoder.decode(value ?? undefined))
    );
  }

  /** Calls `callback` on the next change. */
  onChange(callback: () => void): void {
    this.#waiters.push(callback);
  }

  /** Wakes all that wait for a change. */
  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const callback of waiters) callback();
  }

  #checkSequence(batch: RecordBatch): FakeAppend | undefined {
    const { producerId, producerEpoch, baseSequence, lastSequence } = batch;
    const refused = (errorCode: number) => ({ errorCode, baseOffset: -1 });
    let state = this.#producers.get(producerId);
    if (state === undefined) {
      this.#producers.set(producerId, state = { epoch: producerEpoch, batches: [] });
      return undefined;
    }
    if (producerEpoch < state.epoch) return refused(ErrorCode.INVALID_PRODUCER_EPOCH);
    if (producerEpoch > state.epoch) {
      if (baseSequence !== 0) return refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
      state.epoch = producerEpoch;
      state.batches = [];
      return undefined;
    }
    for (const known of state.batches) {
      if (known.baseSequence === baseSequence && known.lastSequence === lastSequence) {
        return { errorCode: ErrorCode.NONE, baseOffset: known.baseOffset };
      }
    }
    const last = state.batches[state.batches.length - 1];
    if (last !== undefined && baseSequence !== (last.lastSequence + 1) % 2 ** 31) {
      return refused(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    }
    return undefined;
  }
}
