/**
 * FindCoordinator: the coordinator of a group, a transactional id or a share partition. Versions 0
 * to 6.
 *
 * A group is coordinated by the leader of its partition of `__consumer_offsets`; the topic is
 * created when a coordinator is first requested. Clients retry COORDINATOR_NOT_AVAILABLE until
 * their timeout, so unsupported coordinators are refused with errors that clients treat as fatal:
 * share partitions with UNSUPPORTED_VERSION, transactional ids with INVALID_TXN_STATE. The message
 * says what is missing.
 *
 * Before version 4 clients do not see such errors: librdkafka retries every unexpected error, and
 * kafkajs hides them all. They are directed to this broker, where InitProducerId refuses the id
 * with an error that they report.
 *
 * Version 1 adds transactional ids, 3 is flexible, 4 accepts several keys (KIP-699), 6 adds share
 * partitions (KIP-932).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  CoordinatorType,
  findCoordinator,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
} from "../../../protocol/messages/groups/find_coordinator.ts";
import { ApiError } from "../../api_error.ts";
import { OFFSETS_TOPIC } from "../../groups/offsets_topic.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { awaitEach, mapEach } from "../each_item.ts";
import { failure, type Outcome, SUCCESS } from "../outcome.ts";

interface Coordinator extends Outcome {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

const FIRST_VERSION_WITH_MANY_KEYS = 4;
const FIRST_VERSION_WITH_SHARE_GROUPS = 6;
const NO_TRANSACTIONS =
  "This broker has no transactions: use a producer without a transactional id";
const NO_NODE = { nodeId: -1, host: "", port: -1 };

/** Serves FindCoordinator. */
export const findCoordinatorHandler: ApiHandler = handler(findCoordinator, handleFindCoordinator);

async function handleFindCoordinator(
  request: FindCoordinatorRequest,
  context: RequestContext,
): Promise<FindCoordinatorResponse> {
  const { keyType } = request;
  if (context.apiVersion < FIRST_VERSION_WITH_MANY_KEYS) {
    return await find(keyType, request.key, context);
  }
  if (keyType === CoordinatorType.group) {
    try {
      await context.broker.groups.ensureTopic();
    } catch (error) {
      // An attempt for each of the keys would add up.
      const refused = { ...NO_NODE, ...failure(error, context) };
      return {
        coordinators: await mapEach(request.coordinatorKeys, (key) => ({ key, ...refused })),
      };
    }
  }
  const coordinators = await awaitEach(request.coordinatorKeys, async (key) => ({
    key,
    ...await find(keyType, key, context),
  }));
  return { coordinators };
}

async function find(keyType: number, key: string, context: RequestContext): Promise<Coordinator> {
  const isOldClient = context.apiVersion < FIRST_VERSION_WITH_MANY_KEYS;
  if (keyType === CoordinatorType.transaction && isOldClient) {
    return { ...SUCCESS, ...addressOf(context.broker.nodeId, context) };
  }
  if (keyType !== CoordinatorType.group) {
    return { ...NO_NODE, ...refusal(keyType, context.apiVersion) };
  }
  try {
    return { ...SUCCESS, ...await findGroupCoordinator(key, context) };
  } catch (error) {
    return { ...NO_NODE, ...failure(error, context) };
  }
}

async function findGroupCoordinator(groupId: string, context: RequestContext) {
  const { cluster, groups } = context.broker;
  const index = await groups.findPartition(groupId);
  const leaderId = cluster.topic(OFFSETS_TOPIC)?.partitions[index]?.leaderId;
  return addressOf(leaderId, context);
}

function addressOf(id: number | undefined, { broker: { cluster } }: RequestContext) {
  const node = id === undefined ? undefined : cluster.broker(id);
  if (node === undefined) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  return { nodeId: node.id, host: node.host, port: node.port };
}

function refusal(keyType: number, apiVersion: number): Outcome {
  switch (keyType) {
    case CoordinatorType.transaction:
      return {
        errorCode: ErrorCode.INVALID_TXN_STATE,
        errorMessage: NO_TRANSACTIONS,
      };
    case CoordinatorType.share:
      if (apiVersion < FIRST_VERSION_WITH_SHARE_GROUPS) break;
      return {
        errorCode: ErrorCode.UNSUPPORTED_VERSION,
        errorMessage: "This broker has no share groups",
      };
  }
  return {
    errorCode: ErrorCode.INVALID_REQUEST,
    errorMessage: `Cannot find coordinator: key type ${keyType} is unknown in this version`,
  };
}
