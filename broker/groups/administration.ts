/**
 * Administrative requests: listing, describing and deleting groups, and the expiry of offsets and
 * groups.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { DescribeGroupsResponse } from "../../protocol/messages/groups/describe_groups.ts";
import type { ListGroupsResponse } from "../../protocol/messages/groups/list_groups.ts";
import { ApiError } from "../api_error.ts";
import type { ClassicGroup } from "./classic/classic_group.ts";
import { NO_ASSIGNMENT } from "./classic/classic_member.ts";
import type { Group } from "./group.ts";
import type { GroupShard } from "./group_shard.ts";
import { allOffsetTombstones, expiredOffsets, topicTombstones } from "./offsets/expire_offsets.ts";
import type { GroupRecord } from "./records/group_record.ts";

type Described = DescribeGroupsResponse["groups"][number];
type Listed = ListGroupsResponse["groups"][number];

const MINUTE_MS = 60 * 1000;

/** Describes a classic group; `undefined` if it does not exist. */
export function describeGroup(shard: GroupShard, groupId: string): Described | undefined {
  const group = shard.group(groupId);
  return group?.type === "classic" ? describe(group) : undefined;
}

function describe(group: ClassicGroup): Described {
  // During a rebalance the previous agreement no longer applies.
  const protocol = group.state === "Stable" ? group.protocolName : null;
  return {
    errorCode: ErrorCode.NONE,
    groupId: group.groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? "",
    protocolData: protocol ?? "",
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: (protocol === null ? undefined : member.metadata(protocol)) ?? NO_ASSIGNMENT,
      memberAssignment: member.assignment,
    })),
  };
}

/** Filters groups by state and type, in lower case. Empty filters match all. */
export interface GroupFilter {
  readonly states: Words;
  readonly types: Words;
}

/** The values of a filter. */
export type Words = Pick<ReadonlySet<string>, "has" | "size">;

/** The groups of a shard that match a filter. */
export function* listGroups(shard: GroupShard, { states, types }: GroupFilter): Iterable<Listed> {
  for (const group of shard.groups) {
    if (states.size > 0 && !states.has(group.state.toLowerCase())) continue;
    if (types.size > 0 && !types.has(group.type)) continue;
    yield {
      groupId: group.groupId,
      protocolType: group.protocolType ?? "",
      groupState: group.state,
      groupType: group.type,
    };
  }
}

/**
 * Deletes an empty group and its offsets.
 *
 * @returns A promise that resolves when the deletion is durable.
 * @throws {ApiError} GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, or an error of the log.
 */
export function deleteGroup(shard: GroupShard, groupId: string): Promise<void> | undefined {
  const group = shard.group(groupId);
  if (group === undefined) throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND);
  const errorCode = group.validateDelete();
  if (errorCode !== ErrorCode.NONE) throw new ApiError(errorCode);
  const records = [...allOffsetTombstones(shard, groupId), ...group.tombstones()];
  return shard.commit(groupId, records, true);
}

/**
 * Deletes a shard's expired offsets, and groups that have neither members nor offsets.
 *
 * @throws {ApiError} If the log fails.
 */
export function expireGroups(shard: GroupShard): void {
  for (const group of [...shard.groups]) {
    const { records, isAll } = expired(shard, group);
    if (isAll && group.isAbandoned) records.push(...group.tombstones());
    if (records.length === 0) continue;
    shard.commit(group.groupId, records, false);
    shard.environment.logger.info("Deleted expired offsets", {
      group: group.groupId,
      records: records.length,
    });
  }
}

function expired(
  shard: GroupShard,
  group: Group,
): { records: GroupRecord[]; isAll: boolean } {
  const { clock, config } = shard.environment;
  return expiredOffsets(shard, group.groupId, {
    nowMs: clock.now(),
    retentionMs: config.get("offsets.retention.minutes") * MINUTE_MS,
    isSubscribedTo: (topic) => group.isSubscribedTo(topic),
    startOf: ({ commitTimestampMs }) => group.retentionStart(commitTimestampMs),
  });
}

/** Deletes all offsets of a deleted topic. */
export function forgetTopic(shard: GroupShard, topic: string): void {
  const byGroup = Map.groupBy(topicTombstones(shard, topic), ({ key }) => key.group);
  for (const [groupId, records] of byGroup) shard.commit(groupId, records, false);
}
