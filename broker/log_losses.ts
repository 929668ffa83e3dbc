/**
 * Logs the damage and changes found when a log was opened.
 *
 * @module
 */

import type { Log } from "../storage/mod.ts";
import type { Logger } from "./logger.ts";

/** Logs each range of lost records, and each file that changed without a loss. */
export function logLosses({ name, losses }: Log, logger: Logger): void {
  for (const { path, problem, firstOffset, nextOffset } of losses) {
    if (nextOffset === firstOffset) {
      logger.warn("File of a log has changed since it was closed", { log: name, path, problem });
      continue;
    }
    const lastOffset = nextOffset - 1;
    logger.error(
      "Records are lost; fetching their offsets fails with CORRUPT_MESSAGE. Restore the " +
        'file from a copy while the broker is stopped, or give them up with "dqueue log repair"',
      { log: name, firstOffset, lastOffset, path, problem },
    );
  }
}
