/**
 * Whether what readers were told to be stable is stable on a disk, whatever a crash has left of it: before
 * a broker starts on it, which would write the markers of ended transactions again.
 *
 * @module
 */

import {
  CorruptRecordError,
  recordBatches,
  UnsupportedRecordFormatError,
} from "../../../protocol/records/mod.ts";
import type { MemoryFileSystem } from "../../../storage/mod.ts";
import { DATA_FOLDER } from "../machine.ts";
import { check } from "../violation.ts";
import type { PartitionView } from "./partition_view.ts";

const LOG_SUFFIX = ".log";

/** Checks that no transaction is open below a partition's last stable offset. */
export function checkStableOnDisk(disk: MemoryFileSystem, view: PartitionView): void {
  const { lastStableOffset } = view.bounds;
  for (const firstOffset of openOnDisk(disk, `${DATA_FOLDER}/${view}`).values()) {
    check(
      firstOffset >= lastStableOffset,
      () =>
        `${view} was stable up to ${lastStableOffset}; on disk a transaction is open since ${firstOffset}`,
    );
  }
}

/** The first offsets of transactions without a marker, by producer id. */
function openOnDisk(disk: MemoryFileSystem, folder: string): Map<number, number> {
  const open = new Map<number, number>();
  if (disk.statSync(folder) === undefined) return open;
  const names = disk.readDirSync(folder).map(({ name }) => name)
    .filter((name) => name.endsWith(LOG_SUFFIX)).sort();
  let nextOffset = 0;
  try {
    for (const name of names) {
      for (const batch of recordBatches(disk.readFileSync(`${folder}/${name}`))) {
        batch.ensureValid();
        const { producerId, baseOffset } = batch;
        // A hole hit its first bytes, which no checksum covers.
        if (baseOffset < nextOffset) return open;
        nextOffset = batch.nextOffset;
        if (batch.isControl) open.delete(producerId);
        else if (batch.isTransactional && !open.has(producerId)) open.set(producerId, baseOffset);
      }
    }
  } catch (error) {
    // What follows a torn batch is cut off.
    const isTorn = error instanceof CorruptRecordError ||
      error instanceof UnsupportedRecordFormatError;
    if (!isTorn) throw error;
  }
  return open;
}
