/**
 * ListGroups: the groups that this broker coordinates. Versions 0 to 5.
 *
 * A group that only has committed offsets has the protocol type "".
 *
 * Version 3 is flexible, 4 filters by state (KIP-518), 5 by type (KIP-848).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  listGroups,
  type ListGroupsRequest,
  type ListGroupsResponse,
} from "../../../protocol/messages/groups/list_groups.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { ResponseBudget } from "../response_budget.ts";
import * as administration from "../../groups/administration.ts";
import { AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { onlyShown } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { byName } from "../each_item.ts";
import { groupErrorCode } from "./group_request.ts";

/** Upper bound of the encoded size of a group, without its name. */
const GROUP_BYTES = 100;

/** Serves ListGroups. */
export const listGroupsHandler: ApiHandler = handler(
  listGroups,
  handleListGroups,
  onlyShown(listGroups, "groups", AclResourceType.group, ({ groupId }) => groupId, {
    orCluster: true,
  }),
);

async function handleListGroups(
  request: ListGroupsRequest,
  context: RequestContext,
): Promise<ListGroupsResponse> {
  try {
    const filter = {
      states: await wordsOf(request.statesFilter),
      types: await wordsOf(request.typesFilter),
    };
    const budget = new ResponseBudget(context);
    const groups: NonNullable<ListGroupsResponse["groups"]>[number][] = [];
    const slice = new TimeSlice();
    for (const shard of context.broker.groups.shards) {
      if (shard.hasFailed) continue;
      shard.ensureActive();
      for (const group of administration.listGroups(shard, filter)) {
        budget.require(GROUP_BYTES + 3 * group.groupId.length);
        groups.push(group);
        if (slice.isOver) await slice.pause();
      }
    }
    return { errorCode: ErrorCode.NONE, groups };
  } catch (error) {
    return { errorCode: groupErrorCode(error, context), groups: [] };
  }
}

/** The values of a filter, which are compared case-insensitively. */
function wordsOf(filter: readonly string[]): Promise<administration.Words> {
  return byName(filter, (word) => word.trim().toLowerCase());
}
