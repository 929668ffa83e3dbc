/**
 * Has a broker leave its cluster when the log of a replicated partition has failed: other brokers can do
 * what it cannot do any more, and would otherwise wait for it. A failed write or sync leaves the state on
 * disk unknown, so only a new process, which recovers the log, can have it in service again.
 *
 * A partition without other replicas stays as it is: its records can still be read here, and nowhere else.
 *
 * @module
 */

import type { LogOfflineError } from "../../../storage/mod.ts";
import type { Logger } from "../../logger.ts";
import type { Partition } from "../partition.ts";

/** What is needed to leave the cluster. */
export interface LogFailureOptions {
  readonly topics: { partition(topic: string, index: number): Partition | undefined };
  readonly membership: { leave(): Promise<void> };
  readonly logger: Logger;
  /** Called when the broker has begun to leave. */
  readonly onFatal: ((error: Error) => void) | undefined;
}

/** Returns what to call with the name of a log that has failed. */
export function leaveOnLogFailure(
  { topics, membership, logger, onFatal }: LogFailureOptions,
): (log: string, error: LogOfflineError) => void {
  let isLeaving = false;
  return (log, error) => {
    const dash = log.lastIndexOf("-");
    const partition = topics.partition(log.slice(0, dash), Number(log.slice(dash + 1)));
    if (isLeaving || partition?.isReplicated !== true) return;
    isLeaving = true;
    logger.error("Stopped serving for good: the disk failed a partition that other brokers have", {
      log,
      error,
    });
    membership.leave().catch((error) => logger.warn("Cannot end the registration", { error }));
    onFatal?.(error);
  };
}
