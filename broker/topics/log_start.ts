/**
 * Where a partition's records start, which moves when old ones are deleted: by request, by retention, or
 * because the leader's do.
 *
 * @module
 */

import type { Log } from "../../storage/log.ts";
import type { Leadership } from "../roles/leadership.ts";
import type { PartitionLogManager } from "./partition_options.ts";
import type { ReadableRange } from "./readable_range.ts";

/** What it belongs to. */
export interface LogStartOptions {
  readonly log: Log;
  readonly range: ReadableRange;
  readonly logManager: Pick<PartitionLogManager, "writeLogStarts">;
  /** What this broker knows as the leader; undefined if it is not. */
  readonly leadership: () => Leadership | undefined;
}

/** The log start offset of one partition. */
export class LogStart {
  readonly #options: LogStartOptions;

  constructor(options: LogStartOptions) {
    this.#options = options;
  }

  /** Moves the log start offset, and shows it. */
  async deleteBefore(offset: number): Promise<void> {
    const { log, range, logManager } = this.#options;
    await range.trim(async () => {
      log.deleteRecordsBefore(offset);
      await logManager.writeLogStarts();
      await this.show(offset);
    });
  }

  /**
   * Shows a log start offset that is on disk: to followers at once, to clients when all that may lead
   * next have it. Otherwise records whose deletion was answered would return with an election. A follower
   * shows it at once, so that one that is elected may show a deletion that was never answered.
   */
  async show(offset: number): Promise<void> {
    const { range, leadership } = this.#options;
    range.notifyReplicas();
    const leading = leadership();
    await leading?.whenStarted(offset).catch(() => {});
    // Who leads next may start earlier, and shows that.
    if (leading?.isEnded !== true) range.advanceStart(offset);
  }

  /** Deletes segments past their retention. Returns their number. */
  async applyRetention(nowMs: number): Promise<number> {
    const { log, range, leadership } = this.#options;
    const applied = log.applyRetention(nowMs, range.highWatermark);
    const shown = range.trim(async () => {
      await applied;
      await this.show(log.firstSegmentOffset);
    });
    if (leadership() === undefined) await shown;
    // Followers may take their time.
    else shown.catch(() => {});
    return await applied;
  }
}
