/**
 * The requests of a member of a classic group: JoinGroup, SyncGroup, Heartbeat and LeaveGroup.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { heartbeat } from "../../../protocol/messages/groups/heartbeat.ts";
import { joinGroup } from "../../../protocol/messages/groups/join_group.ts";
import { leaveGroup } from "../../../protocol/messages/groups/leave_group.ts";
import { syncGroup } from "../../../protocol/messages/groups/sync_group.ts";
import type { ResponseOf } from "../../../protocol/schema/schema.ts";
import type { ClientCore } from "../../connection/client_core.ts";
import type { ConnectionLane } from "../../connection/connection_lane.ts";
import { CONSUMER_PROTOCOL_TYPE } from "../../../protocol/consumer_protocol.ts";
import { KafkaError } from "../../errors.ts";
import type { Coordinator } from "../../connection/coordinator.ts";
import { requestMs } from "../../connection/timer.ts";

/** The first version of JoinGroup with a rebalance timeout (KIP-62). */
const FIRST_JOIN_WITH_REBALANCE_TIMEOUT = 1;

/** The first versions with static membership (KIP-345). */
const FIRST_JOIN_WITH_INSTANCE = 5;
const FIRST_SYNC_WITH_INSTANCE = 3;
const FIRST_HEARTBEAT_WITH_INSTANCE = 3;

/** The first version of LeaveGroup with several members. */
const FIRST_LEAVE_WITH_MEMBERS = 3;

/** How much longer than the rebalance timeout the response to a join may take. */
const ANSWER_MS = 5000;

/** The identity of a member. */
export interface ClassicMember {
  readonly groupId: string;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly generation: number;
}

/** The connection of a member to its coordinator. */
export interface ClassicAccess {
  readonly core: ClientCore;
  readonly coordinator: Coordinator;
  readonly lane: ConnectionLane;
  readonly signal: AbortSignal;
}

/** Parameters of a join. */
export interface JoinOptions {
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocols: readonly { readonly name: string; readonly metadata: Uint8Array }[];
}

/** Joins; MEMBER_ID_REQUIRED, with the id of a new member, is not an error here. */
export async function requestJoin(
  { core, coordinator, lane, signal }: ClassicAccess,
  { groupId, memberId, groupInstanceId }: ClassicMember,
  { sessionTimeoutMs, rebalanceTimeoutMs, protocols }: JoinOptions,
): Promise<ResponseOf<typeof joinGroup>> {
  const response = await coordinator.request(lane, joinGroup, (version) => ({
    groupId,
    sessionTimeoutMs: requestMs(sessionTimeoutMs),
    ...(version >= FIRST_JOIN_WITH_REBALANCE_TIMEOUT
      ? { rebalanceTimeoutMs: requestMs(rebalanceTimeoutMs) }
      : {}),
    memberId,
    ...(version >= FIRST_JOIN_WITH_INSTANCE ? { groupInstanceId } : {}),
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocols,
  }), {
    signal,
    timeoutMs: Math.max(core.options.requestTimeoutMs, rebalanceTimeoutMs + ANSWER_MS),
    ...(groupInstanceId === null ? {} : { minVersion: FIRST_JOIN_WITH_INSTANCE }),
  });
  if (response.errorCode !== ErrorCode.MEMBER_ID_REQUIRED) {
    check(coordinator, `join group "${groupId}"`, response.errorCode);
  }
  return response;
}

/** Sends the leader's assignments to the coordinator, and gets this member's. */
export async function requestSync(
  { core, coordinator, lane, signal }: ClassicAccess,
  { groupId, memberId, groupInstanceId, generation: generationId }: ClassicMember,
  rebalanceTimeoutMs: number,
  assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[],
  protocolName: string | null,
): Promise<Uint8Array> {
  const response = await coordinator.request(lane, syncGroup, (version) => ({
    groupId,
    generationId,
    memberId,
    ...(version >= FIRST_SYNC_WITH_INSTANCE ? { groupInstanceId } : {}),
    protocolType: CONSUMER_PROTOCOL_TYPE,
    protocolName,
    assignments,
  }), {
    signal,
    timeoutMs: Math.max(core.options.requestTimeoutMs, rebalanceTimeoutMs + ANSWER_MS),
  });
  check(coordinator, `get the assignment of group "${groupId}"`, response.errorCode);
  return response.assignment;
}

/**
 * Sends a heartbeat. @throws {KafkaError} With `REBALANCE_IN_PROGRESS` if the member has to rejoin.
 */
export async function requestHeartbeat(
  { core, coordinator, lane, signal }: ClassicAccess,
  { groupId, memberId, groupInstanceId, generation: generationId }: ClassicMember,
  sessionTimeoutMs: number,
): Promise<void> {
  const response = await coordinator.request(lane, heartbeat, (version) => ({
    groupId,
    generationId,
    memberId,
    ...(version >= FIRST_HEARTBEAT_WITH_INSTANCE ? { groupInstanceId } : {}),
  }), { signal, timeoutMs: Math.min(core.options.requestTimeoutMs, sessionTimeoutMs) });
  check(coordinator, `send a heartbeat to group "${groupId}"`, response.errorCode);
}

/** Takes the member out of its group. */
export async function requestLeave(
  { coordinator, lane, signal }: ClassicAccess,
  { groupId, memberId, groupInstanceId }: ClassicMember,
  reason: string,
): Promise<void> {
  const response = await coordinator.request(lane, leaveGroup, (version) => ({
    groupId,
    ...(version >= FIRST_LEAVE_WITH_MEMBERS
      ? { members: [{ memberId, groupInstanceId, reason }] }
      : { memberId }),
  }), { signal });
  const action = `leave group "${groupId}"`;
  check(coordinator, action, response.errorCode);
  check(coordinator, action, response.members[0]?.errorCode ?? ErrorCode.NONE);
}

function check(coordinator: Coordinator, action: string, errorCode: number): void {
  if (errorCode === ErrorCode.NONE) return;
  const error = new KafkaError(action, errorCode);
  coordinator.onError(error);
  throw error;
}
