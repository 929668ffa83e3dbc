/**
 * Requests of classic protocol members, for groups of either protocol.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { HeartbeatRequest } from "../../protocol/messages/groups/heartbeat.ts";
import type {
  JoinGroupRequest,
  JoinGroupResponse,
} from "../../protocol/messages/groups/join_group.ts";
import type {
  LeaveGroupRequest,
  LeaveGroupResponse,
} from "../../protocol/messages/groups/leave_group.ts";
import type {
  SyncGroupRequest,
  SyncGroupResponse,
} from "../../protocol/messages/groups/sync_group.ts";
import type { ClassicGroup } from "./classic/classic_group.ts";
import { emptyGroupRecord } from "./classic/group_record.ts";
import * as classicJoin from "./classic/join.ts";
import * as classicLeave from "./classic/leave.ts";
import * as classicSession from "./classic/session.ts";
import * as classicSync from "./classic/sync.ts";
import {
  heartbeatConsumerGroup,
  joinConsumerGroup,
  leaveConsumerGroup,
  syncConsumerGroup,
} from "./consumer/classic_requests.ts";
import type { ConsumerGroup } from "./consumer/consumer_group.ts";
import type { GroupClient } from "./environment.ts";
import type { GroupShard } from "./group_shard.ts";

/**
 * JoinGroup: resolves when the generation begins.
 *
 * @throws {ApiError} An error of the member, the group or the log.
 */
export async function joinGroup(
  shard: GroupShard,
  request: JoinGroupRequest,
  client: GroupClient,
  signal?: AbortSignal,
): Promise<JoinGroupResponse> {
  const { groupId, memberId } = request;
  const existing = shard.group(groupId);
  if (existing?.type === "consumer" && !existing.isEmpty) {
    return await joinConsumerGroup(shard, existing, request, client);
  }
  if (memberId !== "" && existing?.type !== "classic") {
    return classicJoin.failed(ErrorCode.UNKNOWN_MEMBER_ID, memberId);
  }
  const group = existing?.type === "consumer"
    ? makeClassic(shard, existing)
    : existing ?? shard.createClassicGroup(groupId);
  const { answer, respond } = answerUnlessGone<JoinGroupResponse>(
    signal,
    classicJoin.failed(ErrorCode.NETWORK_EXCEPTION, memberId),
    () => classicSession.joiningClientGone(group, respond),
  );
  classicJoin.joinGroup(shard.environment, group, request, client, respond);
  return await answer;
}

/**
 * A response that a group sends later, or an error when the client disconnects. The group then only
 * holds `respond`, and nothing of the request.
 */
function answerUnlessGone<T>(
  signal: AbortSignal | undefined,
  whenGone: T,
  onGone: () => void,
): { readonly answer: Promise<T>; readonly respond: (answer: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  const leave = () => {
    resolve(whenGone);
    onGone();
  };
  signal?.addEventListener("abort", leave, { once: true });
  return {
    answer: promise,
    respond(answer) {
      signal?.removeEventListener("abort", leave);
      resolve(answer);
    },
  };
}

/** An empty group can change its protocol. Its generations continue from its epochs. */
function makeClassic(shard: GroupShard, group: ConsumerGroup): ClassicGroup {
  const { groupId, groupEpoch, protocolType } = group;
  const nowMs = shard.environment.clock.now();
  const record = emptyGroupRecord(groupId, protocolType, groupEpoch, nowMs);
  shard.commit(groupId, [...group.tombstones(), record], true);
  return shard.group(groupId) as ClassicGroup;
}

/**
 * SyncGroup: resolves when there is an assignment.
 *
 * @throws {ApiError} An error of the member, the group or the log.
 */
export async function syncGroup(
  shard: GroupShard,
  request: SyncGroupRequest,
  signal?: AbortSignal,
): Promise<SyncGroupResponse> {
  const group = shard.group(request.groupId);
  if (group === undefined || group.isEmpty) {
    return classicSync.failed(ErrorCode.UNKNOWN_MEMBER_ID);
  }
  if (group.type === "consumer") return await syncConsumerGroup(shard, group, request);
  const { answer, respond } = answerUnlessGone<SyncGroupResponse>(
    signal,
    classicSync.failed(ErrorCode.NETWORK_EXCEPTION),
    () => {},
  );
  classicSync.syncGroup(shard.environment, group, request, respond);
  return await answer;
}

/**
 * Heartbeat. Returns an error code.
 *
 * @throws {ApiError} An error of the member.
 */
export function heartbeat(shard: GroupShard, request: HeartbeatRequest): number {
  const group = shard.group(request.groupId);
  if (group === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (group.type === "consumer") return heartbeatConsumerGroup(shard, group, request);
  return classicSession.heartbeat(group, request);
}

/**
 * LeaveGroup of one or several members.
 *
 * @throws {ApiError} An error of the log.
 */
export function leaveGroup(
  shard: GroupShard,
  groupId: string,
  members: LeaveGroupRequest["members"],
): LeaveGroupResponse | Promise<LeaveGroupResponse> {
  const group = shard.group(groupId);
  if (group?.type === "consumer") return leaveConsumerGroup(shard, group, members);
  if (group !== undefined) return classicLeave.leaveGroup(shard.environment, group, members);
  return {
    errorCode: ErrorCode.NONE,
    members: members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
    })),
  };
}
