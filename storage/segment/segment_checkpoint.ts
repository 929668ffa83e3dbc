/**
 * What segments the logs of a data folder had when they were closed in good order: `segment-checkpoint`,
 * a file that Kafka does not have and passes over. With it the next start notices files that are gone,
 * or were cut, without reading any.
 *
 *     0                                  version of the format
 *     2                                  number of entries
 *     orders 3 0 8011 1048570 2040 3060  topic, partition, base offset, end offset, size in bytes of
 *     orders 3 8011 8211 26200 48 72     the batches, the offset index and the time index
 *
 * It counts only beside the marker of a clean shutdown, before which it is written.
 *
 * @module
 */

import {
  checkpointNumber,
  formatCheckpoint,
  readCheckpoint,
} from "../file_system/checkpoint_file.ts";
import type { FileSystem } from "../file_system/file_system.ts";

/** A segment as it was when its log was closed. */
export interface ClosedSegment {
  readonly baseOffset: number;
  /** Where the next segment begins, or the log ended. */
  readonly endOffset: number;
  /** Of the batches, in bytes. */
  readonly sizeInBytes: number;
  /** In bytes; 0 if there was no file. */
  readonly offsetIndexSize: number;
  /** In bytes; 0 if there was no file. */
  readonly timeIndexSize: number;
}

/** The segments of logs in order, by the names of the logs. */
export type ClosedSegments = ReadonlyMap<string, readonly ClosedSegment[]>;

const FIELD_COUNT = 7;

/** The content of the file. */
export function formatSegmentCheckpoint(segments: ClosedSegments): Uint8Array {
  const entries: string[] = [];
  for (const [name, closed] of segments) {
    const dash = name.lastIndexOf("-");
    const log = `${name.slice(0, dash)} ${name.slice(dash + 1)}`;
    for (const segment of closed) {
      const { baseOffset, endOffset, sizeInBytes, offsetIndexSize, timeIndexSize } = segment;
      const sizes = `${sizeInBytes} ${offsetIndexSize} ${timeIndexSize}`;
      entries.push(`${log} ${baseOffset} ${endOffset} ${sizes}`);
    }
  }
  return formatCheckpoint(entries);
}

/**
 * Reads the file.
 *
 * @returns Nothing if it is not there, or empty.
 * @throws {CorruptFileError} If the content is something else.
 */
export function readSegmentCheckpoint(fs: FileSystem, path: string): ClosedSegments | undefined {
  if (!fs.statSync(path)?.size) return undefined;
  const segments = new Map<string, ClosedSegment[]>();
  for (const [topic, partition, ...fields] of readCheckpoint(fs, path, FIELD_COUNT)) {
    const numbers = fields.map((field) => checkpointNumber(path, field));
    const [baseOffset, endOffset, sizeInBytes, offsetIndexSize, timeIndexSize] = numbers;
    const name = `${topic}-${partition}`;
    const closed = segments.get(name) ?? [];
    segments.set(name, closed);
    closed.push({
      baseOffset: baseOffset!,
      endOffset: endOffset!,
      sizeInBytes: sizeInBytes!,
      offsetIndexSize: offsetIndexSize!,
      timeIndexSize: timeIndexSize!,
    });
  }
  return segments;
}
