/**
 * Metrics of the consumer groups that this broker coordinates.
 *
 * @module
 */

import type { BrokerContext } from "../../handler.ts";
import type { TopicOffsets } from "../../groups/offsets/offset_store.ts";
import type { Partition } from "../../topics/partition.ts";
import { labelsOf } from "./exposition.ts";
import type { LagTimes } from "./lag_times.ts";
import { METRICS } from "./metric_names.ts";
import type { MetricSink } from "./metric_sink.ts";

/** Groups with longer names are left out: they would make the text large. */
const MAX_NAME_LENGTH = 255;
/** Series of a group's partition. */
const PARTITION_SERIES = 3;

/** A partition that a group has not read to the end of, and the labels of its series. */
export interface Lagging {
  readonly partition: Partition;
  readonly offset: number;
  readonly labels: string;
}

/** The ends of partitions that other brokers lead; undefined where they are not known. */
export type OtherEnds = (topic: string, partition: number) => number | undefined;

/** Adds the series of the groups. Returns the partitions whose lag in seconds is to be added. */
export function* addGroups(
  out: MetricSink,
  broker: BrokerContext,
  otherEnds: OtherEnds,
): Generator<void, Lagging[]> {
  const byState = new Map<string, number>();
  const lagging: Lagging[] = [];
  for (const shard of broker.groups.shards) {
    if (!shard.isActive) continue;
    for (const group of shard.groups) {
      byState.set(group.state, (byState.get(group.state) ?? 0) + 1);
      const { groupId } = group;
      if (groupId.length > MAX_NAME_LENGTH) {
        out.drop(METRICS.groupMembers);
        continue;
      }
      out.add(METRICS.groupMembers, labelsOf({ consumergroup: groupId }), group.members.size);
      for (const [topic, offsets] of shard.offsets.ofGroup(groupId) ?? []) {
        yield* addTopic({ out, broker, otherEnds, lagging }, groupId, topic, offsets);
      }
      yield;
    }
  }
  for (const [state, count] of byState) out.add(METRICS.groups, labelsOf({ state }), count);
  return lagging;
}

interface Adding {
  readonly out: MetricSink;
  readonly broker: BrokerContext;
  readonly otherEnds: OtherEnds;
  readonly lagging: Lagging[];
}

function* addTopic(
  { out, broker, otherEnds, lagging }: Adding,
  group: string,
  topic: string,
  offsets: TopicOffsets,
): Generator<void, void> {
  let offsetSum = 0;
  let lagSum = 0;
  for (const [index, { offset }] of offsets) {
    offsetSum += offset;
    const partition = broker.topics.partition(topic, index);
    const end = partition?.isServed === true ? partition.highWatermark : otherEnds(topic, index);
    const lag = end === undefined ? undefined : Math.max(0, end - offset);
    lagSum += lag ?? 0;
    if (!out.hasRoomFor(PARTITION_SERIES)) {
      for (const metric of OF_PARTITION) out.drop(metric);
      continue;
    }
    const labels = labelsOf({ consumergroup: group, topic, partition: index });
    out.add(METRICS.groupOffset, labels, offset);
    if (lag !== undefined) out.add(METRICS.groupLag, labels, lag);
    const ofSeconds = labelsOf({ group, topic, partition: index });
    if (lag === 0) out.add(METRICS.groupLagSeconds, ofSeconds, 0);
    else if (partition?.isServed === true) {
      lagging.push({ partition, offset, labels: ofSeconds });
    }
    yield;
  }
  const labels = labelsOf({ consumergroup: group, topic });
  out.add(METRICS.groupOffsetSum, labels, offsetSum);
  out.add(METRICS.groupLagSum, labels, lagSum);
}

/** Adds how long the first record after a commit has been there. */
export async function addLagSeconds(
  out: MetricSink,
  lagging: readonly Lagging[],
  times: LagTimes,
  nowMs: number,
): Promise<void> {
  times.begin();
  for (const { partition, offset, labels } of lagging) {
    const timestamp = times.cached(partition, offset, labels) ??
      await times.look(partition, offset, labels);
    if (timestamp === undefined) continue;
    out.add(METRICS.groupLagSeconds, labels, Math.max(0, nowMs - timestamp) / 1000);
  }
  times.end();
}

const OF_PARTITION = [METRICS.groupOffset, METRICS.groupLag, METRICS.groupLagSeconds];
