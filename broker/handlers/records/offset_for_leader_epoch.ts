/**
 * OffsetForLeaderEpoch: the end offset of a leader epoch, by which clients and followers detect log
 * truncation (KIP-320). Versions 2 to 4.
 *
 * For the current epoch it is the log end offset; for an earlier one, the end of the largest epoch
 * up to it; -1 for an unknown epoch. Version 3 adds the replica id, 4 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  offsetForLeaderEpoch,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from "../../../protocol/messages/records/offset_for_leader_epoch.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { eachItem } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { leaderOf } from "./leader_of.ts";
import { mapEach, mapNested } from "../each_item.ts";
import { failure } from "../outcome.ts";

type PartitionRequest = OffsetForLeaderEpochRequest["topics"][number]["partitions"][number];
type PartitionResponse = OffsetForLeaderEpochResponse["topics"][number]["partitions"][number];

/** Serves OffsetForLeaderEpoch. */
export const offsetForLeaderEpochHandler: ApiHandler = handler(
  offsetForLeaderEpoch,
  async (request, context) => {
    const topics = await mapNested(
      request.topics,
      ({ partitions }) => partitions,
      ({ topic }, partition) => lookUp(topic, partition, context),
    );
    return { topics: topics.map(([{ topic }, partitions]) => ({ topic, partitions })) };
  },
  eachItem(offsetForLeaderEpoch, "topics", "topics", {
    operation: AclOperation.describe,
    resourceType: AclResourceType.topic,
    orOnCluster: AclOperation.clusterAction,
    nameOf: ({ topic }) => topic,
    denied: async ({ topic, partitions }, errorCode) => ({
      topic,
      partitions: await mapEach(partitions, ({ partition }) => ({ partition, errorCode })),
    }),
  }),
);

function lookUp(
  topic: string,
  { partition, currentLeaderEpoch, leaderEpoch }: PartitionRequest,
  context: RequestContext,
): PartitionResponse {
  try {
    const leader = leaderOf(topic, partition, currentLeaderEpoch, context);
    const { epoch, endOffset } = leader.endOffsetForEpoch(leaderEpoch);
    return { partition, errorCode: ErrorCode.NONE, leaderEpoch: epoch, endOffset };
  } catch (error) {
    return { partition, errorCode: failure(error, context).errorCode };
  }
}
