/**
 * TxnOffsetCommit: commits a group's offsets as part of a producer's transaction (KIP-98). Versions 0
 * to 5.
 *
 * The response is sent when the offsets are on disk. They are pending until the transaction ends.
 * Before the first ones of a transaction are written, its coordinator is asked: up to version 4 the
 * producer has added the group with AddOffsetsToTxn, which is verified; version 5 adds it (KIP-890).
 *
 * Version 2 adds leader epochs (KIP-320), 3 is flexible and adds the group member (KIP-447), 4 may
 * return TRANSACTION_ABORTABLE.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  txnOffsetCommit,
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponse,
} from "../../../protocol/messages/transactions/txn_offset_commit.ts";
import { UnverifiedTransactionError } from "../../../storage/errors.ts";
import type { Verification } from "../../../storage/log/producers/mod.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { ApiError } from "../../api_error.ts";
import { commitInTransaction } from "../../groups/offsets/transactional_commit.ts";
import { OFFSETS_TOPIC } from "../../groups/offsets_topic.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { all, deniedPartitions, eachItem, ofRequest } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import {
  FIRST_OFFSET_COMMIT_WITH_TRANSACTION_V2,
  offsetCommitErrorOf,
} from "../../transactions/verification/client_errors.ts";
import { confirmed } from "../../transactions/verification/confirmed.ts";
import { isVerified } from "../records/verify_transaction.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { mapNested } from "../each_item.ts";
import { groupErrorCode, hasPartition, ofGroup } from "./group_request.ts";

type RequestTopic = TxnOffsetCommitRequest["topics"][number];

/** Partitions committed, and written to disk, together. */
const PORTION = 1000;
/** Size of a partition in the response. */
const PARTITION_BYTES = 8;

/** Serves TxnOffsetCommit. */
export const txnOffsetCommitHandler: ApiHandler = handler(
  txnOffsetCommit,
  handleTxnOffsetCommit,
  all(
    ofRequest(
      txnOffsetCommit,
      AclOperation.write,
      AclResourceType.transactionalId,
      ({ transactionalId }) => transactionalId,
    ),
    ofGroup(txnOffsetCommit, AclOperation.read),
    eachItem(txnOffsetCommit, "topics", "topics", {
      operation: AclOperation.read,
      resourceType: AclResourceType.topic,
      nameOf: ({ name }) => name,
      denied: async ({ name, partitions }, errorCode) => ({
        name,
        partitions: await deniedPartitions(partitions, errorCode),
      }),
    }),
  ),
);

async function handleTxnOffsetCommit(
  request: TxnOffsetCommitRequest,
  context: RequestContext,
): Promise<TxnOffsetCommitResponse> {
  const { topics } = request;
  const bytes = sumOf(
    topics,
    ({ name, partitions }) => textBytes(name) + partitions.length * PARTITION_BYTES,
  );
  await claimResponseMemory(bytes, context);
  const codes = new Codes();
  try {
    await commit(request, codes, context);
  } catch (error) {
    codes.rest = transactionErrorCode(error, context);
  }
  const answered = await mapNested(
    topics,
    ({ partitions }) => partitions,
    ({ name }, { partitionIndex }) => ({
      partitionIndex,
      errorCode: codes.of(name, partitionIndex),
    }),
  );
  return { topics: answered.map(([{ name }, partitions]) => ({ name, partitions })) };
}

/** The results of partitions. */
class Codes {
  readonly #codes: Map<string, Map<number, number>> = new Map();
  /** That of partitions without one. */
  rest: number = ErrorCode.UNKNOWN_SERVER_ERROR;

  set(topic: string, partition: number, errorCode: number): void {
    let codes = this.#codes.get(topic);
    if (codes === undefined) this.#codes.set(topic, codes = new Map());
    codes.set(partition, errorCode);
  }

  of(topic: string, partition: number): number {
    return this.#codes.get(topic)?.get(partition) ?? this.rest;
  }
}

async function commit(
  request: TxnOffsetCommitRequest,
  codes: Codes,
  context: RequestContext,
): Promise<void> {
  const { broker: { groups } } = context;
  const { groupId, producerId, producerEpoch } = request;
  if (groupId === "") throw new ApiError(ErrorCode.INVALID_GROUP_ID);
  const portions = await sort(request.topics, codes, context);
  if (portions.length === 0) return;
  const verification = await verify(request, context);
  const transaction = { producerId, producerEpoch, verification };
  const slice = new TimeSlice();
  const commits: Promise<void>[] = [];
  for (const topics of portions) {
    commits.push(commitPortion(topics));
    if (slice.isOver) await slice.pause();
  }
  await Promise.all(commits);

  async function commitPortion(topics: RequestTopic[]): Promise<void> {
    let results;
    try {
      const shard = groups.shardOf(groupId);
      results = await commitInTransaction(shard, { ...request, topics }, transaction);
    } catch (error) {
      const errorCode = transactionErrorCode(error, context);
      for (const { name, partitions } of topics) {
        for (const { partitionIndex } of partitions) codes.set(name, partitionIndex, errorCode);
      }
      return;
    }
    for (const { name, partitions } of results) {
      for (const { partitionIndex, errorCode } of partitions) {
        codes.set(name, partitionIndex, errorCode);
      }
    }
  }
}

/**
 * Makes sure that the group's partition belongs to the transaction.
 *
 * @returns What the write of the offsets requires; `undefined` if it requires nothing.
 * @throws {ApiError} If the coordinator refuses.
 */
async function verify(
  request: TxnOffsetCommitRequest,
  context: RequestContext,
): Promise<Verification | undefined> {
  const { apiVersion, broker: { groups, verifier } } = context;
  const { transactionalId, groupId, producerId, producerEpoch } = request;
  const isVerifyOnly = apiVersion < FIRST_OFFSET_COMMIT_WITH_TRANSACTION_V2;
  const transaction = { transactionalId, producerId, producerEpoch, isVerifyOnly };
  const start = () => groups.shardOf(groupId).startVerification(producerId, producerEpoch);
  const { index } = groups.shardOf(groupId);
  const verification = start();
  if (verification === undefined || isVerifyOnly && !isVerified(context)) return verification;
  return await confirmed(verification, start, async () => {
    const errorCode = await verifier.ensure(transaction, OFFSETS_TOPIC, index);
    if (errorCode === ErrorCode.NONE) return;
    throw new ApiError(offsetCommitErrorOf(errorCode, apiVersion));
  });
}

/** Separates the unknown partitions, and divides the others into portions. */
async function sort(
  topics: readonly RequestTopic[],
  codes: Codes,
  { broker: { cluster } }: RequestContext,
): Promise<RequestTopic[][]> {
  const portions: RequestTopic[][] = [];
  let left = 0;
  const slice = new TimeSlice();
  for (const { name, partitions } of topics) {
    const state = cluster.topic(name);
    let known: RequestTopic | undefined;
    for (const partition of partitions) {
      if (slice.isOver) await slice.pause();
      const { partitionIndex } = partition;
      if (!hasPartition(state, partitionIndex)) {
        codes.set(name, partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
        continue;
      }
      if (left === 0) {
        portions.push([]);
        left = PORTION;
        known = undefined;
      }
      if (known === undefined) portions.at(-1)!.push(known = { name, partitions: [] });
      known.partitions.push(partition);
      left--;
    }
    if (slice.isOver) await slice.pause();
  }
  return portions;
}

function transactionErrorCode(error: unknown, context: RequestContext): number {
  return error instanceof UnverifiedTransactionError
    ? offsetCommitErrorOf(ErrorCode.INVALID_TXN_STATE, context.apiVersion)
    : groupErrorCode(error, context);
}
