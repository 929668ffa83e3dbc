/**
 * ConsumerGroupHeartbeat: joins and leaves a KIP-848 group, keeps the membership alive, and returns
 * the assignment. Versions 0 and 1.
 *
 * Differences from Kafka: a regular expression is resolved with the heartbeat that brings it, not
 * asynchronously; it never matches internal topics; a static member may return with its previous
 * member id.
 *
 * In version 1 the client generates its member id (KIP-1082) and can subscribe by regular
 * expression.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  consumerGroupHeartbeat,
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponse,
} from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { ApiError } from "../../api_error.ts";
import { consumerHeartbeat, MAX_TOPICS } from "../../groups/consumer/heartbeat.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { all, check, inHandler, rule } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { checkConsumerProtocol, groupClient, groupErrorCode, ofGroup } from "./group_request.ts";

type Request = ConsumerGroupHeartbeatRequest;
type Response = ConsumerGroupHeartbeatResponse;

/** Serves ConsumerGroupHeartbeat. */
export const consumerGroupHeartbeatHandler: ApiHandler = handler(
  consumerGroupHeartbeat,
  beat,
  all(
    ofGroup(consumerGroupHeartbeat, AclOperation.read),
    inHandler(
      rule(AclOperation.describe, AclResourceType.topic, "request"),
      rule(AclOperation.describe, AclResourceType.topic, "shown"),
    ),
  ),
);

function beat(request: Request, context: RequestContext): Response | Promise<Response> {
  const { groupId } = request;
  try {
    checkConsumerProtocol(context);
    if (groupId === "") {
      throw new ApiError(ErrorCode.INVALID_REQUEST, "GroupId can't be empty.");
    }
    checkTopics(request, context);
    const shard = context.broker.groups.shardOf(groupId);
    const answer = consumerHeartbeat(shard, request, groupClient(context));
    return answer instanceof Promise ? answer.catch((error) => failed(error, context)) : answer;
  } catch (error) {
    return failed(error, context);
  }
}

/** @throws {ApiError} TOPIC_AUTHORIZATION_FAILED if the client may not know of a topic that it names. */
function checkTopics({ subscribedTopicNames }: Request, context: RequestContext): void {
  const names = subscribedTopicNames ?? [];
  // Too many are refused whichever they are.
  if (context.broker.authorizer.isOpen || names.length > MAX_TOPICS) return;
  for (const name of names) {
    check(context, AclOperation.describe, AclResourceType.topic, name);
  }
}

function failed(error: unknown, context: RequestContext): Response {
  return {
    errorCode: groupErrorCode(error, context),
    errorMessage: error instanceof ApiError ? error.message : null,
    memberEpoch: 0,
    heartbeatIntervalMs: 0,
  };
}
