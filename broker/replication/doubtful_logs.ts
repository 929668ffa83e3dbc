/**
 * Finds the replicas of this broker that may lack committed records after a start, and takes them out of
 * the ISR and ELR before the broker registers: afterwards one of them could be elected, and the others
 * would have to cut off what it lacks. It comes back in sync once it has copied everything.
 *
 * A log that cannot be opened, ends below its last known high watermark, has lost or damaged records, or
 * whose epochs had to be guessed, is doubtful; and so are all if the file of high watermarks is gone. However
 * the broker ended, its logs are not, for everything that counted was on its disk.
 *
 * The last replica that is in sync stays so if its log cannot be opened: the disk may be full for a moment.
 * No other could lead without it, and taking it out would ask an operator to give up its records.
 *
 * @module
 */

import type { LogDirectory } from "../../storage/mod.ts";
import type { ClusterState } from "../cluster/cluster_state.ts";
import { doubts } from "../cluster/doubts.ts";
import { RevisionConflictError } from "../metadata/metadata_store.ts";
import { MAX_PARTITION_CHANGES } from "../cluster/partition_commit.ts";
import { BROKERS_PREFIX } from "../cluster/registration.ts";
import type { PartitionState } from "../cluster/topic_state.ts";
import type { Logger } from "../logger.ts";

/** What the doubts are about, and where they are noted. */
export interface DoubtfulLogsOptions {
  readonly cluster: ClusterState;
  readonly directory: LogDirectory;
  /** The partitions that could be opened. */
  readonly topics: { partition(topic: string, index: number): unknown };
  readonly logger: Logger;
}

const MAX_ATTEMPTS = 32;

/**
 * Takes this broker, which must not be registered yet, out of the ISR and ELR of partitions whose logs
 * are doubtful. The logs must be open.
 *
 * @throws {RevisionConflictError} If the partitions change all the time.
 */
export async function settleDoubts(options: DoubtfulLogsOptions): Promise<void> {
  const { cluster, directory, topics, logger } = options;
  const { nodeId } = cluster;
  // A registration is of a process that has settled its own.
  const guards = [{ key: `${BROKERS_PREFIX}${nodeId}`, revision: 0 }];
  for (let attempt = 1;; attempt++) {
    const reasons = new Map<string, string>();
    const changes = doubts(cluster.topics(), nodeId, ({ name, partitions }, index) => {
      const log = `${name}-${index}`;
      const isOpen = topics.partition(name, index) !== undefined;
      if (!isOpen && isLast(nodeId, partitions[index]!)) return false;
      const reason = isOpen ? doubtAbout(directory, log) : "the log cannot be opened";
      if (reason !== undefined) reasons.set(log, reason);
      return reason !== undefined;
    });
    try {
      for (let i = 0; i < changes.length; i += MAX_PARTITION_CHANGES) {
        const some = changes.slice(i, i + MAX_PARTITION_CHANGES);
        await cluster.commitPartitions(some, guards, false);
      }
      for (const [log, reason] of reasons) {
        logger.warn("May lack committed records: not in sync until they are copied", {
          log,
          reason,
        });
      }
      return;
    } catch (error) {
      if (!(error instanceof RevisionConflictError) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Whether no other replica could be elected. */
function isLast(nodeId: number, { isr, elr }: PartitionState): boolean {
  return [...isr, ...elr].every((id) => id === nodeId);
}

/** Why a replica may lack committed records; undefined if it lacks none. */
export function doubtAbout(directory: LogDirectory, name: string): string | undefined {
  const { highWatermarks } = directory;
  if (highWatermarks.isLost) return "the file of high watermarks is missing or damaged";
  const log = directory.get(name);
  const highWatermark = highWatermarks.get(name);
  const logEndOffset = log?.logEndOffset ?? 0;
  if (logEndOffset < highWatermark) {
    return `the log ends at ${logEndOffset}, the high watermark was ${highWatermark}`;
  }
  if (log === undefined) {
    return directory.isMissing(name) ? "the folder of the log is missing" : undefined;
  }
  if (log.firstLostOffset !== undefined) {
    return `records from offset ${log.firstLostOffset} on are lost or damaged`;
  }
  if (log.offlineError !== undefined) return "the log is offline";
  if (log.hasDoubtfulEpochs) return "the leader epochs of the compacted log are lost";
  return undefined;
}
