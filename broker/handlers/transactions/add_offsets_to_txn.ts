/**
 * AddOffsetsToTxn: makes a group's committed offsets part of a transaction (KIP-98). Versions 0 to 4.
 *
 * What is added is the partition of `__consumer_offsets` that the group belongs to. Version 2 can return
 * PRODUCER_FENCED (KIP-588), 3 is flexible, 4 can return TRANSACTION_ABORTABLE (KIP-890).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  addOffsetsToTxn,
  type AddOffsetsToTxnRequest,
  type AddOffsetsToTxnResponse,
} from "../../../protocol/messages/transactions/add_offsets_to_txn.ts";
import { OFFSETS_TOPIC } from "../../groups/offsets_topic.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { all, ofRequest } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { failure } from "../outcome.ts";
import { producerErrorCode } from "./transactional_request.ts";

const FIRST_VERSION_WITH_FENCED = 2;

/** Serves AddOffsetsToTxn. */
export const addOffsetsToTxnHandler: ApiHandler = handler(
  addOffsetsToTxn,
  handleAddOffsetsToTxn,
  all(
    ofRequest(
      addOffsetsToTxn,
      AclOperation.write,
      AclResourceType.transactionalId,
      ({ transactionalId }) => transactionalId,
    ),
    ofRequest(
      addOffsetsToTxn,
      AclOperation.read,
      AclResourceType.group,
      ({ groupId }) => groupId,
    ),
  ),
);

async function handleAddOffsetsToTxn(
  { transactionalId, producerId, producerEpoch, groupId }: AddOffsetsToTxnRequest,
  context: RequestContext,
): Promise<AddOffsetsToTxnResponse> {
  const { apiVersion, broker: { groups, transactions } } = context;
  if (transactionalId === "") return { errorCode: ErrorCode.INVALID_REQUEST };
  try {
    const errorCode = await transactions.addPartitions({
      transactionalId,
      producerId,
      producerEpoch,
      partitions: [{ topic: OFFSETS_TOPIC, index: await groups.findPartition(groupId) }],
      isTransactionV2: false,
    });
    return { errorCode: producerErrorCode(errorCode, apiVersion, FIRST_VERSION_WITH_FENCED) };
  } catch (error) {
    return { errorCode: failure(error, context).errorCode };
  }
}
