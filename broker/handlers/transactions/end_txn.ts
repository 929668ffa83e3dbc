/**
 * EndTxn: commits or aborts a transaction (KIP-98). Versions 0 to 5.
 *
 * The answer is given when the decision is committed; the markers that make it visible follow. Version 2
 * can return PRODUCER_FENCED (KIP-588), 3 is flexible, 4 can return TRANSACTION_ABORTABLE. Version 5
 * (KIP-890) returns the id and epoch for the next transaction.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  endTxn,
  type EndTxnRequest,
  type EndTxnResponse,
} from "../../../protocol/messages/transactions/end_txn.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { ofRequest } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { producerErrorCode } from "./transactional_request.ts";

const FIRST_VERSION_WITH_FENCED = 2;
const FIRST_VERSION_OF_TRANSACTION_V2 = 5;

/** Serves EndTxn. */
export const endTxnHandler: ApiHandler = handler(
  endTxn,
  handleEndTxn,
  ofRequest(
    endTxn,
    AclOperation.write,
    AclResourceType.transactionalId,
    ({ transactionalId }) => transactionalId,
  ),
);

async function handleEndTxn(
  { transactionalId, producerId, producerEpoch, committed }: EndTxnRequest,
  { apiVersion, broker: { transactions } }: RequestContext,
): Promise<EndTxnResponse> {
  if (transactionalId === "") return { errorCode: ErrorCode.INVALID_REQUEST };
  const isTransactionV2 = apiVersion >= FIRST_VERSION_OF_TRANSACTION_V2;
  const { errorCode, ...next } = await transactions.endTransaction(transactionalId, {
    producerId,
    producerEpoch,
    isCommit: committed,
    isTransactionV2,
  });
  return {
    errorCode: producerErrorCode(errorCode, apiVersion, FIRST_VERSION_WITH_FENCED),
    ...(isTransactionV2 ? { producerId: next.producerId, producerEpoch: next.producerEpoch } : {}),
  };
}
