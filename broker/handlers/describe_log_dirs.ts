/**
 * DescribeLogDirs: the data folder, and the size of each partition in it (KIP-113). Versions 1 to 4.
 *
 * Null topics mean all of them. A partition that is not on this broker is left out. Version 2 is
 * flexible, 3 adds an error for all, 4 the size of the volume (KIP-827), which is told as unknown.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  describeLogDirs,
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
} from "../../protocol/messages/describe_log_dirs.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import type { Partition } from "../topics/partition.ts";

type TopicResponse = DescribeLogDirsResponse["results"][number]["topics"][number];

/** Serves DescribeLogDirs. */
export const describeLogDirsHandler: ApiHandler = handler(
  describeLogDirs,
  (request, context) => ({
    results: [{
      errorCode: ErrorCode.NONE,
      logDir: context.broker.topics.logDirectory,
      topics: [...describe(request, context)],
    }],
  }),
);

function* describe(
  { topics }: DescribeLogDirsRequest,
  { broker }: RequestContext,
): Iterable<TopicResponse> {
  if (topics === null) {
    for (const { name, partitions } of broker.topics.all()) {
      yield { name, partitions: partitions.map(describePartition) };
    }
    return;
  }
  for (const { topic: name, partitions } of topics) {
    const found = [...new Set(partitions)]
      .map((index) => broker.topics.partition(name, index))
      .filter((partition) => partition !== undefined);
    if (found.length > 0) yield { name, partitions: found.map(describePartition) };
  }
}

function describePartition(partition: Partition): TopicResponse["partitions"][number] {
  return {
    partitionIndex: partition.index,
    partitionSize: partition.log.sizeInBytes,
    offsetLag: Math.max(0, partition.highWatermark - partition.logEndOffset),
  };
}
