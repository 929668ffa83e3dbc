/**
 * The producer state of a partition in a file: `<offset>.snapshot`, in Kafka's format. It covers
 * all batches before that offset.
 *
 *     position  size  field
 *            0     2  version              1
 *            2     4  crc                  CRC-32C of all that follows
 *            6     4  number of entries
 *           10    46  each entry:
 *            0     8    producer id
 *            8     2    producer epoch
 *           10     4    last sequence             -1 if only markers were written
 *           14     8    last offset               -1 likewise
 *           22     4    offset delta              of the last batch: last offset minus base offset
 *           26     8    timestamp                 of the last batch
 *           34     4    coordinator epoch         of the last transaction marker, or -1
 *           38     8    first offset of the open transaction, or -1
 *
 * @module
 */

import { getInt64, setInt64 } from "../../../protocol/primitives/int64.ts";
import { crc32c } from "../../../protocol/records/mod.ts";
import { CorruptFileError } from "../../errors.ts";

const VERSION = 1;

const VERSION_POSITION = 0;
const CRC_POSITION = VERSION_POSITION + 2;
const COUNT_POSITION = CRC_POSITION + 4;
const ENTRIES_POSITION = COUNT_POSITION + 4;

const PRODUCER_ID_POSITION = 0;
const PRODUCER_EPOCH_POSITION = PRODUCER_ID_POSITION + 8;
const LAST_SEQUENCE_POSITION = PRODUCER_EPOCH_POSITION + 2;
const LAST_OFFSET_POSITION = LAST_SEQUENCE_POSITION + 4;
const OFFSET_DELTA_POSITION = LAST_OFFSET_POSITION + 8;
const TIMESTAMP_POSITION = OFFSET_DELTA_POSITION + 4;
const COORDINATOR_EPOCH_POSITION = TIMESTAMP_POSITION + 8;
const TRANSACTION_OFFSET_POSITION = COORDINATOR_EPOCH_POSITION + 4;

/** Size of an entry in bytes. */
export const PRODUCER_SNAPSHOT_ENTRY_SIZE: number = TRANSACTION_OFFSET_POSITION + 8;

/** The state of one producer in a snapshot. */
export interface ProducerSnapshotEntry {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastOffset: number;
  readonly offsetDelta: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  readonly currentTransactionFirstOffset: number;
}

/** The content of a snapshot file. */
export function encodeProducerSnapshot(entries: readonly ProducerSnapshotEntry[]): Uint8Array {
  const bytes = new Uint8Array(ENTRIES_POSITION + entries.length * PRODUCER_SNAPSHOT_ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  view.setInt16(VERSION_POSITION, VERSION);
  view.setInt32(COUNT_POSITION, entries.length);
  let at = ENTRIES_POSITION;
  for (const entry of entries) {
    setInt64(view, at + PRODUCER_ID_POSITION, entry.producerId);
    view.setInt16(at + PRODUCER_EPOCH_POSITION, entry.producerEpoch);
    view.setInt32(at + LAST_SEQUENCE_POSITION, entry.lastSequence);
    setInt64(view, at + LAST_OFFSET_POSITION, entry.lastOffset);
    view.setInt32(at + OFFSET_DELTA_POSITION, entry.offsetDelta);
    setInt64(view, at + TIMESTAMP_POSITION, entry.lastTimestamp);
    view.setInt32(at + COORDINATOR_EPOCH_POSITION, entry.coordinatorEpoch);
    setInt64(view, at + TRANSACTION_OFFSET_POSITION, entry.currentTransactionFirstOffset);
    at += PRODUCER_SNAPSHOT_ENTRY_SIZE;
  }
  view.setUint32(CRC_POSITION, crc32c(bytes, COUNT_POSITION));
  return bytes;
}

/**
 * The entries of a snapshot file.
 *
 * @throws {CorruptFileError} If the version, CRC or size is wrong.
 */
export function decodeProducerSnapshot(path: string, bytes: Uint8Array): ProducerSnapshotEntry[] {
  if (bytes.length < ENTRIES_POSITION) {
    throw new CorruptFileError(
      path,
      `size is ${bytes.length} bytes, the header alone takes ${ENTRIES_POSITION}`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getInt16(VERSION_POSITION);
  if (version !== VERSION) {
    throw new CorruptFileError(path, `version is ${version}, expected ${VERSION}`);
  }
  const crc = crc32c(bytes, COUNT_POSITION);
  if (crc !== view.getUint32(CRC_POSITION)) {
    throw new CorruptFileError(
      path,
      `computed CRC is ${crc}, stated CRC is ${view.getUint32(CRC_POSITION)}`,
    );
  }
  const count = view.getInt32(COUNT_POSITION);
  if (bytes.length !== ENTRIES_POSITION + count * PRODUCER_SNAPSHOT_ENTRY_SIZE) {
    throw new CorruptFileError(path, `size is ${bytes.length} bytes, with ${count} entries`);
  }
  return Array.from({ length: count }, (_, i) => {
    const at = ENTRIES_POSITION + i * PRODUCER_SNAPSHOT_ENTRY_SIZE;
    return {
      producerId: getInt64(view, at + PRODUCER_ID_POSITION),
      producerEpoch: view.getInt16(at + PRODUCER_EPOCH_POSITION),
      lastSequence: view.getInt32(at + LAST_SEQUENCE_POSITION),
      lastOffset: getInt64(view, at + LAST_OFFSET_POSITION),
      offsetDelta: view.getInt32(at + OFFSET_DELTA_POSITION),
      lastTimestamp: getInt64(view, at + TIMESTAMP_POSITION),
      coordinatorEpoch: view.getInt32(at + COORDINATOR_EPOCH_POSITION),
      currentTransactionFirstOffset: getInt64(view, at + TRANSACTION_OFFSET_POSITION),
    };
  });
}
