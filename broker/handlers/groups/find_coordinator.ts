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
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import {
  authorize,
  denialOf,
  inHandler,
  mayActAsBroker,
  mayDoOnCluster,
  rule,
} from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { TRANSACTIONS_TOPIC } from "../../transactions/transactions_topic.ts";
import { reachableBroker } from "../cluster/reachable_brokers.ts";
import { awaitEach, mapEach } from "../each_item.ts";
import { failure, type Outcome, SUCCESS } from "../outcome.ts";

interface Coordinator extends Outcome {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

const FIRST_VERSION_WITH_MANY_KEYS = 4;
const FIRST_VERSION_WITH_SHARE_GROUPS = 6;
/** What the key of a coordinator names. */
const RESOURCE_TYPES: ReadonlyMap<number, number> = new Map([
  [CoordinatorType.group, AclResourceType.group],
  [CoordinatorType.transaction, AclResourceType.transactionalId],
]);
const NO_NODE = { nodeId: -1, host: "", port: -1 };

/** Serves FindCoordinator. */
export const findCoordinatorHandler: ApiHandler = handler(
  findCoordinator,
  handleFindCoordinator,
  inHandler(
    rule(AclOperation.describe, AclResourceType.group, "item"),
    rule(AclOperation.describe, AclResourceType.transactionalId, "item"),
    rule(AclOperation.clusterAction, AclResourceType.cluster, "request"),
  ),
);

async function handleFindCoordinator(
  request: FindCoordinatorRequest,
  context: RequestContext,
): Promise<FindCoordinatorResponse> {
  const { keyType } = request;
  if (keyType === CoordinatorType.share && !mayActAsBroker(context)) {
    throw new ApiError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  }
  if (context.apiVersion < FIRST_VERSION_WITH_MANY_KEYS) {
    return mayFind(keyType, request.key, context)
      ? await find(keyType, request.key, context)
      : denied(keyType);
  }
  const allowed: string[] = [];
  const refused: string[] = [];
  await mapEach(request.coordinatorKeys, (key) => {
    (mayFind(keyType, key, context) ? allowed : refused).push(key);
  });
  const coordinators = allowed.length === 0 ? [] : await findAll(keyType, allowed, context);
  const denials = await mapEach(refused, (key) => ({ key, ...denied(keyType) }));
  return { coordinators: coordinators.concat(denials) };
}

/** Whether the client may know of a group or transactional id. */
function mayFind(keyType: number, key: string, context: RequestContext): boolean {
  const resourceType = RESOURCE_TYPES.get(keyType);
  if (resourceType === undefined) return true;
  // A broker asks so that the topic is created.
  if (key === "" && mayDoOnCluster(context, AclOperation.clusterAction)) return true;
  return authorize(context, AclOperation.describe, resourceType, key);
}

function denied(keyType: number): Coordinator {
  const error = new ApiError(denialOf(RESOURCE_TYPES.get(keyType)!));
  return { ...NO_NODE, errorCode: error.code, errorMessage: error.message };
}

async function findAll(
  keyType: number,
  keys: readonly string[],
  context: RequestContext,
): Promise<(Coordinator & { readonly key: string })[]> {
  const coordinator = coordinatorOf(keyType, context);
  if (coordinator !== undefined) {
    try {
      await coordinator.ensureTopic();
    } catch (error) {
      // An attempt for each of the keys would add up.
      const refused = { ...NO_NODE, ...failure(error, context) };
      return await mapEach(keys, (key) => ({ key, ...refused }));
    }
  }
  return await awaitEach(keys, async (key) => ({ key, ...await find(keyType, key, context) }));
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

function addressOf(id: number | undefined, context: RequestContext) {
  const node = id === undefined ? undefined : reachableBroker(id, context);
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
