/**
 * InitProducerId: allocates an id for an idempotent producer (KIP-98). Versions 0 to 5.
 *
 * Without a transactional id, every request gets a new id with epoch 0, whatever id and epoch the
 * producer had. There are no transactions yet: a transactional id is refused with
 * INVALID_TXN_STATE, which every client treats as fatal and reports in terms of transactions,
 * whereas "no coordinator" would be retried until the timeout.
 *
 * Version 2 is flexible, 3 adds the producer's id and epoch (KIP-360), 4 can return PRODUCER_FENCED
 * (KIP-588).
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
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { failure } from "../outcome.ts";

const NONE = -1;

/** Serves InitProducerId. */
export const initProducerIdHandler: ApiHandler = handler(initProducerId, handleInitProducerId);

async function handleInitProducerId(
  request: InitProducerIdRequest,
  context: RequestContext,
): Promise<InitProducerIdResponse> {
  try {
    check(request);
    const producerId = await context.broker.producerIds.next();
    return { errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 };
  } catch (error) {
    return { ...failure(error, context), producerId: NONE, producerEpoch: NONE };
  }
}

function check({ transactionalId, producerId, producerEpoch }: InitProducerIdRequest): void {
  if ((producerId === NONE) !== (producerEpoch === NONE)) {
    throw new ApiError(ErrorCode.INVALID_REQUEST);
  }
  if (transactionalId === "") throw new ApiError(ErrorCode.INVALID_REQUEST);
  if (transactionalId !== null) {
    throw new ApiError(ErrorCode.INVALID_TXN_STATE);
  }
}
