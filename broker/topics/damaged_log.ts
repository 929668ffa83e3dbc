/**
 * Has another replica lead a partition whose log was found damaged here: it has the records. This broker
 * leaves the ISR, follows, and copies from the damage on. If no other replica is in sync it stays, and
 * serves what is not damaged.
 *
 * @module
 */

import type { ClusterState } from "../cluster/cluster_state.ts";
import { RevisionConflictError } from "../metadata/metadata_store.ts";
import { BROKERS_PREFIX } from "../cluster/registration.ts";
import type { Logger } from "../logger.ts";
import { resignedState } from "../roles/isr.ts";
import type { Partition } from "./partition.ts";

/** What is needed to give up a partition. */
export interface DamagedLogOptions {
  readonly topics: { partition(topic: string, index: number): Partition | undefined };
  readonly cluster: ClusterState;
  readonly logger: Logger;
}

const MAX_ATTEMPTS = 16;

/** Returns what to call with the name of a log and the first damaged offset. */
export function resignOnDamage(
  { topics, cluster, logger }: DamagedLogOptions,
): (log: string, offset: number) => void {
  return (log, offset) => {
    const dash = log.lastIndexOf("-");
    const partition = topics.partition(log.slice(0, dash), Number(log.slice(dash + 1)));
    if (partition?.isReplicated !== true) return;
    resign(partition, offset, cluster).then((hasResigned) => {
      if (hasResigned) logger.warn("Gave up a partition whose log is damaged", { log, offset });
    }, (error) => logger.warn("Cannot give up a partition whose log is damaged", { log, error }));
  };
}

/** Whether this broker led the partition, and does not any more. */
async function resign(
  partition: Partition,
  offset: number,
  cluster: ClusterState,
): Promise<boolean> {
  const { nodeId } = cluster;
  // What is copied again, once this broker follows and is not in sync.
  partition.log.noteLost(offset);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const { index, topicId } = partition;
    const topic = cluster.topicById(topicId);
    const state = topic?.partitions[index];
    if (topic === undefined || state === undefined) return false;
    if (state.leaderId !== nodeId || state.leaderIncarnation !== cluster.incarnation) return false;
    const hasOther = state.isr.some((id) => id !== nodeId && cluster.broker(id) !== undefined);
    if (!hasOther) return false;
    const guard = { key: `${BROKERS_PREFIX}${nodeId}`, revision: cluster.brokerEpoch };
    try {
      await cluster.commitPartitions(
        [{ topic, index, next: resignedState(state) }],
        [guard],
        false,
      );
      return true;
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error;
    }
  }
  return false;
}
