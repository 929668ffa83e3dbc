/**
 * JoinGroup: joins a group with the classic protocol. Versions 0 to 9.
 *
 * The response is sent when the next generation begins: when all members have rejoined, or the
 * rebalance timeout of the others has expired. An empty group waits
 * `group.initial.rebalance.delay.ms` for more members.
 *
 * Version 1 adds the rebalance timeout (KIP-62), 4 assigns a member id before a new member joins
 * (KIP-394), 5 adds static members (KIP-345), 6 is flexible, 7 returns the protocol type (KIP-559),
 * 8 adds a reason (KIP-800), 9 lets a returning static leader skip the assignment (KIP-814).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  joinGroup,
  type JoinGroupRequest,
  type JoinGroupResponse,
} from "../../../protocol/messages/groups/join_group.ts";
import { failed } from "../../groups/classic/join.ts";
import * as membership from "../../groups/membership.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { groupClient, groupErrorCode, ofGroup } from "./group_request.ts";

const FIRST_VERSION_WITH_NULL_PROTOCOL = 7;
/** Maximum number of protocols of a member; clients have a handful. */
const MAX_PROTOCOLS = 1000;

/** Serves JoinGroup. */
export const joinGroupHandler: ApiHandler = handler(
  joinGroup,
  handleJoinGroup,
  ofGroup(joinGroup, AclOperation.read),
);

async function handleJoinGroup(
  request: JoinGroupRequest,
  context: RequestContext,
): Promise<JoinGroupResponse> {
  const response = await join(request, context);
  if (context.apiVersion >= FIRST_VERSION_WITH_NULL_PROTOCOL) return response;
  return { ...response, protocolName: response.protocolName ?? "" };
}

async function join(
  request: JoinGroupRequest,
  context: RequestContext,
): Promise<JoinGroupResponse> {
  const { groupId, memberId, sessionTimeoutMs } = request;
  const { config, groups } = context.broker;
  if (groupId === "") return failed(ErrorCode.INVALID_GROUP_ID, memberId);
  if (request.protocols.length > MAX_PROTOCOLS) return failed(ErrorCode.INVALID_REQUEST, memberId);
  const isTooShort = sessionTimeoutMs < config.get("group.min.session.timeout.ms");
  if (isTooShort || sessionTimeoutMs > config.get("group.max.session.timeout.ms")) {
    return failed(ErrorCode.INVALID_SESSION_TIMEOUT, memberId);
  }
  try {
    return await membership.joinGroup(
      groups.shardOf(groupId),
      request,
      groupClient(context),
      context.signal,
    );
  } catch (error) {
    return failed(groupErrorCode(error, context), memberId);
  }
}
