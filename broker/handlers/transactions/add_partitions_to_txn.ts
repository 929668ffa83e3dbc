/**
 * AddPartitionsToTxn: makes partitions part of a transaction, or verifies that they are (KIP-98). Versions
 * 0 to 5.
 *
 * If any partition does not exist, none is added: the others get OPERATION_NOT_ATTEMPTED.
 *
 * Version 2 can return PRODUCER_FENCED (KIP-588), 3 is flexible. From version 4 (KIP-890) brokers ask for
 * many transactions at once, also to verify without adding; a client that sends it is served, too. What it
 * adds in version 5 is for a producer that bumps its epoch with every transaction. While the last one is
 * being ended, the answer waits for a moment, so that the broker that asks need not ask again.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  addPartitionsToTxn,
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
} from "../../../protocol/messages/transactions/add_partitions_to_txn.ts";
import { ApiError } from "../../api_error.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { authorize, check, inHandler, mayActAsBroker, rule } from "../access/mod.ts";
import {
  type ApiHandler,
  type BrokerContext,
  handler,
  type RequestContext,
} from "../../handler.ts";
import type { TopicPartition } from "../../transactions/model/mod.ts";
import type { PartitionsRequest } from "../../transactions/transaction_coordinator.ts";
import { pauseUntilSettled } from "../../transactions/verification/pause_until_settled.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { awaitEach, mapEach, mapNested } from "../each_item.ts";
import { producerErrorCode } from "./transactional_request.ts";

type TopicRequest = AddPartitionsToTxnRequest["v3AndBelowTopics"][number];
type TopicResult = NonNullable<AddPartitionsToTxnResponse["resultsByTopicV3AndBelow"]>[number];

const FIRST_VERSION_WITH_FENCED = 2;
const FIRST_VERSION_WITH_MANY_TRANSACTIONS = 4;
const FIRST_VERSION_OF_TRANSACTION_V2 = 5;
/** Size of a partition in the response. */
const PARTITION_BYTES = 8;

/** Serves AddPartitionsToTxn. */
export const addPartitionsToTxnHandler: ApiHandler = handler(
  addPartitionsToTxn,
  handleAddPartitionsToTxn,
  inHandler(
    rule(AclOperation.clusterAction, AclResourceType.cluster, "request"),
    rule(AclOperation.write, AclResourceType.transactionalId, "request"),
    rule(AclOperation.write, AclResourceType.topic, "item"),
  ),
);

async function handleAddPartitionsToTxn(
  request: AddPartitionsToTxnRequest,
  context: RequestContext,
): Promise<AddPartitionsToTxnResponse> {
  authorizeRequest(request, context);
  const { transactions, v3AndBelowTopics } = request;
  const bytes = sumOf(v3AndBelowTopics, bytesOf) +
    sumOf(
      transactions,
      ({ transactionalId, topics }) => textBytes(transactionalId) + sumOf(topics, bytesOf),
    );
  await claimResponseMemory(bytes, context);
  if (context.apiVersion < FIRST_VERSION_WITH_MANY_TRANSACTIONS) {
    const transaction = {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      isVerifyOnly: false,
      isTransactionV2: false,
    };
    return { resultsByTopicV3AndBelow: await resultsOf(transaction, v3AndBelowTopics, context) };
  }
  const isTransactionV2 = context.apiVersion >= FIRST_VERSION_OF_TRANSACTION_V2;
  const resultsByTransaction = await awaitEach(
    transactions,
    async ({ transactionalId, producerId, producerEpoch, verifyOnly: isVerifyOnly, topics }) => {
      const transaction = {
        transactionalId,
        producerId,
        producerEpoch,
        isVerifyOnly,
        isTransactionV2,
      };
      return { transactionalId, topicResults: await resultsOf(transaction, topics, context) };
    },
  );
  return { resultsByTransaction };
}

/** @throws {ApiError} CLUSTER_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_AUTHORIZATION_FAILED. */
function authorizeRequest(request: AddPartitionsToTxnRequest, context: RequestContext): void {
  if (context.apiVersion >= FIRST_VERSION_WITH_MANY_TRANSACTIONS) {
    if (!mayActAsBroker(context)) throw new ApiError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
  } else {
    const { v3AndBelowTransactionalId: id } = request;
    check(context, AclOperation.write, AclResourceType.transactionalId, id);
  }
}

/** The topics that a client may not write to. Brokers may add any. */
async function deniedTopics(
  topics: readonly TopicRequest[],
  context: RequestContext,
): Promise<ReadonlySet<string>> {
  const denied = new Set<string>();
  const isOfBroker = context.apiVersion >= FIRST_VERSION_WITH_MANY_TRANSACTIONS;
  if (isOfBroker || context.broker.authorizer.isOpen) return denied;
  await mapEach(topics, ({ name }) => {
    if (!authorize(context, AclOperation.write, AclResourceType.topic, name)) denied.add(name);
  });
  return denied;
}

/** Size of a topic in the response. */
function bytesOf(
  { name, partitions }: { readonly name: string; readonly partitions: readonly unknown[] },
): number {
  return textBytes(name) + partitions.length * PARTITION_BYTES;
}

const partitionsOf = ({ partitions }: TopicRequest) => partitions;

async function resultsOf(
  transaction: Omit<PartitionsRequest, "partitions">,
  topics: readonly TopicRequest[],
  context: RequestContext,
): Promise<TopicResult[]> {
  const { broker } = context;
  // A client may list a partition repeatedly.
  const partitions = new Map<string, TopicPartition>();
  const denied = await deniedTopics(topics, context);
  let areAllKnown = denied.size === 0;
  await mapNested(topics, partitionsOf, ({ name: topic }, index) => {
    if (exists(topic, index, broker)) partitions.set(nameOf(topic, index), { topic, index });
    else areAllKnown = false;
  });
  if (!areAllKnown) {
    return await mapResults(
      topics,
      (name, index) => {
        if (denied.has(name)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
        return exists(name, index, broker)
          ? ErrorCode.OPERATION_NOT_ATTEMPTED
          : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      },
    );
  }
  if (transaction.transactionalId === "") {
    return await mapResults(topics, () => ErrorCode.INVALID_REQUEST);
  }
  const asked = { ...transaction, partitions: [...partitions.values()] };
  const codes = await askCoordinator(asked, context);
  const byName = new Map(Array.from(partitions.keys(), (name, slot) => [name, codes[slot]!]));
  return await mapResults(topics, (name, index) => byName.get(nameOf(name, index))!);
}

async function askCoordinator(
  request: PartitionsRequest,
  { apiVersion, broker: { transactions, config, clock }, signal }: RequestContext,
): Promise<number[]> {
  const ask = async () => {
    const [codes] = await transactions.verifyOrAdd([request]);
    return codes!.map((code) => producerErrorCode(code, apiVersion, FIRST_VERSION_WITH_FENCED));
  };
  const codes = await ask();
  const isConcurrent = codes.includes(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (!isConcurrent || apiVersion < FIRST_VERSION_WITH_MANY_TRANSACTIONS) return codes;
  const ms = config.get("add.partitions.to.txn.retry.backoff.ms");
  await pauseUntilSettled(transactions, request.transactionalId, { ms, clock, signal });
  return await ask();
}

function exists(topic: string, index: number, { cluster }: BrokerContext): boolean {
  return cluster.topic(topic)?.partitions[index] !== undefined;
}

async function mapResults(
  topics: readonly TopicRequest[],
  codeOf: (topic: string, index: number) => number,
): Promise<TopicResult[]> {
  const results = await mapNested(topics, partitionsOf, ({ name }, partitionIndex) => ({
    partitionIndex,
    partitionErrorCode: codeOf(name, partitionIndex),
  }));
  return results.map(([{ name }, resultsByPartition]) => ({ name, resultsByPartition }));
}

function nameOf(topic: string, index: number): string {
  return `${topic}-${index}`;
}
