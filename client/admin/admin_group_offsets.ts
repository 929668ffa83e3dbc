/**
 * Listing, altering and deleting the committed offsets of groups.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type {
  CommittedOffset,
  GroupOffset,
  GroupOffsetTarget,
  ListGroupOffsetsOptions,
  ResetGroupOffset,
  ResetGroupOffsetsOptions,
} from "../group/group_types.ts";
import { describeAllGroups } from "./admin_groups.ts";
import {
  type ClientCore,
  isUnknownTopic,
  type OperationOptions,
} from "../connection/client_core.ts";
import { KafkaError, UsageError } from "../errors.ts";
import { Coordinator } from "../connection/coordinator.ts";
import {
  type CoordinatorAccess,
  ensureOffset,
  nonMember,
  requestOffsetCommit,
  requestOffsetDelete,
  requestOffsetFetch,
} from "../group/group_offsets.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { lookUpOffsets, type OffsetSpec } from "../consumer/offset_lookup.ts";

/** Lists committed offsets. */
export function listOffsetsOfGroup(
  core: ClientCore,
  groupId: string,
  options: ListGroupOffsetsOptions,
): Promise<CommittedOffset[]> {
  const action = `list committed offsets of group "${groupId}"`;
  return askCoordinator(
    core,
    action,
    groupId,
    options,
    (access) => requestOffsetFetch(access, nonMember(groupId), options.partitions),
  );
}

/** Commits offsets for a group without members. */
export async function alterOffsetsOfGroup(
  core: ClientCore,
  groupId: string,
  offsets: readonly GroupOffset[],
  options: OperationOptions,
): Promise<void> {
  for (const offset of offsets) ensureOffset(offset);
  const action = `alter committed offsets of group "${groupId}"`;
  await askCoordinator(
    core,
    action,
    groupId,
    options,
    (access) => requestOffsetCommit(access, nonMember(groupId), offsets),
  );
}

/** Deletes committed offsets. */
export async function deleteOffsetsOfGroup(
  core: ClientCore,
  groupId: string,
  partitions: readonly TopicPartition[],
  options: OperationOptions,
): Promise<void> {
  const action = `delete committed offsets of group "${groupId}"`;
  await askCoordinator(
    core,
    action,
    groupId,
    options,
    (access) => requestOffsetDelete(access, groupId, partitions),
  );
}

/** Resets the committed offsets of a group. */
export async function resetOffsetsOfGroup(
  core: ClientCore,
  groupId: string,
  topic: string,
  target: GroupOffsetTarget,
  options: ResetGroupOffsetsOptions,
): Promise<ResetGroupOffset[]> {
  const partitions = options.partitions ??
    (await core.topic(topic, options)).partitions.map(({ partition }) => partition);
  const places = partitions.map((partition) => ({ topic, partition }));
  await ensureInactive(core, groupId, options);
  const committed = await listOffsetsOfGroup(core, groupId, { ...options, partitions: places });
  const [earliest, latest] = await Promise.all([
    offsetsAt(core, places, "earliest", options),
    offsetsAt(core, places, "latest", options),
  ]);
  const found = await seek(core, places, target, committed, latest, options);
  const resets = places.map((place, i) => ({
    ...place,
    before: committed[i]!.offset,
    offset: Math.min(Math.max(found[i]!, earliest[i]!), latest[i]!),
  }));
  if (!options.validateOnly) await alterOffsetsOfGroup(core, groupId, resets, options);
  return resets;
}

/** The offset in each partition that the target means, before it is clamped to the partition. */
async function seek(
  core: ClientCore,
  places: readonly TopicPartition[],
  target: GroupOffsetTarget,
  committed: readonly CommittedOffset[],
  latest: readonly number[],
  options: OperationOptions,
): Promise<readonly number[]> {
  if (typeof target === "number") {
    for (const place of places) ensureOffset({ ...place, offset: target });
    return places.map(() => target);
  }
  if (typeof target === "object" && "shift" in target) {
    const { shift } = target;
    if (!Number.isSafeInteger(shift)) {
      throw new UsageError(`Cannot reset offsets: shift is ${shift}, it must be an integer`);
    }
    return committed.map(({ topic, partition, offset }) => {
      if (offset >= 0) return offset + shift;
      throw new UsageError(
        `Cannot shift the offset of "${topic}-${partition}": the group has no committed offset`,
        "Reset to an offset or a place such as earliest instead",
      );
    });
  }
  const found = await offsetsAt(core, places, target, options);
  // No message is at or after the timestamp: the group continues at the end.
  return found.map((offset, i) => offset < 0 ? latest[i]! : offset);
}

async function offsetsAt(
  core: ClientCore,
  places: readonly TopicPartition[],
  at: OffsetSpec,
  options: OperationOptions,
): Promise<number[]> {
  const queries = places.map((place) => ({ ...place, at }));
  const found = await lookUpOffsets(core, queries, "read_uncommitted", options);
  return found.map(({ offset }) => offset);
}

/**
 * The coordinator refuses to alter the offsets of a group in use. A dry run sends no such request,
 * so it checks here.
 *
 * @throws {KafkaError} If the group has members.
 */
async function ensureInactive(
  core: ClientCore,
  groupId: string,
  options: OperationOptions,
): Promise<void> {
  try {
    const [group] = await describeAllGroups(core, [groupId], options);
    const count = group!.members.length;
    if (count === 0) return;
    throw new KafkaError(
      `reset offsets of group "${groupId}"`,
      ErrorCode.NON_EMPTY_GROUP,
      `it has ${count} ${count === 1 ? "member" : "members"}, stop them first`,
    );
  } catch (error) {
    // A group that does not exist yet is created by its first commit.
    if (!(error instanceof KafkaError && error.code === "GROUP_ID_NOT_FOUND")) throw error;
  }
}

function askCoordinator<T>(
  core: ClientCore,
  action: string,
  groupId: string,
  options: OperationOptions,
  attempt: (access: CoordinatorAccess) => Promise<T>,
): Promise<T> {
  const coordinator = new Coordinator(core, "group", groupId);
  return core.retry(
    action,
    options,
    (signal) => attempt({ coordinator, lane: core.control, signal }),
    isUnknownTopic,
  );
}
