/**
 * Asks a transaction coordinator on another broker, with AddPartitionsToTxn.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { addPartitionsToTxn } from "../../../protocol/messages/transactions/add_partitions_to_txn.ts";
import type { Peer, Peers } from "../../peers/peers.ts";
import type { TransactionRequest } from "./transaction_request.ts";

const VERSION = 5;
/** The coordinator writes what it adds, and answers when that is on the disks of its replicas. */
const TIMEOUT_MS = 10_000;

/**
 * Asks the coordinator of some transactions, each of which has another transactional id.
 *
 * @returns For each request the error codes of its partitions, in their order.
 * @throws {PeerUnreachableError} If the request was not sent.
 * @throws {PeerAnswerLostError} If it was sent and no response arrived.
 */
export async function askCoordinator(
  peers: Pick<Peers, "request">,
  broker: Peer,
  requests: readonly TransactionRequest[],
): Promise<number[][]> {
  const { errorCode = ErrorCode.NONE, resultsByTransaction } = await peers.request(
    broker,
    addPartitionsToTxn,
    VERSION,
    { transactions: requests.map(transactionOf) },
    TIMEOUT_MS,
  );
  const results = new Map(
    resultsByTransaction.map(({ transactionalId, topicResults }) => [
      transactionalId,
      new Map(
        topicResults.flatMap(({ name, resultsByPartition }) =>
          resultsByPartition.map(({ partitionIndex, partitionErrorCode }) => [
            `${name}-${partitionIndex}`,
            partitionErrorCode,
          ])
        ),
      ),
    ]),
  );
  const missing = errorCode === ErrorCode.NONE ? ErrorCode.UNKNOWN_SERVER_ERROR : errorCode;
  return requests.map(({ transactionalId, partitions }) => {
    const codes = results.get(transactionalId);
    return partitions.map(({ topic, index }) => codes?.get(`${topic}-${index}`) ?? missing);
  });
}

function transactionOf(request: TransactionRequest) {
  const { transactionalId, producerId, producerEpoch, isVerifyOnly, partitions } = request;
  const topics = Map.groupBy(partitions, ({ topic }) => topic);
  return {
    transactionalId,
    producerId,
    producerEpoch,
    verifyOnly: isVerifyOnly,
    topics: Array.from(topics, ([name, of]) => ({
      name,
      partitions: of.map(({ index }) => index),
    })),
  };
}
