/**
 * ListOffsets: offsets by timestamp. Versions 1 to 11.
 *
 * A timestamp selects the first record with that timestamp or a later one, also within batches; if
 * there is none, the offset is -1 without an error. Negative timestamps are special: -1 the end
 * (high watermark, or last stable offset for READ_COMMITTED), -2 the start, -3 the record with the
 * latest timestamp (version 7, KIP-734), -4 the start on local disks (8, KIP-405), -5 the last
 * tiered offset (9, KIP-1005), -6 the earliest pending upload (11, KIP-1023). There is no tiered
 * storage: -4 is the start, and -5 and -6 have no offset. A special timestamp of a later version is
 * UNSUPPORTED_VERSION.
 *
 * Replica id -2 is a debugging consumer, to which any replica answers with its log end offset and the
 * epoch of its last record.
 *
 * A partition listed more than once is answered once, with INVALID_REQUEST, as in Kafka.
 *
 * While a new leader does not know that all is committed that may have been, the end and records from
 * its high watermark on are OFFSET_NOT_AVAILABLE, or LEADER_NOT_AVAILABLE up to version 4 (KIP-207).
 *
 * Version 4 checks leader epochs (KIP-320), 6 is flexible, 10 adds a timeout for remote reads.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  DEBUGGING_REPLICA,
  listOffsets,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
  ListOffsetsTimestamp,
} from "../../../protocol/messages/records/list_offsets.ts";
import { ApiError } from "../../api_error.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { deniedPartitions, eachItem } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import type { Partition } from "../../topics/partition.ts";
import { leaderOf } from "./leader_of.ts";
import { awaitEach } from "../each_item.ts";
import { failure } from "../outcome.ts";
import { byTopic, uniquePartitions } from "./unique_partitions.ts";

type PartitionRequest = ListOffsetsRequest["topics"][number]["partitions"][number];
type PartitionResponse = ListOffsetsResponse["topics"][number]["partitions"][number];

/** The position of a record. */
interface Place {
  readonly offset: number;
  readonly timestamp: number;
  readonly leaderEpoch: number;
}

const NOWHERE: Place = { offset: -1, timestamp: -1, leaderEpoch: -1 };

const FIRST_VERSION_WITH_EPOCH = 4;
/** The first version of clients that know OFFSET_NOT_AVAILABLE. */
const FIRST_VERSION_WITH_NOT_AVAILABLE = 5;

/** The first version of each special timestamp. */
const FIRST_VERSIONS: ReadonlyMap<number, number> = new Map([
  [ListOffsetsTimestamp.latest, 1],
  [ListOffsetsTimestamp.earliest, 1],
  [ListOffsetsTimestamp.maxTimestamp, 7],
  [ListOffsetsTimestamp.earliestLocal, 8],
  [ListOffsetsTimestamp.latestTiered, 9],
  [ListOffsetsTimestamp.earliestPendingUpload, 11],
]);

/** Serves ListOffsets. */
export const listOffsetsHandler: ApiHandler = handler(
  listOffsets,
  handleListOffsets,
  eachItem(listOffsets, "topics", "topics", {
    operation: AclOperation.describe,
    resourceType: AclResourceType.topic,
    nameOf: ({ name }) => name,
    denied: async ({ name, partitions }, errorCode) => ({
      name,
      partitions: await deniedPartitions(partitions, errorCode),
    }),
  }),
);

async function handleListOffsets(
  request: ListOffsetsRequest,
  context: RequestContext,
): Promise<ListOffsetsResponse> {
  const partitions = await uniquePartitions(
    request.topics,
    ({ partitionIndex }) => partitionIndex,
  );
  const responses = await awaitEach(
    partitions,
    ({ topic, partition, count }) =>
      request.replicaId === DEBUGGING_REPLICA
        ? replicaEnd(topic, partition, context)
        : listOffset(topic, partition, count > 1, request.isolationLevel, context),
  );
  return { topics: await byTopic(partitions, responses) };
}

/** The end of this broker's replica, even if another leads the partition. */
function replicaEnd(
  topic: string,
  { partitionIndex, timestamp }: PartitionRequest,
  { broker, apiVersion }: RequestContext,
): PartitionResponse {
  const log = broker.topics.get(topic)?.partitions[partitionIndex]?.log;
  if (log === undefined) {
    return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
  }
  if (timestamp !== ListOffsetsTimestamp.latest || apiVersion < FIRST_VERSION_WITH_EPOCH) {
    return { partitionIndex, errorCode: ErrorCode.INVALID_REQUEST };
  }
  const { logEndOffset: offset, latestEpoch: leaderEpoch } = log;
  return { partitionIndex, errorCode: ErrorCode.NONE, timestamp: -1, offset, leaderEpoch };
}

async function listOffset(
  topic: string,
  { partitionIndex, currentLeaderEpoch, timestamp }: PartitionRequest,
  isDuplicate: boolean,
  isolationLevel: number,
  context: RequestContext,
): Promise<PartitionResponse> {
  try {
    if (isDuplicate) throw new ApiError(ErrorCode.INVALID_REQUEST);
    if (timestamp < 0 && !(context.apiVersion >= (FIRST_VERSIONS.get(timestamp) ?? Infinity))) {
      throw new ApiError(ErrorCode.UNSUPPORTED_VERSION);
    }
    const partition = leaderOf(topic, partitionIndex, currentLeaderEpoch, context);
    const { leaderEpoch, ...place } = await find(partition, timestamp, isolationLevel, context);
    const answer = { partitionIndex, errorCode: ErrorCode.NONE, ...place };
    return context.apiVersion < FIRST_VERSION_WITH_EPOCH ? answer : { ...answer, leaderEpoch };
  } catch (error) {
    return { partitionIndex, errorCode: failure(error, context).errorCode };
  }
}

async function find(
  partition: Partition,
  timestamp: number,
  isolationLevel: number,
  { apiVersion }: RequestContext,
): Promise<Place> {
  const { leaderEpoch } = partition;
  const end = partition.lastFetchableOffset(isolationLevel);
  switch (timestamp) {
    case ListOffsetsTimestamp.latest:
      if (!partition.isEstablished) throw notAvailable(apiVersion);
      return { offset: end, timestamp: -1, leaderEpoch };
    case ListOffsetsTimestamp.earliest:
    case ListOffsetsTimestamp.earliestLocal:
      return { offset: partition.logStartOffset, timestamp: -1, leaderEpoch: partition.firstEpoch };
    case ListOffsetsTimestamp.latestTiered:
    case ListOffsetsTimestamp.earliestPendingUpload:
      return NOWHERE;
  }
  const found = timestamp === ListOffsetsTimestamp.maxTimestamp
    ? await partition.maxTimestampOffset()
    : await partition.offsetForTimestamp(timestamp);
  if (found !== undefined && found.offset < end) return found;
  if (found !== undefined && !partition.isEstablished) throw notAvailable(apiVersion);
  return NOWHERE;
}

function notAvailable(apiVersion: number): ApiError {
  return new ApiError(
    apiVersion < FIRST_VERSION_WITH_NOT_AVAILABLE
      ? ErrorCode.LEADER_NOT_AVAILABLE
      : ErrorCode.OFFSET_NOT_AVAILABLE,
  );
}
