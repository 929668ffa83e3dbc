/**
 * Requests for committed offsets, for groups of either protocol.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { OffsetCommitRequest } from "../../../protocol/messages/groups/offset_commit.ts";
import type {
  OffsetDeleteRequest,
  OffsetDeleteResponse,
} from "../../../protocol/messages/groups/offset_delete.ts";
import type { OffsetFetchRequest } from "../../../protocol/messages/groups/offset_fetch.ts";
import { runSliced } from "../../../storage/time_slice.ts";
import { ApiError } from "../../api_error.ts";
import type { GroupShard } from "../group_shard.ts";
import type { RecordOf } from "../records/group_record.ts";
import { type Commit, offsetRecords, offsetTombstone } from "./commit_offsets.ts";
import { fetchAllOffsets, type FetchedTopics, fetchOffsets } from "./fetch_offsets.ts";

const FIRST_VERSION_WITH_GROUP_NOT_FOUND = 9;

type CommitResults = Commit["topics"];

/**
 * Commits offsets of existing partitions.
 *
 * @returns The result of each partition, once the offsets are durable.
 * @throws {ApiError} An error of the committer or the log.
 */
export function commit(
  shard: GroupShard,
  request: OffsetCommitRequest,
  apiVersion: number,
): CommitResults | Promise<CommitResults> {
  const { groupId } = request;
  const group = shard.group(groupId);
  if (group === undefined) {
    if (request.generationIdOrMemberEpoch >= 0) {
      throw new ApiError(
        apiVersion >= FIRST_VERSION_WITH_GROUP_NOT_FOUND
          ? ErrorCode.GROUP_ID_NOT_FOUND
          : ErrorCode.ILLEGAL_GENERATION,
      );
    }
  } else check(group.validateCommit(request, apiVersion));
  const { clock, config, topics } = shard.environment;
  const { records, topics: results } = offsetRecords(groupId, request.topics, {
    nowMs: clock.now(),
    retentionTimeMs: request.retentionTimeMs,
    maxMetadataLength: config.get("offset.metadata.max.bytes"),
    refusal: (topic, partition) => {
      const topicId = topics.topic(topic)?.id;
      if (group === undefined || topicId === undefined) return ErrorCode.NONE;
      return group.validatePartitionCommit(request, topicId, partition);
    },
  });
  const durable = shard.commit(groupId, records, false);
  return durable === undefined ? results : durable.then(() => results);
}

type GroupRequest = OffsetFetchRequest["groups"][number];

/**
 * Fetches a group's committed offsets of the requested topics, or of all.
 *
 * @param requireStable Whether partitions with a pending offset get an error (KIP-447).
 * @throws {ApiError} An error of the requesting member.
 */
export function fetch(
  shard: GroupShard,
  request: Pick<GroupRequest, "groupId" | "memberId" | "memberEpoch" | "topics">,
  requireStable = false,
): Promise<FetchedTopics> {
  const { groupId, memberId, memberEpoch, topics } = request;
  const group = shard.group(groupId);
  if (group !== undefined) check(group.validateFetch(memberId, memberEpoch));
  const offsets = { store: shard.offsets, unstable: requireStable ? shard.pending : undefined };
  const read = () =>
    runSliced(
      topics === null ? fetchAllOffsets(offsets, groupId) : fetchOffsets(offsets, groupId, topics),
    );
  // Offsets that are not durable yet must not be visible: a crash would undo them.
  return shard.stable(groupId)?.then(read) ?? read();
}

/**
 * Deletes offsets of topics that the group is not subscribed to.
 *
 * @returns The result of each partition, once the deletion is durable.
 * @throws {ApiError} An error of the group or the log.
 */
export function deleteOffsets(
  shard: GroupShard,
  groupId: string,
  topics: OffsetDeleteRequest["topics"],
): OffsetDeleteResponse["topics"] | Promise<OffsetDeleteResponse["topics"]> {
  const group = shard.group(groupId);
  if (group === undefined) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND);
  check(group.validateOffsetDelete());
  const records: RecordOf<"offsetCommit">[] = [];
  const results = topics.map(({ name, partitions }) => {
    const isInUse = group.isSubscribedTo(name);
    return {
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        if (isInUse) return { partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC };
        const isKnown = shard.offsets.get(groupId, name, partitionIndex) !== undefined ||
          shard.pending.has(groupId, name, partitionIndex);
        if (isKnown) {
          records.push(offsetTombstone(groupId, name, partitionIndex));
        }
        return { partitionIndex, errorCode: ErrorCode.NONE };
      }),
    };
  });
  const durable = shard.commit(groupId, records, true);
  return durable === undefined ? results : durable.then(() => results);
}

function check(errorCode: number): void {
  if (errorCode !== ErrorCode.NONE) throw new ApiError(errorCode);
}
