/**
 * DeleteGroups: deletes empty groups and their offsets (KIP-229). Versions 0 to 2.
 *
 * The response is sent when the deletion is on disk. Version 2 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  deleteGroups,
  type DeleteGroupsRequest,
  type DeleteGroupsResponse,
} from "../../../protocol/messages/groups/delete_groups.ts";
import { deleteGroup } from "../../groups/administration.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { eachItem } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { awaitEach, byName } from "../each_item.ts";
import { groupErrorCode } from "./group_request.ts";

/** Serves DeleteGroups. */
export const deleteGroupsHandler: ApiHandler = handler(
  deleteGroups,
  handleDeleteGroups,
  eachItem(deleteGroups, "groupsNames", "results", {
    operation: AclOperation.delete,
    resourceType: AclResourceType.group,
    nameOf: (groupId) => groupId,
    denied: (groupId, errorCode) => ({ groupId, errorCode }),
  }),
);

async function handleDeleteGroups(
  { groupsNames }: DeleteGroupsRequest,
  context: RequestContext,
): Promise<DeleteGroupsResponse> {
  const groupIds = [...(await byName(groupsNames, (groupId) => groupId)).keys()];
  const results = await awaitEach(groupIds, async (groupId) => ({
    groupId,
    errorCode: await remove(groupId, context),
  }));
  return { results };
}

async function remove(groupId: string, context: RequestContext): Promise<number> {
  try {
    await deleteGroup(context.broker.groups.shardOf(groupId), groupId);
    return ErrorCode.NONE;
  } catch (error) {
    return groupErrorCode(error, context);
  }
}
