/**
 * OffsetDelete: deletes committed offsets of topics that a group does not read (KIP-496). Version 0.
 *
 * Of a group that is in use, only a consumer group's offsets can be deleted, since only of those it is
 * known which topics they read.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  offsetDelete,
  type OffsetDeleteRequest,
  type OffsetDeleteResponse,
} from "../../protocol/messages/offset_delete.ts";
import { deleteOffsets } from "../groups/offsets/requests.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { groupErrorCode, hasPartition } from "./group_request.ts";

/** Serves OffsetDelete. */
export const offsetDeleteHandler: ApiHandler = handler(offsetDelete, handleOffsetDelete);

async function handleOffsetDelete(
  { groupId, topics }: OffsetDeleteRequest,
  context: RequestContext,
): Promise<OffsetDeleteResponse> {
  const { cluster, groups } = context.broker;
  if (groupId === "") return { errorCode: ErrorCode.INVALID_GROUP_ID, topics: [] };
  const exists = (name: string, index: number) => hasPartition(cluster.topic(name), index);
  try {
    const known = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.filter(({ partitionIndex }) => exists(name, partitionIndex)),
    }));
    const results = await deleteOffsets(groups.shardOf(groupId), groupId, known);
    const merged = results.map(({ name, partitions }, i) => ({
      name,
      partitions: [
        ...partitions,
        ...topics[i]!.partitions
          .filter(({ partitionIndex }) => !exists(name, partitionIndex))
          .map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          })),
      ],
    }));
    return { errorCode: ErrorCode.NONE, topics: merged };
  } catch (error) {
    return { errorCode: groupErrorCode(error, context), topics: [] };
  }
}
