/**
 * TxnOffsetCommit: commits offsets as part of a producer's transaction (KIP-98), for groups of
 * either protocol. They are pending until the transaction ends.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { TxnOffsetCommitRequest } from "../../../protocol/messages/transactions/txn_offset_commit.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { ApiError } from "../../api_error.ts";
import { type Committer, isAnonymous } from "../committer.ts";
import type { GroupTransaction } from "../group_log.ts";
import type { GroupShard } from "../group_shard.ts";
import { type Commit, offsetRecords } from "./commit_offsets.ts";

type CommitResults = Commit["topics"];

/** Keeps the offsets as long as the broker's setting says. */
const DEFAULT_RETENTION = -1;

/** The group, the client and the offsets of a request. */
export type TransactionalCommit = Pick<
  TxnOffsetCommitRequest,
  "groupId" | "generationId" | "memberId" | "groupInstanceId" | "topics"
>;

/**
 * Commits offsets of existing partitions in a transaction.
 *
 * @returns The result of each partition, once the offsets are durable.
 * @throws {ApiError} An error of the committer.
 * @throws {Error} An error of the log, which fences old epochs of a producer.
 */
export function commitInTransaction(
  shard: GroupShard,
  request: TransactionalCommit,
  transaction: GroupTransaction,
): CommitResults | Promise<CommitResults> {
  const { groupId, memberId, groupInstanceId, generationId } = request;
  const committer = { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId };
  check(shard, groupId, committer);
  const { clock, config } = shard.environment;
  const { records, topics: results } = offsetRecords(
    groupId,
    request.topics.map((topic) => ({ ...topic, topicId: ZERO_UUID })),
    {
      nowMs: clock.now(),
      retentionTimeMs: DEFAULT_RETENTION,
      maxMetadataLength: config.get("offset.metadata.max.bytes"),
      refusal: (topic, partition) => refusal(shard, groupId, committer, topic, partition),
    },
  );
  const durable = shard.commit(groupId, records, false, transaction);
  return durable === undefined ? results : durable.then(() => results);
}

function check(shard: GroupShard, groupId: string, committer: Committer): void {
  const group = shard.group(groupId);
  if (group === undefined) {
    // The request has no version with GROUP_ID_NOT_FOUND.
    if (committer.generationIdOrMemberEpoch < 0) return;
    throw new ApiError(ErrorCode.ILLEGAL_GENERATION);
  }
  const errorCode = group.validateTransactionalCommit(committer);
  if (errorCode !== ErrorCode.NONE) throw new ApiError(errorCode);
}

/** A partition that another member owns by now is refused, as for other commits. */
function refusal(
  shard: GroupShard,
  groupId: string,
  committer: Committer,
  topic: string,
  partition: number,
): number {
  const topicId = shard.environment.topics.topic(topic)?.id;
  if (topicId === undefined || isAnonymous(committer)) return ErrorCode.NONE;
  const group = shard.group(groupId);
  const errorCode = group?.validatePartitionCommit(committer, topicId, partition) ?? ErrorCode.NONE;
  return errorCode === ErrorCode.NONE ? errorCode : ErrorCode.ILLEGAL_GENERATION;
}
