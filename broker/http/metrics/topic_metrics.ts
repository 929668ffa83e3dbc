/**
 * Metrics of topics and partitions.
 *
 * @module
 */

import type { TopicState } from "../../cluster/cluster_state.ts";
import type { BrokerContext } from "../../handler.ts";
import { PartitionTraffic } from "../../metrics/broker_counters.ts";
import { partitionMetadata } from "../../handlers/topics/partition_metadata.ts";
import { EMBEDDED_LISTENER } from "../../security/session.ts";
import type { Partition } from "../../topics/partition.ts";
import type { Topic } from "../../topics/topic.ts";
import { labelsOf } from "./exposition.ts";
import { minInSync } from "../../cluster/topic_state.ts";
import { METRICS } from "./metric_names.ts";
import type { MetricSink } from "./metric_sink.ts";

/** How much longer than the longest timeout a transaction may be open, as in Kafka. */
const LATE_TRANSACTION_MS = 5 * 60 * 1000;

/** Series of a partition. */
const PARTITION_SERIES = 7;

/** A topic with the sums of its partitions on this broker. */
export interface TopicSums {
  readonly topic: Topic;
  readonly labels: string;
  readonly traffic: PartitionTraffic;
}

/** Counts of the partitions on this broker, and on the controller of those of the cluster. */
export class PartitionCounts {
  /** On this broker, by state. */
  leader = 0;
  follower = 0;
  offline = 0;
  /** Led by this broker. */
  underReplicated = 0;
  underMinIsr = 0;
  withLateTransactions = 0;
  /** Of the cluster. */
  leaderless = 0;
  reassigning = 0;
}

/** Adds the series of each topic, and returns the topics with the busiest first. */
export function* addTopics(
  out: MetricSink,
  { topics, config, clock }: BrokerContext,
  counts: PartitionCounts,
): Generator<void, TopicSums[]> {
  const sums: TopicSums[] = [];
  const lateMs = config.get("transaction.max.timeout.ms") + LATE_TRANSACTION_MS;
  const nowMs = clock.now();
  for (const topic of topics.all()) {
    const traffic = new PartitionTraffic();
    let bytes = 0;
    let segments = 0;
    let openMs: number | undefined;
    for (const partition of topic.partitions) {
      if (partition === undefined) continue;
      const { log, isLeader, isOffline } = partition;
      counts[isOffline ? "offline" : isLeader ? "leader" : "follower"]++;
      bytes += log.sizeInBytes;
      segments += log.segments.length;
      traffic.bytesIn += partition.traffic.bytesIn;
      traffic.bytesOut += partition.traffic.bytesOut;
      traffic.recordsIn += partition.traffic.recordsIn;
      traffic.recordsOut += partition.traffic.recordsOut;
      const open = transactionAge(partition, nowMs);
      if (open !== undefined) {
        openMs = Math.max(openMs ?? 0, open);
        if (open > lateMs) counts.withLateTransactions++;
      }
      yield;
    }
    const labels = labelsOf({ topic: topic.name });
    sums.push({ topic, labels, traffic });
    if (topic.partitions.every((partition) => partition === undefined)) continue;
    out.add(METRICS.topicBytesIn, labels, traffic.bytesIn);
    out.add(METRICS.topicBytesOut, labels, traffic.bytesOut);
    out.add(METRICS.topicRecordsIn, labels, traffic.recordsIn);
    out.add(METRICS.topicRecordsOut, labels, traffic.recordsOut);
    out.add(METRICS.topicLogBytes, labels, bytes);
    out.add(METRICS.topicSegments, labels, segments);
    if (openMs !== undefined) out.add(METRICS.topicOpenTransaction, labels, openMs / 1000);
  }
  return sums.sort((a, b) => activityOf(b) - activityOf(a));
}

/**
 * Milliseconds since the last record of the oldest open transaction of a partition led here. The state
 * of producers is not loaded only to tell: until then nothing was written.
 */
function transactionAge({ log, isLeader }: Partition, nowMs: number): number | undefined {
  if (!isLeader || !log.hasLoadedProducers) return undefined;
  const oldest = log.oldestOpenTransaction();
  return oldest === undefined ? undefined : Math.max(0, nowMs - oldest.lastTimestamp);
}

/** Counts partitions by what the metadata says of them. */
export function* countPartitions(
  { cluster, nodeId }: BrokerContext,
  topics: readonly TopicSums[],
  counts: PartitionCounts,
): Generator<void, void> {
  for (const { topic } of topics) {
    const minIsr = topic.config.get("min.insync.replicas");
    for (const state of topic.state.partitions) {
      const { leaderId, isr, replicas, adding, removing } = state;
      if (cluster.broker(leaderId) === undefined) counts.leaderless++;
      if (adding.length + removing.length > 0) counts.reassigning++;
      if (leaderId === nodeId) {
        if (isr.length < replicas.length) counts.underReplicated++;
        if (isr.length < minInSync(minIsr, state)) counts.underMinIsr++;
      }
    }
    yield;
  }
}

function activityOf({ traffic: { bytesIn, bytesOut } }: TopicSums): number {
  return bytesIn + bytesOut;
}

/** Adds the series of partitions: those led here, and on the controller those without a leader. */
export function* addPartitions(
  out: MetricSink,
  { cluster, nodeId }: BrokerContext,
  sums: readonly TopicSums[],
): Generator<void, void> {
  for (const { topic, labels } of sums) {
    const state: TopicState | undefined = cluster.topicById(topic.id);
    if (state === undefined) continue;
    if (cluster.isController()) out.add(METRICS.topicPartitions, labels, state.partitions.length);
    for (const [index, partitionState] of state.partitions.entries()) {
      const { leaderId, replicaNodes, isrNodes } = partitionMetadata(
        index,
        partitionState,
        cluster,
        EMBEDDED_LISTENER,
      );
      const isOurs = leaderId === nodeId || (leaderId < 0 && cluster.isController());
      if (!isOurs) continue;
      if (!out.hasRoomFor(PARTITION_SERIES)) {
        for (const metric of OF_PARTITION) out.drop(metric);
        continue;
      }
      const of = `${labels},partition="${index}"`;
      const partition = topic.partitions[index];
      if (partition !== undefined) {
        out.add(METRICS.currentOffset, of, partition.highWatermark);
        out.add(METRICS.oldestOffset, of, partition.logStartOffset);
        addReplicaLags(out, partition, of);
      }
      out.add(METRICS.inSyncReplicas, of, isrNodes.length);
      out.add(METRICS.leader, of, leaderId);
      out.add(METRICS.leaderIsPreferred, of, leaderId === replicaNodes[0] ? 1 : 0);
      out.add(METRICS.replicas, of, replicaNodes.length);
      out.add(METRICS.underReplicated, of, isrNodes.length < replicaNodes.length ? 1 : 0);
      yield;
    }
  }
}

/** Adds how far the followers are behind the end of the log. One that has not fetched is left out. */
function addReplicaLags(
  out: MetricSink,
  { leadership, log, replicas }: Partition,
  of: string,
): void {
  if (leadership === undefined) return;
  for (const replica of replicas) {
    const end = leadership.endOf(replica);
    if (end === undefined) continue;
    out.add(METRICS.replicaLag, `${of},replica="${replica}"`, Math.max(0, log.logEndOffset - end));
  }
}

const OF_PARTITION = [
  METRICS.currentOffset,
  METRICS.oldestOffset,
  METRICS.inSyncReplicas,
  METRICS.leader,
  METRICS.leaderIsPreferred,
  METRICS.replicas,
  METRICS.underReplicated,
];
