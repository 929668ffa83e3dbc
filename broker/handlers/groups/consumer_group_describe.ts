/**
 * ConsumerGroupDescribe: state and members of KIP-848 groups. Versions 0 and 1.
 *
 * A classic group is GROUP_ID_NOT_FOUND, after which clients use DescribeGroups.
 *
 * Version 1 reports the protocol that each member uses (KIP-1099).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  consumerGroupDescribe,
  type ConsumerGroupDescribeRequest,
  type ConsumerGroupDescribeResponse,
} from "../../../protocol/messages/groups/consumer_group_describe.ts";
import { ResponseBudget } from "../response_budget.ts";
import { ApiError } from "../../api_error.ts";
import { describeConsumerGroup } from "../../groups/consumer/describe.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { all, authorize, eachItem, inHandler, rule } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { awaitEach } from "../each_item.ts";
import { checkConsumerProtocol, groupErrorCode, requestedOperations } from "./group_request.ts";

type Described = ConsumerGroupDescribeResponse["groups"][number];

/** Groups described concurrently, each of which may have very many members. */
const GROUPS_AT_ONCE = 16;
/** Upper bounds of the encoded sizes of a group, member and topic, without names and partitions. */
const GROUP_BYTES = 100;

/** Serves ConsumerGroupDescribe. */
export const consumerGroupDescribeHandler: ApiHandler = handler(
  consumerGroupDescribe,
  handleConsumerGroupDescribe,
  all(
    eachItem(consumerGroupDescribe, "groupIds", "groups", {
      operation: AclOperation.describe,
      resourceType: AclResourceType.group,
      nameOf: (groupId) => groupId,
      denied: (groupId, errorCode) => failed(groupId, errorCode),
    }),
    inHandler(rule(AclOperation.describe, AclResourceType.topic, "item")),
  ),
);

async function handleConsumerGroupDescribe(
  { groupIds, includeAuthorizedOperations }: ConsumerGroupDescribeRequest,
  context: RequestContext,
): Promise<ConsumerGroupDescribeResponse> {
  const budget = new ResponseBudget(context);
  const describeOne = async (groupId: string, fits: boolean): Promise<Described> => {
    try {
      if (!fits) throw budget.refusal();
      const described = await describe(groupId, context);
      checkTopics(described, context);
      const authorizedOperations = requestedOperations(
        includeAuthorizedOperations,
        groupId,
        context,
      );
      return { ...described, authorizedOperations };
    } catch (error) {
      const message = error instanceof ApiError ? error.message : null;
      return failed(groupId, groupErrorCode(error, context), message);
    }
  };
  // Each group is described once for its size and discarded, so that only the response uses memory.
  const fits = await awaitEach(
    groupIds,
    async (groupId) => budget.reserve(sizeOf(await describeOne(groupId, true))),
    GROUPS_AT_ONCE,
  );
  await budget.claim();
  let index = 0;
  const described = await awaitEach(
    groupIds,
    (groupId) => describeOne(groupId, fits[index++]!),
    GROUPS_AT_ONCE,
  );
  return { groups: described };
}

/** Upper bound of the encoded size of a group. */
function sizeOf({ groupId, members }: Described): number {
  let size = GROUP_BYTES + 3 * groupId.length;
  for (const member of members) {
    const { memberId, clientId, subscribedTopicNames, assignment, targetAssignment } = member;
    size += GROUP_BYTES + 3 * (memberId.length + clientId.length);
    for (const name of subscribedTopicNames) size += name.length + 3;
    for (const { topicPartitions } of [assignment, targetAssignment]) {
      for (const { topicName, partitions } of topicPartitions) {
        size += GROUP_BYTES + topicName.length + 4 * partitions.length;
      }
    }
  }
  return size;
}

async function describe(groupId: string, context: RequestContext): Promise<Described> {
  checkConsumerProtocol(context);
  if (groupId === "") throw new ApiError(ErrorCode.INVALID_GROUP_ID, "The group id is invalid.");
  const shard = context.broker.groups.shardOf(groupId);
  await shard.stable(groupId);
  const described = describeConsumerGroup(shard, groupId);
  if (described !== undefined) return described;
  throw new ApiError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`);
}

/** A group is not described to clients that may not know of one of its topics. */
function checkTopics({ members }: Described, context: RequestContext): void {
  if (context.broker.authorizer.isOpen) return;
  const names = new Set<string>();
  for (const { assignment, targetAssignment } of members) {
    for (const { topicPartitions } of [assignment, targetAssignment]) {
      for (const { topicName } of topicPartitions) names.add(topicName);
    }
  }
  for (const name of names) {
    if (authorize(context, AclOperation.describe, AclResourceType.topic, name)) continue;
    throw new ApiError(
      ErrorCode.TOPIC_AUTHORIZATION_FAILED,
      "The group has described topic(s) that the client is not authorized to describe.",
    );
  }
}

function failed(
  groupId: string,
  errorCode: number,
  errorMessage: string | null = null,
): Described {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: "",
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: "",
    members: [],
  };
}
