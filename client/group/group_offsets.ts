/**
 * The requests for committed offsets: OffsetFetch, OffsetCommit and OffsetDelete.
 *
 * Topics are identified by name: versions that identify them by id (KIP-848) cannot report deleted
 * topics.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { offsetCommit } from "../../protocol/messages/groups/offset_commit.ts";
import { offsetDelete } from "../../protocol/messages/groups/offset_delete.ts";
import { offsetFetch } from "../../protocol/messages/groups/offset_fetch.ts";
import type { CommittedOffset, GroupOffset } from "./group_types.ts";
import { KafkaError, UsageError } from "../errors.ts";
import type { Coordinator } from "../connection/coordinator.ts";
import type { ConnectionLane } from "../connection/connection_lane.ts";
import type { TopicPartition } from "../topic_partition.ts";

/** The last versions of OffsetCommit and OffsetFetch that identify topics by name. */
const LAST_VERSION_WITH_NAMES = 9;

/** The first version that can request all topics (KIP-88). */
const FIRST_VERSION_WITH_ALL_TOPICS = 2;

/** The first version with several groups (KIP-709). */
const FIRST_VERSION_WITH_MANY_GROUPS = 8;

/** The first version that excludes offsets of open transactions (KIP-447). */
const FIRST_VERSION_WITH_STABLE = 7;

/** The committing member of a group, or none. */
export interface Committer {
  readonly groupId: string;
  readonly memberId: string;
  /**
   * The generation in the classic protocol, the member epoch in the consumer protocol; −1 for none.
   */
  readonly generation: number;
  readonly groupInstanceId: string | null;
  /** Whether it is a member by the consumer protocol. */
  readonly isModern: boolean;
}

/** A committer that is not a member of the group. */
export function nonMember(groupId: string): Committer {
  return { groupId, memberId: "", generation: -1, groupInstanceId: null, isModern: false };
}

/** The connection to a group's coordinator. */
export interface CoordinatorAccess {
  readonly coordinator: Coordinator;
  readonly lane: ConnectionLane;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends one request for committed offsets.
 *
 * @param partitions The partitions; undefined for all with a committed offset.
 * @returns The offsets; in the order of `partitions` if given, −1 where there is none.
 * @throws {KafkaError} If the group or a partition is refused.
 */
export async function requestOffsetFetch(
  { coordinator, lane, signal }: CoordinatorAccess,
  { groupId, memberId, generation, isModern }: Committer,
  partitions: readonly TopicPartition[] | undefined,
): Promise<CommittedOffset[]> {
  const topics = partitions === undefined ? null : Array.from(
    Map.groupBy(partitions, ({ topic }) => topic),
    ([name, group]) => ({ name, partitionIndexes: group.map(({ partition }) => partition) }),
  );
  const answer = await coordinator.request(lane, offsetFetch, (version) => ({
    ...(version >= FIRST_VERSION_WITH_MANY_GROUPS
      ? {
        groups: [{
          groupId,
          topics,
          ...(isModern && version >= 9 ? { memberId, memberEpoch: generation } : {}),
        }],
      }
      : { groupId, topics }),
    ...(version >= FIRST_VERSION_WITH_STABLE ? { requireStable: true } : {}),
  }), {
    signal,
    maxVersion: LAST_VERSION_WITH_NAMES,
    ...(topics === null ? { minVersion: FIRST_VERSION_WITH_ALL_TOPICS } : {}),
  });
  const action = `fetch committed offsets of group "${groupId}"`;
  const group = answer.groups[0] ?? answer;
  check(coordinator, action, group.errorCode);
  const found = new Map<string, CommittedOffset>();
  for (const { name: topic, partitions } of group.topics) {
    for (const { partitionIndex: partition, ...committed } of partitions) {
      check(coordinator, `${action} for "${topic}-${partition}"`, committed.errorCode);
      found.set(`${topic}-${partition}`, {
        topic,
        partition,
        offset: committed.committedOffset,
        leaderEpoch: committed.committedLeaderEpoch,
        metadata: committed.metadata ?? "",
      });
    }
  }
  if (partitions === undefined) {
    return [...found.values()].filter(({ offset }) => offset >= 0).sort(byPlace);
  }
  return partitions.map(({ topic, partition }) =>
    found.get(`${topic}-${partition}`) ??
      { topic, partition, offset: -1, leaderEpoch: -1, metadata: "" }
  );
}

/**
 * Sends one request to commit offsets.
 *
 * @throws {KafkaError} If the coordinator refuses any of them; others may have been committed.
 */
export async function requestOffsetCommit(
  { coordinator, lane, signal }: CoordinatorAccess,
  { groupId, memberId, generation, groupInstanceId }: Committer,
  offsets: readonly GroupOffset[],
): Promise<void> {
  if (offsets.length === 0) return;
  const answer = await coordinator.request(lane, offsetCommit, (version) => ({
    groupId,
    generationIdOrMemberEpoch: generation,
    memberId,
    ...(version >= 7 ? { groupInstanceId } : {}),
    topics: Array.from(Map.groupBy(offsets, ({ topic }) => topic), ([name, group]) => ({
      name,
      partitions: group.map((offset) => ({
        partitionIndex: offset.partition,
        committedOffset: offset.offset,
        committedLeaderEpoch: offset.leaderEpoch ?? -1,
        committedMetadata: offset.metadata ?? "",
      })),
    })),
  }), { signal, maxVersion: LAST_VERSION_WITH_NAMES });
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode } of partitions) {
      const action = `commit offset of "${name}-${partitionIndex}" for group "${groupId}"`;
      check(coordinator, action, errorCode);
    }
  }
}

/**
 * Sends one request to delete offsets. @throws {KafkaError} If the coordinator refuses any of them.
 */
export async function requestOffsetDelete(
  { coordinator, lane, signal }: CoordinatorAccess,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<void> {
  const answer = await coordinator.request(lane, offsetDelete, {
    groupId,
    topics: Array.from(Map.groupBy(partitions, ({ topic }) => topic), ([name, group]) => ({
      name,
      partitions: group.map(({ partition: partitionIndex }) => ({ partitionIndex })),
    })),
  }, { signal });
  check(coordinator, `delete committed offsets of group "${groupId}"`, answer.errorCode);
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode } of partitions) {
      const action = `delete committed offset of "${name}-${partitionIndex}" of group "${groupId}"`;
      check(coordinator, action, errorCode);
    }
  }
}

/** @throws {UsageError} If an offset cannot be committed. */
export function ensureOffset({ topic, partition, offset }: GroupOffset): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return;
  throw new UsageError(
    `Cannot commit offset of "${topic}-${partition}": offset is ${offset}, it must be at least 0`,
  );
}

function check(coordinator: Coordinator, action: string, errorCode: number): void {
  if (errorCode === ErrorCode.NONE) return;
  const error = new KafkaError(action, errorCode);
  coordinator.onError(error);
  throw error;
}

function byPlace(a: TopicPartition, b: TopicPartition): number {
  return a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1;
}
