/**
 * What a record says that is no user's: a transaction marker, or the state of a transactional id. Kafka's
 * DumpLogSegments shows the former always, the latter with `--transaction-log-decoder`.
 *
 * @module
 */

import { STATE_NAMES } from "../../../../broker/transactions/model/mod.ts";
import {
  decodeTransactionRecord,
  UnknownTransactionRecordError,
} from "../../../../broker/transactions/records/transaction_record.ts";
import { MalformedMessageError } from "../../../../protocol/primitives/reader.ts";
import {
  CorruptRecordError,
  type EndTransactionMarker,
  readEndTransactionMarker,
  type Record as BatchRecord,
  type RecordBatch,
} from "../../../../protocol/records/mod.ts";
import type { Json } from "../../../records/json.ts";

/** The internal topic with the state of transactional ids. */
const TRANSACTION_TOPIC = "__transaction_state";

/** What a record says, as text and as JSON fields. */
export interface RecordMeaning {
  readonly text: string;
  readonly json: { readonly [name: string]: Json };
}

/** The marker in a control batch, if it has one that can be read. */
export function markerIn(batch: RecordBatch): EndTransactionMarker | undefined {
  if (!batch.isControl) return undefined;
  try {
    return readEndTransactionMarker(batch);
  } catch (error) {
    if (error instanceof CorruptRecordError) return undefined;
    throw error;
  }
}

/** A marker, in the words of Kafka's tool. */
export function markerMeaning({ isCommit, coordinatorEpoch }: EndTransactionMarker): RecordMeaning {
  const type = isCommit ? "COMMIT" : "ABORT";
  return {
    text: `endTxnMarker: ${type} coordinatorEpoch: ${coordinatorEpoch}`,
    json: { end_txn_marker: type, coordinator_epoch: coordinatorEpoch },
  };
}

/** What a record of a topic says; `undefined` if it is a user's, or cannot be read. */
export function meaningOf(topic: string, record: BatchRecord): RecordMeaning | undefined {
  if (topic !== TRANSACTION_TOPIC || record.key === null) return undefined;
  try {
    const { transactionalId, transaction } = decodeTransactionRecord(record.key, record.value);
    if (transaction === undefined) {
      return {
        text: `transactionalId: ${transactionalId} expired`,
        json: { transactional_id: transactionalId, transaction: null },
      };
    }
    const { producerId, producerEpoch, lastProducerEpoch, timeoutMs } = transaction;
    const state = STATE_NAMES[transaction.state]!;
    const partitions = Array.from(transaction.partitions)
      .flatMap(([topic, indexes]) => Array.from(indexes, (index) => `${topic}-${index}`));
    return {
      text: `transactionalId: ${transactionalId} producerId: ${producerId} ` +
        `producerEpoch: ${producerEpoch} state: ${state} partitions: [${partitions.join(", ")}] ` +
        `txnTimeoutMs: ${timeoutMs} txnLastUpdateTimestamp: ${transaction.updateMs}`,
      json: {
        transactional_id: transactionalId,
        transaction: {
          state,
          producer_id: producerId,
          producer_epoch: producerEpoch,
          last_producer_epoch: lastProducerEpoch,
          previous_producer_id: transaction.previousProducerId,
          next_producer_id: transaction.nextProducerId,
          timeout_ms: timeoutMs,
          partitions,
          start_timestamp: transaction.startMs,
          update_timestamp: transaction.updateMs,
          client_transaction_version: transaction.clientVersion,
        },
      },
    };
  } catch (error) {
    const isUnknown = error instanceof UnknownTransactionRecordError ||
      error instanceof MalformedMessageError;
    if (isUnknown) return undefined;
    throw error;
  }
}
