/**
 * ListGroups: the groups that this broker coordinates. Versions 0 to 5.
 *
 * A group that is known by its offsets alone has protocol type "".
 *
 * Version 3 is flexible, 4 filters by state (KIP-518), 5 by type (KIP-848).
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  listGroups,
  type ListGroupsRequest,
  type ListGroupsResponse,
} from "../../protocol/messages/list_groups.ts";
import * as administration from "../groups/administration.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { groupErrorCode } from "./group_request.ts";

/** Serves ListGroups. */
export const listGroupsHandler: ApiHandler = handler(listGroups, handleListGroups);

function handleListGroups(
  request: ListGroupsRequest,
  context: RequestContext,
): ListGroupsResponse {
  try {
    const groups = context.broker.groups.shards.flatMap((shard) => {
      if (shard.hasFailed) return [];
      shard.ensureActive();
      return administration.listGroups(shard, request);
    });
    return { errorCode: ErrorCode.NONE, groups };
  } catch (error) {
    return { errorCode: groupErrorCode(error, context), groups: [] };
  }
}
