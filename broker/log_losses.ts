/**
 * Tells what was found of a log, when it was opened, that is not as it was or should be.
 *
 * @module
 */

import type { Log } from "../storage/mod.ts";
import type { Logger } from "./logger.ts";

/** Logs each loss, and each file that has changed without one. */
export function tellLosses({ name, losses }: Log, logger: Logger): void {
  for (const { path, problem, firstOffset, nextOffset } of losses) {
    if (nextOffset === firstOffset) {
      logger.warn("File of a log is not as it was left", { log: name, path, problem });
      continue;
    }
    const lastOffset = nextOffset - 1;
    logger.error(
      "Records are lost; fetches of their offsets are answered with CORRUPT_MESSAGE. Restore the " +
        'file from a copy while the broker is stopped, or give them up with "dqueue log repair"',
      { log: name, firstOffset, lastOffset, path, problem },
    );
  }
}
