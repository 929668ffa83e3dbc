/**
 * Computes the effects of a member's heartbeat on its KIP-848 group, as records.
 *
 * A changed subscription increments the group epoch, as do created, deleted and extended topics. A
 * new epoch gets a target assignment, and the member advances to its target as far as possible.
 *
 * @module
 */

import type { GroupEnvironment } from "../environment.ts";
import type { GroupRecord } from "../records/group_record.ts";
import { type Assignment, equal, NOTHING } from "./assignment.ts";
import type { AssignorMember } from "./assignor.ts";
import { ASSIGNORS } from "./assignors.ts";
import type { ConsumerGroup } from "./consumer_group.ts";
import {
  type ConsumerMember,
  currentRecord,
  isSameNames,
  isSameSubscription,
  subscriptionRecord,
} from "./consumer_member.ts";
import {
  epochRecord,
  partitionsTombstone,
  targetEpochRecord,
  targetRecord,
} from "./group_records.ts";
import { reconcile } from "./reconcile.ts";
import {
  isSubscribed,
  metadataHash,
  type Regexes,
  topicsOf,
  updateRegexes,
} from "./subscription.ts";

/** Milliseconds after which topics are checked for changes without a notification. */
export const METADATA_REFRESH_INTERVAL_MS = 10 * 60 * 1000;

/** The change of a member by a heartbeat. */
export interface MemberChange {
  /** The previous member; one without state if it is new. */
  readonly before: ConsumerMember;
  readonly after: ConsumerMember;
  /** The static member that is replaced. */
  readonly replaced: ConsumerMember | undefined;
  /** The partitions that the member reports as owned; `null` if it does not report. */
  readonly owned: Assignment | null;
  /** Whether the member may know of a topic. Default: of all. */
  readonly mayDescribe?: (topic: string) => boolean;
}

/** The effects of a heartbeat. */
export interface GroupUpdate {
  readonly records: readonly GroupRecord[];
  readonly member: ConsumerMember;
  /** Whether the member's subscription, or the topics it matches, have changed. */
  readonly hasSubscriptionChanged: boolean;
  /** Whether topics were checked for changes. */
  readonly isRefreshed: boolean;
}

/**
 * Computes the effects of a heartbeat. Changes nothing.
 *
 * @param mayAssign Whether a new epoch gets its target now, or with a later heartbeat.
 * @throws {ApiError} INVALID_REGULAR_EXPRESSION, FENCED_MEMBER_EPOCH.
 */
export function updateGroup(
  env: GroupEnvironment,
  group: ConsumerGroup,
  change: MemberChange,
  mayAssign = true,
): GroupUpdate {
  const { before, after } = change;
  const records: GroupRecord[] = [];
  if (!isSameSubscription(before, after)) records.push(subscriptionRecord(group.groupId, after));

  const regexUpdate = regexesAfter(env, group, change);
  const { regexes } = regexUpdate;
  records.push(...regexUpdate.records);

  const hasSubscriptionChanged = before.subscribedTopicRegex !== after.subscribedTopicRegex ||
    !isSameNames(before.subscribedTopicNames, after.subscribedTopicNames);
  const mustRaise = group.isEmpty || hasSubscriptionChanged ||
    regexUpdate.haveTopicsChanged;
  const isRefreshed = mustRaise || env.clock.now() >= group.refreshDueMs;
  const epoch = isRefreshed
    ? raiseEpoch(env, group, change, regexes, mustRaise, records)
    : group.groupEpoch;

  let target = group.target(change.replaced?.memberId ?? after.memberId);
  let targetEpoch = group.assignmentEpoch;
  if (epoch > targetEpoch && mayAssign) {
    target = assign(env, group, change, regexes, epoch, records);
    targetEpoch = epoch;
  }
  const member = reconcile(after, {
    targetEpoch,
    target,
    isSubscribed: (topicId) => isSubscribed(after, topicId, regexes, env.topics),
    isFree: (topicId, partition) => isFree(group, change, topicId, partition),
    hasSubscriptionChanged: hasSubscriptionChanged || regexUpdate.haveTopicsChanged,
    owned: change.owned,
  });
  if (member !== after) records.push(currentRecord(group.groupId, member));
  return { records, member, hasSubscriptionChanged, isRefreshed };
}

function regexesAfter(env: GroupEnvironment, group: ConsumerGroup, change: MemberChange) {
  const { before, after } = change;
  const isConcerned = group.regexSubscribers.size > 0 || after.subscribedTopicRegex !== null;
  if (!isConcerned) return { regexes: group.regexes, records: [], haveTopicsChanged: false };
  return updateRegexes(group, before, after, env.topics, {
    nowMs: env.clock.now(),
    refreshIntervalMs: env.config.get("group.consumer.regex.refresh.interval.ms"),
    ...(change.mayDescribe === undefined ? {} : { mayDescribe: change.mayDescribe }),
  });
}

/** The group's members after the change. */
function membersAfter(
  group: ConsumerGroup,
  { after, replaced }: MemberChange,
): ReadonlyMap<string, ConsumerMember> {
  const members = new Map(group.members);
  if (replaced !== undefined) members.delete(replaced.memberId);
  return members.set(after.memberId, after);
}

function raiseEpoch(
  env: GroupEnvironment,
  group: ConsumerGroup,
  change: MemberChange,
  regexes: Regexes,
  mustRaise: boolean,
  records: GroupRecord[],
): number {
  const { groupId, groupEpoch } = group;
  const hash = metadataHash(membersAfter(group, change).values(), regexes, env.topics);
  if (group.hasPartitionsRecord) records.push(partitionsTombstone(groupId));
  if (!mustRaise && hash === group.metadataHash) return groupEpoch;
  records.push(epochRecord(groupId, groupEpoch + 1, hash));
  return groupEpoch + 1;
}

/** Computes the targets of all members for an epoch. Returns that of the current member. */
function assign(
  env: GroupEnvironment,
  group: ConsumerGroup,
  change: MemberChange,
  regexes: Regexes,
  epoch: number,
  records: GroupRecord[],
): Assignment {
  const { groupId } = group;
  const { after, replaced } = change;
  const members = membersAfter(group, change);
  const targetOf = (memberId: string) =>
    group.targets.get(replaced && memberId === after.memberId ? replaced.memberId : memberId);
  const inputs = [...members.values()].map((member): AssignorMember => ({
    memberId: member.memberId,
    instanceId: member.instanceId,
    topicIds: topicsOf(member, regexes, env.topics).map(({ id }) => id).sort(),
    target: targetOf(member.memberId) ?? NOTHING,
  }));
  const name = preferredAssignor(members.values()) ??
    env.config.get("group.consumer.assignors")[0]!;
  const count = (topicId: string) => env.topics.topicById(topicId)!.partitions.length;
  const targets = ASSIGNORS[name]!(inputs, count);
  for (const [memberId, target] of targets) {
    const before = targetOf(memberId);
    if (before !== undefined && equal(before, target)) continue;
    records.push(targetRecord(groupId, memberId, target));
  }
  records.push(targetEpochRecord(groupId, epoch));
  env.counters.rebalances++;
  env.logger.info("Computed assignment", {
    group: groupId,
    epoch,
    members: members.size,
    assignor: name,
  });
  return targets.get(after.memberId) ?? NOTHING;
}

/** The assignor that most members prefer; `undefined` if none has a preference. */
export function preferredAssignor(members: Iterable<ConsumerMember>): string | undefined {
  const votes = new Map<string, number>();
  let preferred: string | undefined;
  for (const { serverAssignor } of members) {
    if (serverAssignor === null) continue;
    const count = (votes.get(serverAssignor) ?? 0) + 1;
    votes.set(serverAssignor, count);
    if (preferred === undefined || count > votes.get(preferred)!) preferred = serverAssignor;
  }
  return preferred;
}

/** Whether no other member holds a partition, except the one that is replaced. */
function isFree(
  group: ConsumerGroup,
  { after, replaced }: MemberChange,
  topicId: string,
  partition: number,
): boolean {
  const owner = group.ownerOf(topicId, partition);
  return owner === undefined || owner === after.memberId || owner === replaced?.memberId;
}
