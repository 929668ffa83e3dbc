/**
 * InitProducerId: gives a producer its id and epoch (KIP-98). Versions 0 to 5.
 *
 * Without a transactional id, every request gets a new id with epoch 0, whatever id and epoch the
 * producer had. With one, the producer takes it over from the instance before, whose open transaction is
 * aborted: until that is done the answer is CONCURRENT_TRANSACTIONS. A producer that gives the pair it has
 * continues after an error (KIP-360).
 *
 * Version 2 is flexible, 3 adds the producer's id and epoch (KIP-360), 4 can return PRODUCER_FENCED
 * (KIP-588), 5 TRANSACTION_ABORTABLE (KIP-890).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  initProducerId,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
} from "../../../protocol/messages/transactions/init_producer_id.ts";
import { ApiError } from "../../api_error.ts";
import {
  AclOperation,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../../protocol/messages/security/acl_types.ts";
import { check as checkAccess, inHandler, mayDoSomewhere, rule } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { failure } from "../outcome.ts";
import { producerErrorCode } from "./transactional_request.ts";

const NONE = -1;
const FIRST_VERSION_WITH_FENCED = 4;

/** Serves InitProducerId. */
export const initProducerIdHandler: ApiHandler = handler(
  initProducerId,
  handleInitProducerId,
  inHandler(
    rule(AclOperation.write, AclResourceType.transactionalId, "request"),
    rule(AclOperation.idempotentWrite, AclResourceType.cluster, "request"),
    rule(AclOperation.write, AclResourceType.topic, "instead"),
  ),
);

async function handleInitProducerId(
  request: InitProducerIdRequest,
  context: RequestContext,
): Promise<InitProducerIdResponse> {
  try {
    const { transactionalId } = request;
    authorizeProducer(transactionalId, context);
    check(request, context);
    if (transactionalId !== null) return await init(transactionalId, request, context);
    const producerId = await context.broker.producerIds.next();
    return { errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 };
  } catch (error) {
    return { ...failure(error, context), producerId: NONE, producerEpoch: NONE };
  }
}

/** @throws {ApiError} TRANSACTIONAL_ID_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED. */
function authorizeProducer(transactionalId: string | null, context: RequestContext): void {
  if (transactionalId !== null) {
    checkAccess(context, AclOperation.write, AclResourceType.transactionalId, transactionalId);
  } else if (!mayDoSomewhere(context, AclOperation.write, AclResourceType.topic)) {
    const { idempotentWrite } = AclOperation;
    checkAccess(context, idempotentWrite, AclResourceType.cluster, CLUSTER_RESOURCE);
  }
}

async function init(
  transactionalId: string,
  { transactionTimeoutMs, producerId, producerEpoch }: InitProducerIdRequest,
  { apiVersion, broker }: RequestContext,
): Promise<InitProducerIdResponse> {
  const producer = producerId === NONE ? undefined : { producerId, producerEpoch };
  const decided = await broker.transactions.initProducer(transactionalId, {
    timeoutMs: transactionTimeoutMs,
    producer,
  });
  return {
    errorCode: producerErrorCode(decided.errorCode, apiVersion, FIRST_VERSION_WITH_FENCED),
    producerId: decided.producerId,
    producerEpoch: decided.producerEpoch,
  };
}

function check(request: InitProducerIdRequest, { broker }: RequestContext): void {
  const { transactionalId, transactionTimeoutMs, producerId, producerEpoch } = request;
  if ((producerId === NONE) !== (producerEpoch === NONE)) {
    throw new ApiError(ErrorCode.INVALID_REQUEST);
  }
  if (transactionalId === null) return;
  if (transactionalId === "") throw new ApiError(ErrorCode.INVALID_REQUEST);
  const maxMs = broker.config.get("transaction.max.timeout.ms");
  if (transactionTimeoutMs <= 0 || transactionTimeoutMs > maxMs) {
    throw new ApiError(ErrorCode.INVALID_TRANSACTION_TIMEOUT);
  }
}
