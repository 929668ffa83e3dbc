/**
 * Replaces segments by the cleaned one made from them, so that a crash at any time leaves either
 * the old ones or the new one. The names are Kafka's:
 *
 *     00000000000000000000.log.cleaned   being written; discarded after a crash
 *     00000000000000000000.log.swap      complete and on disk; from now on it replaces the old ones
 *     00000000000000000000.log           in its place
 *
 * Steps, each synced before the next one or the next swap: the files are written; they are renamed
 * to `.swap`, that of the batches last; the old segments are renamed to `.deleted`; `.swap` is
 * removed from the names. After a crash in between, `../log/loading/complete_swaps.ts` does the
 * last two steps when the log is opened. It first removes the old indexes, because those of the new
 * segment may be lost; the transaction index is then rebuilt.
 *
 * A crash may leave old segments after the last batch of the new one. Their records are superseded,
 * and the next cleaning removes them again.
 *
 * @module
 */

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
   * Replaces segments by `cleaned`, whose batches must all be written.
   *
   * @returns False if the log was truncated or closed before the swap took effect.
   * @throws {FileSystemError} If the swap failed and the old segments are still in place.
   * @throws {LogOfflineError} If it is unknown which segments are in place.
   */
  async swap(replaced: readonly Segment[], cleaned: Segment, nowMs: number): Promise<boolean> {
    const log = this.#log;
    const { fs } = log.context;
    cleaned.indexes.addMaxTimestamp();
    cleaned.indexes.write();
    cleaned.transactions.write();
    await cleaned.sync();
    await cleaned.indexes.sync();
    await cleaned.transactions.sync();
    if (log.isClosed || replaced.some((segment) => segment.isDeleted)) return false;
    log.beginSwap(cleaned);
    let isPending: boolean;
    try {
      cleaned.renameFiles(SWAP_SUFFIX);
      await fs.syncDir(log.folder);
    } finally {
      isPending = log.endSwap(cleaned);
    }
    if (log.isClosed || !isPending) return false;
    try {
      log.segments.replace(replaced, cleaned);
      this.#trimmer.delete(replaced, nowMs);
      cleaned.indexes.release();
      cleaned.transactions.retire();
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
