/**
 * Takes this broker out of the in-sync replicas of a partition whose log was found damaged here: others have
 * the records. If it leads, it leaves that to another. Then it follows, and copies from the damage on.
 *
 * It stays while too few others are in sync, serves what is not damaged, and leaves as soon as it can.
 *
 * @module
 */

import type { ClusterState } from "../../cluster/cluster_state.ts";
import { RevisionConflictError } from "../../metadata/metadata_store.ts";
import { BROKERS_PREFIX } from "../../cluster/registration.ts";
import { minInSync, type PartitionState } from "../../cluster/topic_state.ts";
import type { Logger } from "../../logger.ts";
import { resignedState, withdrawnState } from "../../roles/isr.ts";
import type { Partition } from "../partition.ts";

/** What is needed to leave the in-sync replicas. */
export interface DamagedLogOptions {
  readonly topics: { partition(topic: string, index: number): Partition | undefined };
  readonly cluster: ClusterState;
  readonly logger: Logger;
}

const MAX_ATTEMPTS = 16;

/** Returns what to call with the name of a log and the first damaged offset. */
export function leaveOnDamage(
  { topics, cluster, logger }: DamagedLogOptions,
): (log: string, offset: number) => void {
  /** Offsets from which logs are damaged whose replicas could not leave yet. */
  const waiting = new Map<string, number>();
  const leaveNow = (log: string, partition: Partition, offset: number) => {
    waiting.set(log, offset);
    leave(partition, cluster).then((hasLeft) => {
      if (!hasLeft) return;
      waiting.delete(log);
      logger.warn("Left the in-sync replicas of a partition whose log is damaged", { log, offset });
    }, (error) => {
      logger.warn("Cannot leave the in-sync replicas of a partition whose log is damaged", {
        log,
        error,
      });
    });
  };
  cluster.onChange((change) => {
    if (waiting.size === 0 || change.type !== "topic" || change.partition === undefined) return;
    const log = `${change.name}-${change.partition}`;
    if (!waiting.has(log)) return;
    const partition = topics.partition(change.name, change.partition);
    const offset = partition?.log.firstLostOffset;
    if (partition === undefined || offset === undefined) waiting.delete(log);
    else leaveNow(log, partition, offset);
  });
  return (log, offset) => {
    const dash = log.lastIndexOf("-");
    const partition = topics.partition(log.slice(0, dash), Number(log.slice(dash + 1)));
    if (partition?.isReplicated !== true) return;
    // What is copied again, once this broker follows and is not in sync.
    partition.log.noteLost(offset);
    leaveNow(log, partition, offset);
  };
}

/** Whether this broker was in sync, and is not any more. */
async function leave(partition: Partition, cluster: ClusterState): Promise<boolean> {
  const { index, topicId } = partition;
  const key = `${BROKERS_PREFIX}${cluster.nodeId}`;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const topic = cluster.topicById(topicId);
    const state = topic?.partitions[index];
    const next = state && stateWithout(state, partition, cluster);
    if (topic === undefined || next === undefined) return false;
    try {
      const guard = { key, revision: cluster.brokerEpoch };
      await cluster.commitPartitions([{ topic, index, next }], [guard], false);
      return true;
    } catch (error) {
      if (!(error instanceof RevisionConflictError)) throw error;
    }
  }
  return false;
}

/** The state after this broker has left; undefined if it must not, or has. */
function stateWithout(
  state: PartitionState,
  { config }: Partition,
  cluster: ClusterState,
): PartitionState | undefined {
  const { nodeId, incarnation } = cluster;
  if (state.leaderId === nodeId) {
    const hasOther = state.isr.some((id) => id !== nodeId && cluster.broker(id) !== undefined);
    return hasOther && state.leaderIncarnation === incarnation ? resignedState(state) : undefined;
  }
  if (!state.isr.includes(nodeId) || cluster.broker(state.leaderId) === undefined) return undefined;
  const next = withdrawnState(state, nodeId);
  // Nothing could be committed until the records are copied.
  return next.isr.length < minInSync(config.get("min.insync.replicas"), state) ? undefined : next;
}
