/**
 * DescribeGroups: state and members of classic groups. Versions 0 to 6.
 *
 * A group that does not exist or uses KIP-848 is reported as dead, from version 6 with
 * GROUP_ID_NOT_FOUND (KIP-1043).
 *
 * Version 3 adds authorized operations (KIP-430), 4 static members (KIP-345), 5 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  describeGroups,
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
} from "../../../protocol/messages/groups/describe_groups.ts";
import { describeGroup } from "../../groups/administration.ts";
import { ResponseBudget } from "../response_budget.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { eachItem } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { mapEach } from "../each_item.ts";
import { groupErrorCode, requestedOperations } from "./group_request.ts";

type Described = DescribeGroupsResponse["groups"][number];

const FIRST_VERSION_WITH_NOT_FOUND = 6;

/** Upper bounds of the encoded sizes of a group and a member, without names and bytes. */
const GROUP_BYTES = 100;

/** Serves DescribeGroups. */
export const describeGroupsHandler: ApiHandler = handler(
  describeGroups,
  handleDescribeGroups,
  eachItem(describeGroups, "groups", "groups", {
    operation: AclOperation.describe,
    resourceType: AclResourceType.group,
    nameOf: (groupId) => groupId,
    denied: (groupId, errorCode) => ({ ...nothing(groupId), errorCode }),
  }),
);

async function handleDescribeGroups(
  { groups, includeAuthorizedOperations }: DescribeGroupsRequest,
  context: RequestContext,
): Promise<DescribeGroupsResponse> {
  const budget = new ResponseBudget(context);
  // Each group is described once for its size and discarded, so that only the response uses memory.
  const fits = await mapEach(
    groups,
    (groupId) => budget.reserve(sizeOf(describe(groupId, context))),
  );
  await budget.claim();
  let index = 0;
  const described = await mapEach(groups, (groupId) => {
    const group = describe(groupId, context, fits[index++]);
    if (group.errorCode !== ErrorCode.NONE) return group;
    const authorizedOperations = requestedOperations(
      includeAuthorizedOperations,
      groupId,
      context,
    );
    return { ...group, authorizedOperations };
  });
  return { groups: described };
}

/** Upper bound of the encoded size of a group. */
function sizeOf({ groupId, members = [] }: Described): number {
  let size = GROUP_BYTES + 3 * groupId.length;
  for (const { memberId, clientId, memberMetadata, memberAssignment } of members) {
    size += GROUP_BYTES + 3 * (memberId.length + clientId.length) + memberMetadata.length +
      memberAssignment.length;
  }
  return size;
}

function describe(groupId: string, context: RequestContext, fits = true): Described {
  const none = nothing(groupId);
  try {
    if (!fits) throw new ResponseBudget(context).refusal();
    const described = describeGroup(context.broker.groups.shardOf(groupId), groupId);
    if (described !== undefined) return described;
    const dead = { ...none, groupState: "Dead" };
    if (context.apiVersion < FIRST_VERSION_WITH_NOT_FOUND) {
      return { ...dead, errorCode: ErrorCode.NONE };
    }
    const errorMessage = `Group ${groupId} not found.`;
    return { ...dead, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage };
  } catch (error) {
    return { ...none, errorCode: groupErrorCode(error, context) };
  }
}

function nothing(groupId: string): Omit<Described, "errorCode"> {
  return { groupId, groupState: "", protocolType: "", protocolData: "" };
}
