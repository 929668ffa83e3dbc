/**
 * ConsumerGroupDescribe: state and members of KIP-848 groups. Versions 0 and 1.
 *
 * A classic group is GROUP_ID_NOT_FOUND, upon which clients ask DescribeGroups.
 *
 * Version 1 tells which protocol a member uses (KIP-1099).
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  consumerGroupDescribe,
  type ConsumerGroupDescribeRequest,
  type ConsumerGroupDescribeResponse,
} from "../../protocol/messages/consumer_group_describe.ts";
import { ApiError } from "../api_error.ts";
import { describeConsumerGroup } from "../groups/consumer/describe.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { checkConsumerProtocol, groupErrorCode, groupOperations } from "./group_request.ts";

type Described = ConsumerGroupDescribeResponse["groups"][number];

/** Serves ConsumerGroupDescribe. */
export const consumerGroupDescribeHandler: ApiHandler = handler(
  consumerGroupDescribe,
  handleConsumerGroupDescribe,
);

async function handleConsumerGroupDescribe(
  { groupIds, includeAuthorizedOperations }: ConsumerGroupDescribeRequest,
  context: RequestContext,
): Promise<ConsumerGroupDescribeResponse> {
  const authorizedOperations = groupOperations(includeAuthorizedOperations);
  const described = groupIds.map(async (groupId) => {
    try {
      return { ...await describe(groupId, context), authorizedOperations };
    } catch (error) {
      return failed(groupId, error, context);
    }
  });
  return { groups: await Promise.all(described) };
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

function failed(groupId: string, error: unknown, context: RequestContext): Described {
  return {
    errorCode: groupErrorCode(error, context),
    errorMessage: error instanceof ApiError ? error.message : null,
    groupId,
    groupState: "",
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: "",
    members: [],
  };
}
