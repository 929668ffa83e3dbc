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
 * taken off the names. `../log/complete_swaps.ts` does the last two when a log is opened after a crash in
 * between, and removes first what there is of old indexes, since those of the new segment may have been lost.
 *
 * What the swap may leave after a crash are old segments behind the last batch of the new one. Their
 * records are superseded by others, and the next cleaning takes them out again.
 *
 * @module
 */

import { syncFile } from "../file_system/file_system.ts";
import type { LogState } from "../log/log_state.ts";
import type { LogTrimmer } from "../log/log_trimmer.ts";
import type { Segment } from "../segment/segment.ts";
import { SWAP_SUFFIX } from "../segment/segment_file_name.ts";

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
    cleaned.indexMaxTimestamp();
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
