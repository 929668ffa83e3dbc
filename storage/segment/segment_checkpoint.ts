/**
 * The segments of all logs of a data folder at a clean shutdown: `segment-checkpoint`, a file that
 * Kafka does not have and ignores. With it the next start notices missing or truncated files
 * without reading them.
 *
 *     0                          version of the format
 *     2                          number of entries
 *     orders 3 0 8011 1048570 2040 3060 1700000000000 1047546 3735928559
 *     orders 3 8011 8211 26200 48 72 1700000060000 25176 -1
 *
 * An entry has topic, partition, base offset, end offset; the sizes in bytes of the batches, the offset
 * index and the time index; when the file was last changed, in milliseconds since 1970; and the position
 * and CRC of the last batch, each -1 if it is not known. The last three, which older versions did not
 * write, tell the file from another one of the same size. The size of the transaction index follows if
 * there is one.
 *
 * It is valid only together with the marker of a clean shutdown, before which it is written.
 *
 * @module
 */

import {
  checkpointNumber,
  formatCheckpoint,
  readCheckpoint,
} from "../file_system/checkpoint_file.ts";
import type { LastBatch } from "./indexes/segment_indexes.ts";
import type { FileSystem } from "../file_system/file_system.ts";

/** A segment at the time its log was closed. */
export interface ClosedSegment {
  readonly baseOffset: number;
  /** Base offset of the next segment, or the log end offset. */
  readonly endOffset: number;
  /** Size of the batches, in bytes. */
  readonly sizeInBytes: number;
  /** In bytes; 0 if there was no file. */
  readonly offsetIndexSize: number;
  /** In bytes; 0 if there was no file. */
  readonly timeIndexSize: number;
  /** In bytes; 0 if there was no file. */
  readonly transactionIndexSize: number;
  /** When the file with the batches was last changed, in milliseconds since 1970, or -1. */
  readonly modifiedMs: number;
  /** The last batch, if it is known. */
  readonly lastBatch: LastBatch | undefined;
}

/** The segments of each log, in order, by the name of the log. */
export type ClosedSegments = ReadonlyMap<string, readonly ClosedSegment[]>;

/** With all fields, without a transaction index, and without the last three. */
const FIELD_COUNTS = [11, 10, 7];

/** The content of the file. */
export function formatSegmentCheckpoint(segments: ClosedSegments): Uint8Array {
  const entries: string[] = [];
  for (const [name, closed] of segments) {
    const dash = name.lastIndexOf("-");
    const log = `${name.slice(0, dash)} ${name.slice(dash + 1)}`;
    for (const segment of closed) {
      const { baseOffset, endOffset, sizeInBytes, offsetIndexSize, timeIndexSize } = segment;
      const { modifiedMs, lastBatch, transactionIndexSize } = segment;
      const sizes = `${sizeInBytes} ${offsetIndexSize} ${timeIndexSize}`;
      const last = `${lastBatch?.position ?? -1} ${lastBatch?.crc ?? -1}`;
      const transactions = transactionIndexSize > 0 ? ` ${transactionIndexSize}` : "";
      entries.push(
        `${log} ${baseOffset} ${endOffset} ${sizes} ${modifiedMs} ${last}${transactions}`,
      );
    }
  }
  return formatCheckpoint(entries);
}

/**
 * Reads the file.
 *
 * @returns `undefined` if the file is missing or empty.
 * @throws {CorruptFileError} If the content is invalid.
 */
export function readSegmentCheckpoint(fs: FileSystem, path: string): ClosedSegments | undefined {
  if (!fs.statSync(path)?.size) return undefined;
  const segments = new Map<string, ClosedSegment[]>();
  for (const [topic, partition, ...fields] of readCheckpoint(fs, path, ...FIELD_COUNTS)) {
    const numbers = fields.map((field) => checkpointNumber(path, field));
    const [baseOffset, endOffset, sizeInBytes, offsetIndexSize, timeIndexSize] = numbers;
    const [modifiedMs = -1, position = -1, crc = -1, transactionIndexSize = 0] = numbers.slice(5);
    const name = `${topic}-${partition}`;
    const closed = segments.get(name) ?? [];
    segments.set(name, closed);
    closed.push({
      baseOffset: baseOffset!,
      endOffset: endOffset!,
      sizeInBytes: sizeInBytes!,
      offsetIndexSize: offsetIndexSize!,
      timeIndexSize: timeIndexSize!,
      transactionIndexSize,
      modifiedMs,
      lastBatch: position < 0 ? undefined : { position, crc },
    });
  }
  return segments;
}
