/**
 * Heartbeat: keeps a member of a classic group alive and notifies it of rebalances. Versions 0 to
 * 4.
 *
 * While groups are being loaded, every heartbeat succeeds: sessions start when loading is complete.
 *
 * Version 3 adds static members (KIP-345), 4 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  heartbeat,
  type HeartbeatRequest,
  type HeartbeatResponse,
} from "../../../protocol/messages/groups/heartbeat.ts";
import * as membership from "../../groups/membership.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { groupErrorCode, ofGroup } from "./group_request.ts";

/** Serves Heartbeat. */
export const heartbeatHandler: ApiHandler = handler(
  heartbeat,
  handleHeartbeat,
  ofGroup(heartbeat, AclOperation.read),
);

function handleHeartbeat(request: HeartbeatRequest, context: RequestContext): HeartbeatResponse {
  const { groupId } = request;
  if (groupId === "") return { errorCode: ErrorCode.INVALID_GROUP_ID };
  try {
    return { errorCode: membership.heartbeat(context.broker.groups.shardOf(groupId), request) };
  } catch (error) {
    const errorCode = groupErrorCode(error, context);
    const isLoading = errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
    return { errorCode: isLoading ? ErrorCode.NONE : errorCode };
  }
}
