/**
 * AlterReplicaLogDirs: moves replicas between the log directories of this broker (KIP-113).
 * Versions 1 to 2.
 *
 * There is a single directory: moving a replica to it succeeds, and any other directory is
 * LOG_DIR_NOT_FOUND. If a partition is listed more than once, its last directory is used, as in
 * Kafka. Version 2 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  alterReplicaLogDirs,
  type AlterReplicaLogDirsRequest,
  type AlterReplicaLogDirsResponse,
} from "../../../protocol/messages/cluster/alter_replica_log_dirs.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import {
  AclOperation,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../../protocol/messages/security/acl_types.ts";
import { authorize, inHandler, rule } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { mapNested } from "../each_item.ts";

/** Size of a partition in the response. */
const PARTITION_BYTES = 8;

/** Serves AlterReplicaLogDirs. */
export const alterReplicaLogDirsHandler: ApiHandler = handler(
  alterReplicaLogDirs,
  handleAlterReplicaLogDirs,
  inHandler(rule(AclOperation.alter, AclResourceType.cluster, "request")),
);

async function handleAlterReplicaLogDirs(
  { dirs }: AlterReplicaLogDirsRequest,
  context: RequestContext,
): Promise<AlterReplicaLogDirsResponse> {
  const { topics: all } = context.broker;
  const bytes = sumOf(
    dirs,
    ({ topics }) =>
      sumOf(
        topics,
        ({ name, partitions }) => textBytes(name) + partitions.length * PARTITION_BYTES,
      ),
  );
  await claimResponseMemory(bytes, context);
  const { alter } = AclOperation;
  const isAllowed = authorize(context, alter, AclResourceType.cluster, CLUSTER_RESOURCE);
  const errorCodeOf = (topic: string, index: number, isOurs: boolean) => {
    if (!isAllowed) return ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
    if (!isOurs) return ErrorCode.LOG_DIR_NOT_FOUND;
    return all.partition(topic, index) === undefined
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.NONE;
  };
  const errorCodes = new Map<string, Map<number, number>>();
  const slice = new TimeSlice();
  for (const { path, topics } of dirs) {
    const isOurs = path === all.logDirectory;
    for (const { name, partitions } of topics) {
      let ofTopic = errorCodes.get(name);
      if (ofTopic === undefined) errorCodes.set(name, ofTopic = new Map());
      for (const index of partitions) {
        ofTopic.set(index, errorCodeOf(name, index, isOurs));
        if (slice.isOver) await slice.pause();
      }
      if (slice.isOver) await slice.pause();
    }
  }
  const results = await mapNested(
    [...errorCodes],
    ([, ofTopic]) => [...ofTopic],
    (_, [partitionIndex, errorCode]) => ({ partitionIndex, errorCode }),
  );
  return { results: results.map(([[topicName], partitions]) => ({ topicName, partitions })) };
}
