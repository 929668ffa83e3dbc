/**
 * JoinGroup for a classic group.
 *
 * A new dynamic member gets an id and has to join again with it (version 4, KIP-394), so that a
 * lost response does not leave a ghost member. A returning static member takes its previous place,
 * and its former instance is fenced (KIP-345). The response is sent when the generation begins.
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
 * Time that a new member may wait for its first generation. It sends no heartbeats meanwhile, so a
 * dead client cannot be detected otherwise.
 */
const NEW_MEMBER_TIMEOUT_MS = 5 * 60 * 1000;

/** A JoinGroup in progress. */
interface Join {
  readonly env: GroupEnvironment;
  readonly group: ClassicGroup;
  readonly request: JoinGroupRequest;
  readonly client: GroupClient;
  readonly respond: RespondToJoin;
}

/** Joins a member to a group; `respond` is called once, possibly before this returns. */
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

/** An error response to JoinGroup. */
export function failed(errorCode: number, memberId: string): JoinGroupResponse {
  return { errorCode, protocolName: null, leader: "", memberId };
}

/**
 * Whether the group's size limit admits a member. During a rebalance only members that have joined
 * it count, so that the last to join are rejected if the limit was lowered.
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
      // A repeated request: the first response may have been lost.
      if (member.offers(request.protocols)) return respond(joined(group, member));
      return updateMember(join, member, "changed its subscription");
    case "Stable":
      // The leader may know of changes its subscription does not show, such as new partitions.
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

/** A member that sends another JoinGroup has given up the waiting one, which must be answered. */
function supersedeJoin(group: ClassicGroup, member: ClassicMember): void {
  group.answerJoin(member, failed(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId));
}

function wishOf(request: JoinGroupRequest) {
  const { sessionTimeoutMs, rebalanceTimeoutMs } = request;
  return {
    protocols: ownProtocols(request.protocols),
    sessionTimeoutMs,
    // Version 0 has no rebalance timeout.
    rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? sessionTimeoutMs : rebalanceTimeoutMs,
  };
}

function reasonOf({ reason }: JoinGroupRequest, what: string): string {
  return reason ? `${what}: ${reason}` : what;
}

/** A static member has returned with a new id and takes its previous place. */
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
      // The leader may be assigning to the old id and must learn the new one.
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

/** Keeps the group's state and stores the new member id, which must survive a restart. */
function recordReplacement(
  { env, group, client }: Join,
  old: ClassicMember,
  member: ClassicMember,
  leaderBefore: string | null,
): void {
  env.write(group.groupId, [groupRecord(group)], (errorCode) => {
    // If another rebalance has begun, it sends the response.
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
      // An older client that is told it is the leader would send an assignment, which a stable
      // group ignores. It is told the previous leader's id instead.
      group.answerJoin(member, { ...response, leader: leaderBefore ?? "", members: [] });
    }
  });
}

/** Restores the old instance, which would be the member after a restart. */
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
