/**
 * A view of a record batch header that can be moved along many batches, without a `RecordBatch`
 * object for each. The header must be in the bytes; the records need not be.
 *
 * @module
 */

import { getInt64 } from "../../protocol/primitives/int64.ts";
import {
  crc32c,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
} from "../../protocol/records/mod.ts";
import {
  ATTRIBUTES_POSITION,
  BASE_SEQUENCE_POSITION,
  BATCH_LENGTH_POSITION,
  CONTROL_MASK,
  CRC_POSITION,
  LAST_OFFSET_DELTA_POSITION,
  MAGIC_POSITION,
  MAX_TIMESTAMP_POSITION,
  PARTITION_LEADER_EPOCH_POSITION,
  PRODUCER_EPOCH_POSITION,
  PRODUCER_ID_POSITION,
  RECORD_COUNT_POSITION,
  TRANSACTIONAL_MASK,
} from "../../protocol/records/record_batch.ts";
import { areLostRecords } from "./lost_records.ts";

/** The fields of a batch header that storage reads, of a `RecordBatch` or a `BatchCursor`. */
export interface BatchHeader {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly nextOffset: number;
  readonly sizeInBytes: number;
  readonly crc: number;
  readonly partitionLeaderEpoch: number;
  readonly maxTimestamp: number;
  readonly hasProducerId: boolean;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly recordCount: number;
}

/** The header of the batch at `position` in some bytes. */
export class BatchCursor implements BatchHeader {
  #bytes: Uint8Array;
  #view: DataView;
  /** Where the batch starts. May be set to move the cursor. */
  position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = position;
  }

  /** Moves to other bytes. */
  reset(bytes: Uint8Array, position: number): void {
    this.position = position;
    if (bytes === this.#bytes) return;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether the whole header is in the bytes. */
  get hasHeader(): boolean {
    return this.#bytes.length - this.position >= RECORD_BATCH_OVERHEAD;
  }

  /** Whether the whole batch is in the bytes. */
  get isWhole(): boolean {
    return this.hasHeader && this.position + this.sizeInBytes <= this.#bytes.length;
  }

  /** The batch, which must be whole. */
  get batch(): RecordBatch {
    return new RecordBatch(this.#bytes, this.position);
  }

  /** Whether the whole header of the next batch is in the bytes. */
  get hasNextHeader(): boolean {
    return this.#bytes.length - this.position - this.sizeInBytes >= RECORD_BATCH_OVERHEAD;
  }

  /** Base offset of the batch after this one. */
  get followingBaseOffset(): number {
    return getInt64(this.#view, this.position + this.sizeInBytes);
  }

  /** What is wrong with the CRC of the batch, which must be whole. */
  get crcProblem(): string | undefined {
    const end = this.position + this.sizeInBytes;
    const computed = crc32c(this.#bytes, this.position + ATTRIBUTES_POSITION, end);
    const stated = this.crc;
    if (computed === stated) return undefined;
    return areLostRecords(this.#bytes, this.position)
      ? "the records were found to be lost when the log was opened"
      : `computed CRC is ${computed}, stated CRC is ${stated}`;
  }

  get baseOffset(): number {
    return getInt64(this.#view, this.position);
  }

  get lastOffset(): number {
    return this.baseOffset + this.#view.getInt32(this.position + LAST_OFFSET_DELTA_POSITION);
  }

  get nextOffset(): number {
    return this.lastOffset + 1;
  }

  get sizeInBytes(): number {
    return LOG_OVERHEAD + this.#view.getInt32(this.position + BATCH_LENGTH_POSITION);
  }

  get crc(): number {
    return this.#view.getUint32(this.position + CRC_POSITION);
  }

  get magic(): number {
    return this.#view.getInt8(this.position + MAGIC_POSITION);
  }

  get partitionLeaderEpoch(): number {
    return this.#view.getInt32(this.position + PARTITION_LEADER_EPOCH_POSITION);
  }

  get maxTimestamp(): number {
    return getInt64(this.#view, this.position + MAX_TIMESTAMP_POSITION);
  }

  get hasProducerId(): boolean {
    return this.#view.getInt32(this.position + PRODUCER_ID_POSITION) >= 0;
  }

  get producerId(): number {
    return getInt64(this.#view, this.position + PRODUCER_ID_POSITION);
  }

  get producerEpoch(): number {
    return this.#view.getInt16(this.position + PRODUCER_EPOCH_POSITION);
  }

  get baseSequence(): number {
    return this.#view.getInt32(this.position + BASE_SEQUENCE_POSITION);
  }

  get lastSequence(): number {
    const baseSequence = this.baseSequence;
    if (baseSequence < 0) return -1;
    const lastOffsetDelta = this.#view.getInt32(this.position + LAST_OFFSET_DELTA_POSITION);
    return (baseSequence + lastOffsetDelta) % 2 ** 31;
  }

  get isTransactional(): boolean {
    return (this.#attributes & TRANSACTIONAL_MASK) !== 0;
  }

  get isControl(): boolean {
    return (this.#attributes & CONTROL_MASK) !== 0;
  }

  get recordCount(): number {
    return this.#view.getInt32(this.position + RECORD_COUNT_POSITION);
  }

  get #attributes(): number {
    return this.#view.getInt16(this.position + ATTRIBUTES_POSITION);
  }
}
