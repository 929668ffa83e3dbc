/**
 * Removal of members of a KIP-848 group, voluntary or by timeout.
 *
 * @module
 */

import { sessionTimeoutMs } from "../group_config.ts";
import type { GroupShard } from "../group_shard.ts";
import type { GroupRecord } from "../records/group_record.ts";
import type { ConsumerGroup } from "./consumer_group.ts";
import { type ConsumerMember, MemberState } from "./consumer_member.ts";
import { epochRecord, memberTombstones, regexTombstone } from "./group_records.ts";
import { downgrade, mayDowngrade } from "./migrate.ts";
import { metadataHash } from "./subscription.ts";

/** Delay before a failed write is retried. */
const RETRY_MS = 1000;

/**
 * Removes members from a group. Their partitions are free immediately.
 *
 * @returns A promise that resolves when the removal is durable.
 * @throws {Error} If the write failed; they are still members then.
 */
export function fenceMembers(
  shard: GroupShard,
  group: ConsumerGroup,
  memberIds: ReadonlySet<string>,
): Promise<void> | undefined {
  const remaining = [...group.members.values()].filter(({ memberId }) => !memberIds.has(memberId));
  if (mayDowngrade(shard.environment, group, remaining)) {
    return downgrade(shard, group, remaining, { mustRebalance: true });
  }
  const { groupId } = group;
  const records: GroupRecord[] = [];
  for (const memberId of memberIds) records.push(...memberTombstones(groupId, memberId));
  const used = new Set(remaining.map(({ subscribedTopicRegex }) => subscribedTopicRegex));
  const regexes = new Map([...group.regexes].filter(([regex]) => used.has(regex)));
  for (const regex of group.regexes.keys()) {
    if (!regexes.has(regex)) records.push(regexTombstone(groupId, regex));
  }
  const hash = metadataHash(remaining, regexes, shard.environment.topics);
  records.push(epochRecord(groupId, group.groupEpoch + 1, hash));
  return shard.commit(groupId, records, true);
}

/** Starts or extends a member's session. */
export function startSession(
  shard: GroupShard,
  group: ConsumerGroup,
  { memberId, classic }: ConsumerMember,
): void {
  const deadlines = group.deadlinesOf(memberId);
  const { deadlines: queue } = shard.environment;
  deadlines.session ??= queue.deadline(() => expire(shard, group.groupId, memberId, "session"));
  deadlines.session.setIn(
    classic?.sessionTimeoutMs ?? sessionTimeoutMs(shard.environment, group.groupId),
  );
}

/** Starts the rebalance timeout of a member that must revoke partitions. */
export function watchRevocation(
  shard: GroupShard,
  group: ConsumerGroup,
  member: ConsumerMember,
): void {
  const { memberId, memberEpoch, rebalanceTimeoutMs } = member;
  const deadlines = group.deadlinesOf(memberId);
  deadlines.rebalance?.cancel();
  if (member.state !== MemberState.unrevoked || member.classic !== null) return;
  deadlines.rebalance = shard.environment.deadlines.deadline(() => {
    const current = shard.consumerGroup(group.groupId)?.members.get(memberId);
    if (current?.memberEpoch === memberEpoch) expire(shard, group.groupId, memberId, "rebalance");
  });
  deadlines.rebalance.setIn(rebalanceTimeoutMs);
}

/** Starts the time limit of a classic member to rejoin, from when it is first told to. */
export function watchJoin(shard: GroupShard, group: ConsumerGroup, member: ConsumerMember): void {
  const { memberId, rebalanceTimeoutMs } = member;
  const deadlines = group.deadlinesOf(memberId);
  const { deadlines: queue } = shard.environment;
  deadlines.join ??= queue.deadline(() => expire(shard, group.groupId, memberId, "join"));
  if (!deadlines.join.isSet) deadlines.join.setIn(rebalanceTimeoutMs);
}

/** Starts the time limit of a classic member to fetch its assignment. */
export function watchSync(shard: GroupShard, group: ConsumerGroup, member: ConsumerMember): void {
  const { memberId, rebalanceTimeoutMs } = member;
  const deadlines = group.deadlinesOf(memberId);
  const { deadlines: queue } = shard.environment;
  deadlines.sync ??= queue.deadline(() => expire(shard, group.groupId, memberId, "sync"));
  deadlines.sync.setIn(rebalanceTimeoutMs);
}

type DeadlineName = "session" | "rebalance" | "join" | "sync";

function expire(
  shard: GroupShard,
  groupId: string,
  memberId: string,
  deadline: DeadlineName,
): void {
  const group = shard.consumerGroup(groupId);
  if (group === undefined || !group.members.has(memberId)) return;
  const { logger } = shard.environment;
  logger.info("Member timed out", { group: groupId, member: memberId, timeout: deadline });
  try {
    fenceMembers(shard, group, new Set([memberId]));
  } catch (error) {
    logger.warn("Cannot remove member", { group: groupId, member: memberId, error });
    group.deadlinesOf(memberId)[deadline]?.setIn(RETRY_MS);
  }
}

/** Starts full sessions for a group restored from the log. */
export function startSessions(shard: GroupShard, group: ConsumerGroup): void {
  for (const member of group.members.values()) {
    startSession(shard, group, member);
    watchRevocation(shard, group, member);
  }
}
