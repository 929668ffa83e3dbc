/**
 * Puts a cleaned segment in the place of those it was made from, so that a crash at any time leaves
 * either the old ones or the new one. The names are Kafka's:
 *
 *     00000000000000000000.log.cleaned   being written; of no worth after a crash
 *     00000000000000000000.log.swap      whole and on disk; from now on it counts, not the old ones
 *     00000000000000000000.log           in its place
 *
 * Steps, each on disk before the next begins, be it the next swap: the files are written; they are
 * renamed to `.swap`, that of the batches last; the old segments are renamed to `.deleted`; `.swap` is
 * taken off the names. `completeSwaps` does the last two when a log is opened after a crash in between, and
 * removes first what there is of old indexes, since those of the new segment may have been lost.
 *
 * What the swap may leave after a crash are old segments behind the last batch of the new one. Their
 * records are superseded by others, and the next cleaning takes them out again.
 *
 * @module
 */

import { CorruptRecordError } from "../../protocol/records/mod.ts";
import { BatchScanner } from "../segment/batch_scanner.ts";
import { isNotFound, syncFile } from "../file_system/file_system.ts";
import type { LogState } from "../log/log_state.ts";
import type { LogTrimmer } from "../log/log_trimmer.ts";
import type { Segment, SegmentContext } from "../segment/segment.ts";
import {
  CLEANED_SUFFIX,
  fileNameOf,
  LOG_SUFFIX,
  offsetOf,
  SEGMENT_SUFFIXES,
  SWAP_SUFFIX,
} from "../segment/segment_file_name.ts";
import { TimeSlice } from "../time_slice.ts";

/** Swaps segments of one log. */
export class SegmentSwap {
  readonly #log: LogState;
  readonly #trimmer: LogTrimmer;

  constructor(log: LogState, trimmer: LogTrimmer) {
    this.#log = log;
    this.#trimmer = trimmer;
  }

  /**
   * Puts `cleaned`, whose batches are all written, in the place of `replaced`.
   *
   * @returns False if the log lost batches, or was closed, before that was decided.
   * @throws {FileSystemError} If the old segments are still in place.
   * @throws {LogOfflineError} If it is not known what is in place.
   */
  async swap(replaced: readonly Segment[], cleaned: Segment, nowMs: number): Promise<boolean> {
    const log = this.#log;
    const { fs } = log.context;
    cleaned.noteMaxTimestamp();
    cleaned.writeIndexes();
    await cleaned.sync();
    for (const path of cleaned.indexPaths) await syncFile(fs, path);
    cleaned.hasUnsyncedIndexes = false;
    if (log.isClosed || replaced.some((segment) => segment.isDeleted)) return false;
    log.pendingSwap = cleaned;
    try {
      cleaned.renameFiles(SWAP_SUFFIX);
      await fs.syncDir(log.folder);
      if (log.isClosed || log.pendingSwap !== cleaned) return false;
    } finally {
      if (log.pendingSwap === cleaned) log.pendingSwap = undefined;
    }
    try {
      log.segments.replace(replaced, cleaned);
      this.#trimmer.delete(replaced, nowMs);
      cleaned.releaseIndexes();
      await fs.syncDir(log.folder);
      if (log.isClosed || cleaned.isDeleted) return !log.isClosed;
      cleaned.renameFiles("");
      await fs.syncDir(log.folder);
    } catch (error) {
      throw log.failure("clean", error, false);
    }
    return true;
  }
}

/**
 * Does what is left of swaps that a crash interrupted, and removes what they had not come to.
 *
 * @param names Names of the files in the folder.
 * @returns Whether names changed.
 */
export async function completeSwaps(
  context: SegmentContext,
  folder: string,
  names: ReadonlySet<string>,
): Promise<boolean> {
  const { fs } = context;
  let isChanged = false;
  for (const name of names) {
    if (name.endsWith(CLEANED_SUFFIX)) await fs.remove(`${folder}/${name}`);
    const baseOffset = offsetOf(name, LOG_SUFFIX + SWAP_SUFFIX);
    if (baseOffset === undefined) continue;
    await completeSwap(context, folder, names, baseOffset);
    isChanged = true;
  }
  // Indexes of which the batches are in place, or were never renamed.
  for (const name of names) {
    if (!name.endsWith(SWAP_SUFFIX)) continue;
    await fs.remove(`${folder}/${name}`);
    isChanged = true;
  }
  if (isChanged) await fs.syncDir(folder);
  return isChanged;
}

async function completeSwap(
  context: SegmentContext,
  folder: string,
  names: ReadonlySet<string>,
  baseOffset: number,
): Promise<void> {
  const { fs } = context;
  const nextOffset = await nextOffsetOf(context, folder, baseOffset);
  for (const name of names) {
    const offset = SEGMENT_SUFFIXES.map((suffix) => offsetOf(name, suffix))
      .find((offset) => offset !== undefined);
    if (offset === undefined || offset < baseOffset || offset >= nextOffset) continue;
    await fs.remove(`${folder}/${name}`);
  }
  await fs.syncDir(folder);
  for (const suffix of SEGMENT_SUFFIXES.toReversed()) {
    const path = `${folder}/${fileNameOf(baseOffset, suffix)}`;
    try {
      fs.renameSync(`${path}${SWAP_SUFFIX}`, path);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** The offset after the last batch of a segment that is to be put in its place. */
async function nextOffsetOf(
  { fs, pool }: SegmentContext,
  folder: string,
  baseOffset: number,
): Promise<number> {
  const path = `${folder}/${fileNameOf(baseOffset, LOG_SUFFIX)}${SWAP_SUFFIX}`;
  const file = pool.file(path);
  const scanner = new BatchScanner(file, 0, fs.statSync(path)!.size, false);
  const slice = new TimeSlice();
  let nextOffset = baseOffset + 1;
  try {
    while (scanner.next()) {
      nextOffset = scanner.header.nextOffset;
      if (slice.isOver) await slice.pause();
    }
  } catch (error) {
    // Damage is for who reads there; what comes before it is known to be replaced.
    if (!(error instanceof CorruptRecordError)) throw error;
  } finally {
    file.close();
  }
  return nextOffset;
}
