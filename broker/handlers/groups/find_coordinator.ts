/**
 * FindCoordinator: the coordinator of a group, a transactional id or a share partition. Versions 0
 * to 6.
 *
 * A group is coordinated by the leader of its partition of `__consumer_offsets`, a transactional id by
 * that of its partition of `__transaction_state`; the topic is created when a coordinator is first
 * requested. Clients retry COORDINATOR_NOT_AVAILABLE until their timeout, so share partitions are refused
 * with UNSUPPORTED_VERSION, which clients treat as fatal.
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
import { TRANSACTIONS_TOPIC } from "../../transactions/transactions_topic.ts";
import { awaitEach, mapEach } from "../each_item.ts";
import { failure, type Outcome, SUCCESS } from "../outcome.ts";

interface Coordinator extends Outcome {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

const FIRST_VERSION_WITH_MANY_KEYS = 4;
const FIRST_VERSION_WITH_SHARE_GROUPS = 6;
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
  const coordinator = coordinatorOf(keyType, context);
  if (coordinator !== undefined) {
    try {
      await coordinator.ensureTopic();
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

/** What coordinates, and the topic that it keeps its state in. */
function coordinatorOf(keyType: number, { broker: { groups, transactions } }: RequestContext) {
  switch (keyType) {
    case CoordinatorType.group:
      return groups;
    case CoordinatorType.transaction:
      return transactions;
  }
}

async function find(keyType: number, key: string, context: RequestContext): Promise<Coordinator> {
  const coordinator = coordinatorOf(keyType, context);
  if (coordinator === undefined) {
    return { ...NO_NODE, ...refusal(keyType, context.apiVersion) };
  }
  const topic = keyType === CoordinatorType.group ? OFFSETS_TOPIC : TRANSACTIONS_TOPIC;
  try {
    const index = await coordinator.findPartition(key);
    const leaderId = context.broker.cluster.topic(topic)?.partitions[index]?.leaderId;
    return { ...SUCCESS, ...addressOf(leaderId, context) };
  } catch (error) {
    return { ...NO_NODE, ...failure(error, context) };
  }
}

function addressOf(id: number | undefined, { broker: { cluster } }: RequestContext) {
  const node = id === undefined ? undefined : cluster.broker(id);
  if (node === undefined) throw new ApiError(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  return { nodeId: node.id, host: node.host, port: node.port };
}

function refusal(keyType: number, apiVersion: number): Outcome {
  if (keyType === CoordinatorType.share && apiVersion >= FIRST_VERSION_WITH_SHARE_GROUPS) {
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
