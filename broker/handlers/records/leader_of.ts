/**
 * The partition of a request, if this broker leads it.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError } from "../../api_error.ts";
import type { RequestContext } from "../../handler.ts";
import type { Partition } from "../../topics/partition.ts";
import type { Topic } from "../../topics/topic.ts";

const UNCHECKED_EPOCH = -1;

/**
 * Finds a partition by its topic's name.
 *
 * @param currentLeaderEpoch The leader epoch known to the client; -1 to skip the check.
 * @throws {ApiError} UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER; FENCED_LEADER_EPOCH if the
 *   client's epoch is lower, UNKNOWN_LEADER_EPOCH if it is higher.
 */
export function leaderOf(
  topic: string,
  index: number,
  currentLeaderEpoch: number,
  { broker }: RequestContext,
): Partition {
  const partition = leaderIn(broker.topics.get(topic), index);
  checkLeaderEpoch(currentLeaderEpoch, partition);
  return partition;
}

/**
 * A partition of a topic.
 *
 * @throws {ApiError} UNKNOWN_TOPIC_OR_PARTITION if there is none; NOT_LEADER_OR_FOLLOWER if another
 *   broker leads it.
 */
export function leaderIn(topic: Topic | undefined, index: number): Partition {
  if (topic?.state.partitions[index] === undefined) {
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  }
  const partition = topic.partitions[index];
  if (partition?.isServed !== true) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  return partition;
}

/** @throws {ApiError} FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, as {@linkcode leaderOf}. */
export function checkLeaderEpoch(
  currentLeaderEpoch: number,
  { leaderEpoch }: Partition,
): void {
  if (currentLeaderEpoch === UNCHECKED_EPOCH || currentLeaderEpoch === leaderEpoch) return;
  throw new ApiError(
    currentLeaderEpoch < leaderEpoch
      ? ErrorCode.FENCED_LEADER_EPOCH
      : ErrorCode.UNKNOWN_LEADER_EPOCH,
  );
}
