/**
 * Restores classic groups from the log.
 *
 * @module
 */

import type { GroupEnvironment } from "../environment.ts";
import type { RecordOf } from "../records/group_record.ts";
import { ClassicGroup } from "./classic_group.ts";
import { ClassicMember } from "./classic_member.ts";
import { rebalanceOrCompleteJoin } from "./rebalance.ts";
import { memberSession } from "./session.ts";

/** Creates a group from its record. Its sessions are not started. */
export function groupFromRecord(
  env: GroupEnvironment,
  groupId: string,
  value: NonNullable<RecordOf<"classicGroup">["value"]>,
): ClassicGroup {
  const hasLeader = value.members.some(({ memberId }) => memberId === value.leader);
  const group = new ClassicGroup({
    groupId,
    nowMs: env.clock.now(),
    state: value.members.length === 0 ? "Empty" : "Stable",
    generation: value.generation,
    protocolType: value.protocolType === "" ? null : value.protocolType,
    protocolName: value.protocol,
    leaderId: hasLeader ? value.leader : null,
    stateTimestampMs: value.currentStateTimestamp,
  });
  for (const saved of value.members) {
    const protocols = value.protocol === null
      ? []
      : [{ name: value.protocol, metadata: saved.subscription.slice() }];
    const member = new ClassicMember({
      memberId: saved.memberId,
      groupInstanceId: saved.groupInstanceId,
      clientId: saved.clientId,
      clientHost: saved.clientHost,
      rebalanceTimeoutMs: saved.rebalanceTimeout === -1
        ? saved.sessionTimeout
        : saved.rebalanceTimeout,
      sessionTimeoutMs: saved.sessionTimeout,
      protocols,
      assignment: saved.assignment.slice(),
      session: memberSession(env, group, saved.memberId),
    });
    group.add(member, value.protocolType);
  }
  group.mustRebalance = value.members.length > 0 && !hasLeader;
  group.refreshSubscribedTopics();
  return group;
}

/** Starts full sessions for a group restored from the log, and a rebalance if needed. */
export function startSessions(env: GroupEnvironment, group: ClassicGroup): void {
  for (const member of group.members.values()) member.session.setIn(member.sessionTimeoutMs);
  const { size } = group.members;
  const maxSize = env.config.get("group.max.size");
  const isTooLarge = size > maxSize;
  if (!group.canRebalance || !(isTooLarge || group.mustRebalance)) return;
  group.mustRebalance = false;
  const reason = isTooLarge
    ? `${size} members exceed group.max.size ${maxSize}`
    : "members have left since the last assignment";
  rebalanceOrCompleteJoin(env, group, reason);
}
