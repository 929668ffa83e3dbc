/**
 * Asks the coordinator of a transaction before a batch opens it in a partition (KIP-890).
 *
 * A batch that arrives after its transaction has ended would otherwise open one that nobody ends, and
 * hold back all readers with `read_committed`. Before version 12 of Produce the producer has added the
 * partition to its transaction, which is verified, unless `transaction.partition.verification.enable` is
 * false. From then on it is added here, and that is durable
 * before the batch is appended. If the transaction is open in the log, nothing need be asked.
 *
 * @module
 */

import { ErrorCode, errorInfo } from "../../../protocol/errors.ts";
import type { RecordBatch } from "../../../protocol/records/mod.ts";
import type { UnverifiedTransactionError } from "../../../storage/errors.ts";
import type { Verification } from "../../../storage/log/producers/mod.ts";
import { ApiError } from "../../api_error.ts";
import type { RequestContext } from "../../handler.ts";
import type { Partition } from "../../topics/partition.ts";
import {
  FIRST_PRODUCE_WITH_TRANSACTION_V2,
  produceErrorOf,
} from "../../transactions/verification/client_errors.ts";
import { confirmed } from "../../transactions/verification/confirmed.ts";

/**
 * Makes sure that a partition belongs to the transaction of a batch.
 *
 * @returns What the append of the batch requires; `undefined` if it requires nothing. The promise
 * rejects with an `ApiError` if the coordinator refuses.
 * @throws {ApiError} TRANSACTIONAL_ID_AUTHORIZATION_FAILED.
 */
export function verifyTransaction(
  partition: Partition,
  batch: RecordBatch,
  transactionalId: string | null,
  context: RequestContext,
): Promise<Verification | undefined> | undefined {
  if (transactionalId === null) {
    throw new ApiError(
      ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      `Cannot append to "${partition}": the batch is transactional, the request has no transactional id`,
    );
  }
  // The append refuses it.
  if (!batch.hasProducerId) return undefined;
  const { producerId, producerEpoch, baseSequence } = batch;
  const start = () => partition.log.startVerification(producerId, producerEpoch, baseSequence);
  const verification = start();
  if (verification === undefined) return undefined;
  const isVerifyOnly = context.apiVersion < FIRST_PRODUCE_WITH_TRANSACTION_V2;
  if (isVerifyOnly && !isVerified(context)) return Promise.resolve(verification);
  return confirmed(
    verification,
    start,
    () => ask(partition, batch, transactionalId, context),
  );
}

/** Whether clients before KIP-890 are verified. */
export function isVerified({ broker: { config } }: RequestContext): boolean {
  return config.get("transaction.partition.verification.enable");
}

async function ask(
  { topic, index }: Partition,
  { producerId, producerEpoch }: RecordBatch,
  transactionalId: string,
  { apiVersion, broker: { verifier } }: RequestContext,
): Promise<void> {
  const isVerifyOnly = apiVersion < FIRST_PRODUCE_WITH_TRANSACTION_V2;
  const transaction = { transactionalId, producerId, producerEpoch, isVerifyOnly };
  const errorCode = await verifier.ensure(transaction, topic, index);
  if (errorCode === ErrorCode.NONE) return;
  throw new ApiError(
    produceErrorOf(errorCode, apiVersion),
    `Cannot append to "${topic}-${index}" in the transaction of "${transactionalId}": ` +
      errorInfo(errorCode).description,
  );
}

/** The error of a batch whose transaction ended after the coordinator was asked. */
export function unverified(error: UnverifiedTransactionError, apiVersion: number): ApiError {
  const errorCode = produceErrorOf(ErrorCode.INVALID_TXN_STATE, apiVersion);
  return new ApiError(errorCode, error.message, { cause: error });
}
