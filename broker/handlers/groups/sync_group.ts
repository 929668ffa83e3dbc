/**
 * SyncGroup: receives the leader's assignment and returns each member's part. Versions 0 to 5.
 *
 * The response is sent when the assignment is on disk.
 *
 * Version 3 adds static members (KIP-345), 4 is flexible, 5 adds protocol type and name, which must
 * match the group's (KIP-559).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  syncGroup,
  type SyncGroupRequest,
  type SyncGroupResponse,
} from "../../../protocol/messages/groups/sync_group.ts";
import { failed } from "../../groups/classic/sync.ts";
import * as membership from "../../groups/membership.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { groupErrorCode, ofGroup } from "./group_request.ts";

const FIRST_VERSION_WITH_PROTOCOL = 5;

/** Serves SyncGroup. */
export const syncGroupHandler: ApiHandler = handler(
  syncGroup,
  handleSyncGroup,
  ofGroup(syncGroup, AclOperation.read),
);

async function handleSyncGroup(
  request: SyncGroupRequest,
  context: RequestContext,
): Promise<SyncGroupResponse> {
  const { groupId, protocolType, protocolName } = request;
  const isProtocolMissing = protocolType === null || protocolName === null;
  if (context.apiVersion >= FIRST_VERSION_WITH_PROTOCOL && isProtocolMissing) {
    return failed(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  }
  if (groupId === "") return failed(ErrorCode.INVALID_GROUP_ID);
  try {
    return await membership.syncGroup(
      context.broker.groups.shardOf(groupId),
      request,
      context.signal,
    );
  } catch (error) {
    return failed(groupErrorCode(error, context));
  }
}
