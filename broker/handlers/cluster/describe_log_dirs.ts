/**
 * DescribeLogDirs: the data folder and the size of each partition in it (KIP-113). Versions 1 to 4.
 *
 * `null` topics select all. Partitions that are not on this broker are omitted. Version 2 is
 * flexible, 3 adds a top-level error, 4 the size of the volume (KIP-827), unknown for
 * data in memory.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  describeLogDirs,
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
} from "../../../protocol/messages/cluster/describe_log_dirs.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { ResponseBudget } from "../response_budget.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { mapNested } from "../each_item.ts";
import type { Topic } from "../../topics/topic.ts";
import type { Partition } from "../../topics/partition.ts";

type TopicResponse = DescribeLogDirsResponse["results"][number]["topics"][number];

/** Upper bounds of the encoded sizes of a topic and a partition. */
const TOPIC_BYTES = 20;
const PARTITION_BYTES = 24;
const UNKNOWN = -1;

/** Serves DescribeLogDirs. */
export const describeLogDirsHandler: ApiHandler = handler(
  describeLogDirs,
  handleDescribeLogDirs,
  onCluster(AclOperation.describe),
);

async function handleDescribeLogDirs(
  { topics }: DescribeLogDirsRequest,
  context: RequestContext,
): Promise<DescribeLogDirsResponse> {
  const { topics: all } = context.broker;
  const found = topics === null
    ? new Map(Array.from(all.all(), ({ name, partitions }) => [name, here(partitions)]))
    : await find(topics, context);
  const budget = new ResponseBudget(context);
  let error: number = ErrorCode.NONE;
  for (const [name, partitions] of found) {
    const fits = budget.reserve(TOPIC_BYTES + name.length + PARTITION_BYTES * partitions.size);
    if (!fits) error = ErrorCode.INVALID_REQUEST;
  }
  await budget.claim();
  const described = await mapNested(
    error === ErrorCode.NONE ? [...found] : [],
    ([, partitions]) => [...partitions],
    (_, partition) => describePartition(partition),
  );
  const { disk } = context.broker;
  await disk.refresh();
  const { totalBytes, freeBytes } = disk.space ?? { totalBytes: UNKNOWN, freeBytes: UNKNOWN };
  return {
    results: [{
      errorCode: error !== ErrorCode.NONE ? error : folderError(all.all()),
      logDir: all.logDirectory,
      totalBytes,
      usableBytes: freeBytes,
      topics: described.map(([[name], partitions]) => ({ name, partitions })),
    }],
  };
}

/** KAFKA_STORAGE_ERROR if a log is offline after a disk error, as Kafka's whole folder would be. */
function folderError(topics: Iterable<Topic>): number {
  for (const { partitions } of topics) {
    if (partitions.some((partition) => partition?.isOffline)) return ErrorCode.KAFKA_STORAGE_ERROR;
  }
  return ErrorCode.NONE;
}

function here(partitions: readonly (Partition | undefined)[]): Set<Partition> {
  return new Set(partitions.filter((partition) => partition !== undefined));
}

/** The requested partitions that are on this broker, without duplicates. */
async function find(
  topics: NonNullable<DescribeLogDirsRequest["topics"]>,
  { broker }: RequestContext,
): Promise<Map<string, Set<Partition>>> {
  const found = new Map<string, Set<Partition>>();
  const slice = new TimeSlice();
  for (const { topic, partitions } of topics) {
    for (const index of partitions) {
      if (slice.isOver) await slice.pause();
      const partition = broker.topics.partition(topic, index);
      if (partition === undefined) continue;
      const ofTopic = found.get(topic);
      if (ofTopic === undefined) found.set(topic, new Set([partition]));
      else ofTopic.add(partition);
    }
    if (slice.isOver) await slice.pause();
  }
  return found;
}

function describePartition(partition: Partition): TopicResponse["partitions"][number] {
  return {
    partitionIndex: partition.index,
    partitionSize: partition.log.sizeInBytes,
    offsetLag: Math.max(0, partition.highWatermark - partition.logEndOffset),
  };
}
