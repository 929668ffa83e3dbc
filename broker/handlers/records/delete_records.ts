/**
 * DeleteRecords: deletes the records of partitions before an offset (KIP-107). Versions 0 to 2.
 *
 * -1 stands for the high watermark. The response has the resulting log start offset; an offset
 * below it changes nothing and is no error. If a partition is listed several times, the last offset
 * is used and the partition is answered once, as in Kafka. Version 2 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  deleteRecords,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
} from "../../../protocol/messages/records/delete_records.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { eachItem } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { awaitEach, mapEach } from "../each_item.ts";
import { failure } from "../outcome.ts";
import { leaderIn } from "./leader_of.ts";
import { byTopic, uniquePartitions } from "./unique_partitions.ts";
import { withinTimeout } from "../within_timeout.ts";

type PartitionRequest = DeleteRecordsRequest["topics"][number]["partitions"][number];
type PartitionResponse = DeleteRecordsResponse["topics"][number]["partitions"][number];

const NO_LOW_WATERMARK = -1;

/** Serves DeleteRecords. */
export const deleteRecordsHandler: ApiHandler = handler(
  deleteRecords,
  handleDeleteRecords,
  eachItem(deleteRecords, "topics", "topics", {
    operation: AclOperation.delete,
    resourceType: AclResourceType.topic,
    nameOf: ({ name }) => name,
    denied: async ({ name, partitions }, errorCode) => ({
      name,
      partitions: await mapEach(
        partitions,
        ({ partitionIndex }) => ({ partitionIndex, lowWatermark: NO_LOW_WATERMARK, errorCode }),
      ),
    }),
  }),
);

async function handleDeleteRecords(
  request: DeleteRecordsRequest,
  context: RequestContext,
): Promise<DeleteRecordsResponse> {
  const partitions = await uniquePartitions(
    request.topics,
    ({ partitionIndex }) => partitionIndex,
  );
  const responses = await awaitEach(
    partitions,
    ({ topic, partition }) => deleteFrom(topic, partition, request.timeoutMs, context),
  );
  return { topics: await byTopic(partitions, responses) };
}

async function deleteFrom(
  topic: string,
  { partitionIndex, offset }: PartitionRequest,
  timeoutMs: number,
  context: RequestContext,
): Promise<PartitionResponse> {
  try {
    const partition = leaderIn(context.broker.topics.get(topic), partitionIndex);
    const deleted = partition.deleteRecordsBefore(offset);
    const lowWatermark = await withinTimeout(deleted, timeoutMs, context);
    return { partitionIndex, lowWatermark, errorCode: ErrorCode.NONE };
  } catch (error) {
    const { errorCode } = failure(error, context);
    return { partitionIndex, lowWatermark: NO_LOW_WATERMARK, errorCode };
  }
}
