/**
 * OffsetDelete: deletes committed offsets of topics that a group is not subscribed to (KIP-496).
 * Version 0.
 *
 * If the group is not empty it must be a consumer group: the subscriptions of other groups are
 * unknown.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  offsetDelete,
  type OffsetDeleteRequest,
  type OffsetDeleteResponse,
} from "../../../protocol/messages/groups/offset_delete.ts";
import { deleteOffsets } from "../../groups/offsets/requests.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { all, deniedPartitions, eachItem } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { mapNested } from "../each_item.ts";
import { uniquePartitions } from "../records/unique_partitions.ts";
import { groupErrorCode, hasPartition, ofGroup } from "./group_request.ts";

type Topics = OffsetDeleteRequest["topics"];

/** Serves OffsetDelete. */
export const offsetDeleteHandler: ApiHandler = handler(
  offsetDelete,
  handleOffsetDelete,
  all(
    ofGroup(offsetDelete, AclOperation.delete),
    eachItem(offsetDelete, "topics", "topics", {
      operation: AclOperation.read,
      resourceType: AclResourceType.topic,
      nameOf: ({ name }) => name,
      denied: async ({ name, partitions }, errorCode) => ({
        name,
        partitions: await deniedPartitions(partitions, errorCode),
      }),
    }),
  ),
);

async function handleOffsetDelete(
  { groupId, topics }: OffsetDeleteRequest,
  context: RequestContext,
): Promise<OffsetDeleteResponse> {
  const { cluster, groups } = context.broker;
  if (groupId === "") return { errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] };
  try {
    const partitions = await uniquePartitions(topics, ({ partitionIndex }) => partitionIndex);
    const known = new Map<string, Topics[number]>();
    for (const { topic: name, partition } of partitions) {
      if (!hasPartition(cluster.topic(name), partition.partitionIndex)) continue;
      const topic = known.get(name);
      if (topic === undefined) known.set(name, { name, partitions: [partition] });
      else topic.partitions.push(partition);
    }
    const results = await deleteOffsets(groups.shardOf(groupId), groupId, [...known.values()]);
    const codes = new Map(results.map(({ name, partitions }) => [
      name,
      new Map(partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])),
    ]));
    const answered = await mapNested(
      topics,
      ({ partitions }) => partitions,
      ({ name }, { partitionIndex }) => ({
        partitionIndex,
        errorCode: codes.get(name)?.get(partitionIndex) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      }),
    );
    return {
      errorCode: ErrorCode.NONE,
      topics: answered.map(([{ name }, partitions]) => ({ name, partitions })),
    };
  } catch (error) {
    return { errorCode: groupErrorCode(error, context), topics: [] };
  }
}
