/**
 * Reads a partition's log straight from a disk, without the storage engine.
 *
 * @module
 */

import { RecordBatch, sizeOfBatchAt } from "../../../protocol/records/record_batch.ts";
import type { MemoryFileSystem } from "../../../storage/mod.ts";

/** A batch on a disk. */
export interface DiskBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly leaderEpoch: number;
  /** Tells batches with other content apart. */
  readonly crc: number;
}

const SEGMENT = /^(\d{20})\.log$/;

/**
 * The batches of a log in order, up to the first that is torn; undefined if there is no log.
 *
 * @param isWhole Whether all appends are certainly whole, so that their checksums need no check.
 */
export function readDiskLog(
  disk: MemoryFileSystem,
  folder: string,
  isWhole = false,
): DiskBatch[] | undefined {
  if (disk.statSync(folder) === undefined) return undefined;
  const batches: DiskBatch[] = [];
  const names = disk.readDirSync(folder).map(({ name }) => name).filter((name) =>
    SEGMENT.test(name)
  );
  for (const name of names.sort()) {
    const bytes = disk.readFileSync(`${folder}/${name}`);
    for (let position = 0;;) {
      const batch = batchAt(bytes, position, isWhole);
      if (batch === undefined) break;
      const last = batches.at(-1);
      if (last !== undefined && batch.baseOffset !== last.nextOffset) return batches;
      batches.push({
        baseOffset: batch.baseOffset,
        nextOffset: batch.nextOffset,
        leaderEpoch: batch.partitionLeaderEpoch,
        crc: batch.crc,
      });
      position += batch.sizeInBytes;
    }
  }
  return batches;
}

function batchAt(
  bytes: Uint8Array,
  position: number,
  isWhole: boolean,
): RecordBatch | undefined {
  try {
    const size = sizeOfBatchAt(bytes, position);
    if (size === undefined || size > bytes.length - position) return undefined;
    const batch = new RecordBatch(bytes.subarray(position, position + size));
    return isWhole || batch.isCrcValid() ? batch : undefined;
  } catch {
    // What is left of an append that a crash has torn.
    return undefined;
  }
}
