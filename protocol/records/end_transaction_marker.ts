/**
 * The marker that ends a transaction in a partition (KIP-98): the one record of a control batch.
 *
 *     key      int16 version     0
 *              int16 type        0 abort, 1 commit
 *     value    int16 version     0
 *              int32 coordinator epoch
 *
 * Later versions add fields at the end. A control batch of another type does not belong to a
 * transaction, and one without a record is what compaction leaves of a marker.
 *
 * @module
 */

import { RecordBatch } from "./record_batch.ts";
import { RecordBatchBuilder } from "./record_batch_builder.ts";

const VERSION = 0;
const ABORT = 0;
const COMMIT = 1;

const TYPE_POSITION = 2;
const KEY_SIZE = TYPE_POSITION + 2;
const COORDINATOR_EPOCH_POSITION = 2;
const VALUE_SIZE = COORDINATOR_EPOCH_POSITION + 4;

/** What a marker says. */
export interface EndTransactionMarker {
  /** Whether the transaction is committed, or aborted. */
  readonly isCommit: boolean;
  /** The epoch of the transaction coordinator that decided. */
  readonly coordinatorEpoch: number;
  /** When the marker was written, in milliseconds since 1970. */
  readonly timestamp: number;
}

/** A marker, and the producer whose transaction it ends. */
export interface EndTransactionMarkerOptions extends EndTransactionMarker {
  /** Id of the producer. */
  readonly producerId: number;
  /** Epoch of the producer. Higher than that of its records if it ends with the transaction (KIP-890). */
  readonly producerEpoch: number;
}

/** A control batch with a marker, as the leader of a partition appends it. */
export function endTransactionMarker(options: EndTransactionMarkerOptions): RecordBatch {
  const { producerId, producerEpoch, isCommit, coordinatorEpoch, timestamp } = options;
  const key = new DataView(new ArrayBuffer(KEY_SIZE));
  key.setInt16(0, VERSION);
  key.setInt16(TYPE_POSITION, isCommit ? COMMIT : ABORT);
  const value = new DataView(new ArrayBuffer(VALUE_SIZE));
  value.setInt16(0, VERSION);
  value.setInt32(COORDINATOR_EPOCH_POSITION, coordinatorEpoch);
  const builder = new RecordBatchBuilder({
    producerId,
    producerEpoch,
    isTransactional: true,
    isControl: true,
    initialCapacity: 128,
  });
  builder.append(timestamp, new Uint8Array(key.buffer), new Uint8Array(value.buffer));
  return new RecordBatch(builder.build());
}

/**
 * The marker in a control batch; `undefined` if its record is of another kind, or it has none.
 *
 * @throws {CorruptRecordError} If the record cannot be read.
 */
export function readEndTransactionMarker(batch: RecordBatch): EndTransactionMarker | undefined {
  for (const { key, value, timestamp } of batch.records()) {
    if (key === null || key.length < KEY_SIZE) return undefined;
    if (value === null || value.length < VALUE_SIZE) return undefined;
    const type = new DataView(key.buffer, key.byteOffset).getInt16(TYPE_POSITION);
    if (type !== ABORT && type !== COMMIT) return undefined;
    const coordinatorEpoch = new DataView(value.buffer, value.byteOffset)
      .getInt32(COORDINATOR_EPOCH_POSITION);
    return { isCommit: type === COMMIT, coordinatorEpoch, timestamp };
  }
  return undefined;
}
