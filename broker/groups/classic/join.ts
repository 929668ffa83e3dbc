/**
 * JoinGroup to a classic group.
 *
 * A new dynamic member is given an id and asked to join with it (version 4, KIP-394), so that a client
 * whose answer is lost does not leave a ghost behind. A static member that comes back takes its own
 * place; whoever held that is fenced (KIP-345). The answer comes when the generation begins.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type {
  JoinGroupRequest,
  JoinGroupResponse,
} from "../../../protocol/messages/groups/join_group.ts";
import type { GroupClient, GroupEnvironment } from "../environment.ts";
import type { ClassicGroup } from "./classic_group.ts";
import { ClassicMember, ownProtocols, type RespondToJoin } from "./classic_member.ts";
import { groupRecord } from "./group_record.ts";
import {
  joined,
  maybeCompleteJoin,
  prepareRebalance,
  rebalanceOrCompleteJoin,
} from "./rebalance.ts";
import { memberSession } from "./session.ts";

const FIRST_VERSION_WITH_KNOWN_ID = 4;
const FIRST_VERSION_WITH_SKIPPED_ASSIGNMENT = 9;

/**
 * How long a new member may wait for its first generation. It has no heartbeats to be missed by, and
 * if it is gone there is no other way to notice.
 */
const NEW_MEMBER_TIMEOUT_MS = 5 * 60 * 1000;

/** One JoinGroup under way. */
interface Join {
  readonly env: GroupEnvironment;
  readonly group: ClassicGroup;
  readonly request: JoinGroupRequest;
  readonly client: GroupClient;
  readonly respond: RespondToJoin;
}

/** Joins a member to a group; `respond` is called once, perhaps before this returns. */
export function joinGroup(
  env: GroupEnvironment,
  group: ClassicGroup,
  request: JoinGroupRequest,
  client: GroupClient,
  respond: RespondToJoin,
): void {
  const join = { env, group, request, client, respond };
  const { memberId } = request;
  if (!hasRoomFor(group, memberId, env.config.get("group.max.size"))) {
    group.remove(memberId);
    respond(failed(ErrorCode.GROUP_MAX_SIZE_REACHED, ""));
    return maybeCompleteJoin(env, group);
  }
  if (group.state === "Dead") {
    return respond(failed(ErrorCode.COORDINATOR_NOT_AVAILABLE, memberId));
  }
  if (!group.supportsProtocols(request.protocolType, request.protocols)) {
    return respond(failed(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, memberId));
  }
  if (memberId === "") joinAsNew(join);
  else joinAgain(join);
}

/** An error as the answer to a JoinGroup. */
export function failed(errorCode: number, memberId: string): JoinGroupResponse {
  return { errorCode, protocolName: null, leader: "", memberId };
}

/**
 * Whether the group's limit lets a member in. During a rebalance those count who have joined it, so
 * that a group above a lowered limit loses whoever joins last.
 */
function hasRoomFor(group: ClassicGroup, memberId: string, maxSize: number): boolean {
  switch (group.state) {
    case "Empty":
    case "Dead":
      return true;
    case "PreparingRebalance":
      return group.members.get(memberId)?.isAwaitingJoin === true ||
        group.awaitingJoinCount < maxSize;
    case "CompletingRebalance":
    case "Stable":
      return group.members.has(memberId) || group.members.size < maxSize;
  }
}

function joinAsNew(join: Join): void {
  const { env, group, request, client, respond } = join;
  const { groupInstanceId } = request;
  const memberId = `${groupInstanceId ?? client.clientId}-${env.uniqueId()}`;
  if (groupInstanceId !== null) {
    const current = group.members.get(group.staticMemberId(groupInstanceId) ?? "");
    if (current !== undefined) return replaceStaticMember(join, current, memberId);
  } else if (client.apiVersion >= FIRST_VERSION_WITH_KNOWN_ID) {
    const session = memberSession(env, group, memberId);
    group.pendingMembers.set(memberId, session);
    session.setIn(request.sessionTimeoutMs);
    return respond(failed(ErrorCode.MEMBER_ID_REQUIRED, memberId));
  }
  addMember(join, memberId);
}

function joinAgain(join: Join): void {
  const { env, group, request, respond } = join;
  const { memberId, groupInstanceId } = request;
  if (group.pendingMembers.has(memberId) && groupInstanceId === null) {
    return addMember(join, memberId);
  }
  const invalid = group.validateMember(memberId, groupInstanceId);
  if (invalid !== ErrorCode.NONE) return respond(failed(invalid, memberId));
  const member = group.members.get(memberId)!;
  switch (group.state) {
    case "PreparingRebalance":
      return updateMember(join, member, "joins again");
    case "CompletingRebalance":
      // The same once more: perhaps the first answer did not arrive.
      if (member.offers(request.protocols)) return respond(joined(group, member));
      return updateMember(join, member, "changed its subscription");
    case "Stable":
      // The leader knows of changes that its subscription does not show, such as new partitions.
      if (group.isLeader(memberId)) return updateMember(join, member, "leads and joins again");
      if (!member.offers(request.protocols)) {
        return updateMember(join, member, "changed its subscription");
      }
      return respond(joined(group, member));
    default:
      env.logger.warn("Member of a group without members joins", { group: group.groupId });
      return respond(failed(ErrorCode.UNKNOWN_MEMBER_ID, memberId));
  }
}

function addMember(join: Join, memberId: string): void {
  const { env, group, request, client, respond } = join;
  const member = new ClassicMember({
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: client.clientId,
    clientHost: client.clientHost,
    ...wishOf(request),
    session: memberSession(env, group, memberId),
  });
  member.isNew = true;
  if (group.state === "PreparingRebalance" && group.previousState === "Empty") {
    group.hasNewMember = true;
  }
  group.add(member, request.protocolType, respond);
  member.session.setIn(NEW_MEMBER_TIMEOUT_MS);
  rebalanceOrCompleteJoin(env, group, reasonOf(request, `${memberId} is new`));
}

function updateMember(join: Join, member: ClassicMember, what: string): void {
  const { env, group, request, respond } = join;
  supersedeJoin(group, member);
  group.update(member, wishOf(request), respond);
  rebalanceOrCompleteJoin(env, group, reasonOf(request, `${member.memberId} ${what}`));
}

/** A member that joins while its JoinGroup waits has given that up; it must not wait for ever. */
function supersedeJoin(group: ClassicGroup, member: ClassicMember): void {
  group.answerJoin(member, failed(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId));
}

function wishOf(request: JoinGroupRequest) {
  const { sessionTimeoutMs, rebalanceTimeoutMs } = request;
  return {
    protocols: ownProtocols(request.protocols),
    sessionTimeoutMs,
    // Version 0 has no timeout of its own for rebalances.
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? sessionTimeoutMs : rebalanceTimeoutMs,
  };
}

function reasonOf({ reason }: JoinGroupRequest, what: string): string {
  return reason ? `${what}: ${reason}` : what;
}

/** A static member is back, under a new id, and takes its own place. */
function replaceStaticMember(join: Join, old: ClassicMember, memberId: string): void {
  const { env, group, request, respond } = join;
  const before = group.leaderId;
  fence(group, old);
  const member = incarnation(env, group, old, memberId);
  group.replace(old, member);
  member.session.setIn(request.sessionTimeoutMs);
  group.update(member, wishOf(request), respond);
  switch (group.state) {
    case "Stable":
      if (group.protocolName === group.selectProtocol()) {
        return recordReplacement(join, old, member, before);
      }
      return rebalanceOrCompleteJoin(
        env,
        group,
        reasonOf(request, `${memberId} needs another protocol`),
      );
    case "CompletingRebalance":
      // The leader may assign to the old id at this moment, so it has to be told of the new one.
      return prepareRebalance(
        env,
        group,
        reasonOf(request, `${memberId} takes over from ${old.memberId}`),
      );
    default:
      return maybeCompleteJoin(env, group);
  }
}

function fence(group: ClassicGroup, member: ClassicMember): void {
  const errorCode = ErrorCode.FENCED_INSTANCE_ID;
  group.answerJoin(member, failed(errorCode, member.memberId));
  member.answerSync({ errorCode, assignment: new Uint8Array(0) });
}

function incarnation(
  env: GroupEnvironment,
  group: ClassicGroup,
  of: ClassicMember,
  memberId: string,
): ClassicMember {
  return new ClassicMember({
    memberId,
    groupInstanceId: of.groupInstanceId,
    clientId: of.clientId,
    clientHost: of.clientHost,
    rebalanceTimeoutMs: of.rebalanceTimeoutMs,
    sessionTimeoutMs: of.sessionTimeoutMs,
    protocols: of.protocols,
    assignment: of.assignment,
    session: memberSession(env, group, memberId),
  });
}

/** The group stays as it is but for the member's id, which must be known after a restart. */
function recordReplacement(
  { env, group, client }: Join,
  old: ClassicMember,
  member: ClassicMember,
  leaderBefore: string | null,
): void {
  env.write(group.groupId, [groupRecord(group)], (errorCode) => {
    // If another rebalance has begun meanwhile, it answers.
    if (group.members.get(member.memberId) !== member || group.state !== "Stable") return;
    if (errorCode !== ErrorCode.NONE) {
      group.answerJoin(member, failed(errorCode, ""));
      return takeBack(env, group, old, member);
    }
    const response = joined(group, member);
    if (client.apiVersion >= FIRST_VERSION_WITH_SKIPPED_ASSIGNMENT) {
      const isLeader = group.isLeader(member.memberId);
      group.answerJoin(member, { ...response, skipAssignment: isLeader });
    } else {
      // An older client that found itself the leader would assign, and a stable group ignores that. So
      // it is told the id that led before.
      group.answerJoin(member, { ...response, leader: leaderBefore ?? "", members: [] });
    }
  });
}

/** The old incarnation is the member again: after a restart it would be. */
function takeBack(
  env: GroupEnvironment,
  group: ClassicGroup,
  old: ClassicMember,
  member: ClassicMember,
): void {
  group.update(member, old, undefined);
  const restored = incarnation(env, group, old, old.memberId);
  group.replace(member, restored);
  restored.session.setIn(restored.sessionTimeoutMs);
}
