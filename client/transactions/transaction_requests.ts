/**
 * The requests of a transactional producer, each retried until it is answered.
 *
 * The versions of the requests decide between the two flows. With `transaction.version` 2 (KIP-890,
 * part 2) Produce and TxnOffsetCommit add their partitions by themselves, and EndTxn returns the
 * epoch of the next transaction. Before, AddPartitionsToTxn and AddOffsetsToTxn come first, and the
 * epoch stays.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { addOffsetsToTxn } from "../../protocol/messages/transactions/add_offsets_to_txn.ts";
import { addPartitionsToTxn } from "../../protocol/messages/transactions/add_partitions_to_txn.ts";
import { endTxn } from "../../protocol/messages/transactions/end_txn.ts";
import { initProducerId } from "../../protocol/messages/transactions/init_producer_id.ts";
import { txnOffsetCommit } from "../../protocol/messages/transactions/txn_offset_commit.ts";
import { backoffMs } from "../connection/backoff.ts";
import {
  type ClientCore,
  isUnknownTopic,
  type OperationOptions,
} from "../connection/client_core.ts";
import type { Coordinator } from "../connection/coordinator.ts";
import { requestMs } from "../connection/timer.ts";
import { delay } from "../connection/waiting.ts";
import { KafkaError, UnsupportedVersionError } from "../errors.ts";
import type { Committer } from "../group/group_offsets.ts";
import type { GroupOffset } from "../group/group_types.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type { ProducerIdentity } from "./producer_identity.ts";

/** The feature that tells which flow the cluster has. */
const FEATURE = "transaction.version";
/** The level from which on requests add their partitions by themselves. */
const FIRST_LEVEL_WITH_IMPLICIT_ADD = 2;

/** The first versions of the newer flow, by request. */
const IMPLICIT_ADD = { produce: 12, endTxn: 5, txnOffsetCommit: 5 } as const;
/** The last version of AddPartitionsToTxn that is for producers. */
const LAST_VERSION_FOR_PRODUCERS = 3;
/** The first version of InitProducerId that continues an epoch (KIP-360). */
const FIRST_VERSION_WITH_IDENTITY = 3;
/** The first version of TxnOffsetCommit with the member of the group (KIP-447). */
const FIRST_VERSION_WITH_MEMBER = 3;
/** The first version of TxnOffsetCommit with leader epochs (KIP-320). */
const FIRST_VERSION_WITH_LEADER_EPOCH = 2;

/** The wait while the previous transaction completes, in milliseconds: often shorter than a request. */
const COMPLETION_MS = 20;
/** After so many of them, the wait is like after any other failure. */
const MAX_COMPLETION_WAITS = 5;

/** The flow of a transaction: whether requests add their partitions by themselves. */
export interface TransactionFlow {
  readonly isImplicit: boolean;
}

/** The connection of a producer to its coordinator. */
export interface TransactionAccess {
  readonly core: ClientCore;
  readonly coordinator: Coordinator;
  readonly transactionalId: string;
}

/** The versions of a request that belong to a flow. */
interface VersionRange {
  readonly minVersion?: number;
  readonly maxVersion?: number;
}

/** The versions of Produce in a transaction. */
export function produceVersions(flow: TransactionFlow): VersionRange {
  return versionsOf(flow, IMPLICIT_ADD.produce);
}

function versionsOf({ isImplicit }: TransactionFlow, first: number): VersionRange {
  return isImplicit ? { minVersion: first } : { maxVersion: first - 1 };
}

/**
 * Initializes a producer: aborts a transaction that its predecessor left open, and fences it.
 *
 * @param identity The identity to continue: then only another producer's start since is refused, and
 * repeating the request changes nothing. Undefined for a new producer.
 * @returns The identity, and the flow to use with it.
 * @throws {KafkaError} If the coordinator refuses.
 */
export async function requestInit(
  access: TransactionAccess,
  timeoutMs: number,
  identity: ProducerIdentity | undefined,
  options: OperationOptions,
): Promise<ProducerIdentity & TransactionFlow> {
  const { coordinator, core, transactionalId } = access;
  const action = `initialize the producer of "${transactionalId}"`;
  return await retryAt(access, action, options, async (signal) => {
    const connection = await coordinator.connection(core.control, signal);
    const answer = await connection.request(initProducerId, (version) => ({
      transactionalId,
      transactionTimeoutMs: requestMs(timeoutMs),
      ...(version >= FIRST_VERSION_WITH_IDENTITY && identity !== undefined ? identity : {}),
    }), { signal });
    check(action, answer.errorCode);
    const { producerId, producerEpoch } = answer;
    return { producerId, producerEpoch, isImplicit: hasImplicitAdd(connection) };
  });
}

/** Whether the cluster of a connection has the newer flow. */
export function hasImplicitAdd(
  connection: { finalizedLevel(feature: string): number },
): boolean {
  return connection.finalizedLevel(FEATURE) >= FIRST_LEVEL_WITH_IMPLICIT_ADD;
}

/**
 * Ends a transaction. The request is sent again as it is until it is answered.
 *
 * @param onUnanswered Called when the coordinator may have received a request without an answer.
 * @returns The identity of the next transaction.
 * @throws {KafkaError} If the coordinator refuses.
 */
export async function requestEnd(
  access: TransactionAccess,
  { isImplicit, ...identity }: ProducerIdentity & TransactionFlow,
  committed: boolean,
  options: OperationOptions,
  onUnanswered: () => void,
): Promise<ProducerIdentity> {
  const { coordinator, core, transactionalId } = access;
  const action = `${committed ? "commit" : "abort"} the transaction of "${transactionalId}"`;
  const versions = versionsOf({ isImplicit }, IMPLICIT_ADD.endTxn);
  return await retryAt(access, action, options, async (signal) => {
    const connection = await coordinator.connection(core.control, signal);
    const body = { transactionalId, ...identity, committed };
    const answer = await connection.request(endTxn, body, { signal, ...versions })
      .catch((error) => {
        if (!(error instanceof UnsupportedVersionError)) onUnanswered();
        throw error;
      });
    check(action, answer.errorCode);
    const { producerId, producerEpoch } = answer;
    return isImplicit ? { producerId, producerEpoch } : identity;
  });
}

/**
 * Adds partitions to a transaction of the older flow.
 *
 * @throws {KafkaError} If the coordinator refuses one of them: then it has added none.
 */
export async function requestAddPartitions(
  access: TransactionAccess,
  { producerId, producerEpoch }: ProducerIdentity,
  places: readonly TopicPartition[],
): Promise<void> {
  const { coordinator, core, transactionalId } = access;
  const action = `add partitions to the transaction of "${transactionalId}"`;
  const body = {
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: Array.from(
      Map.groupBy(places, ({ topic }) => topic),
      ([name, group]) => ({ name, partitions: group.map(({ partition }) => partition) }),
    ),
  };
  await retryAt(access, action, {}, async (signal) => {
    const options = { signal, maxVersion: LAST_VERSION_FOR_PRODUCERS };
    const answer = await coordinator.request(core.control, addPartitionsToTxn, body, options);
    for (const { name, resultsByPartition } of answer.resultsByTopicV3AndBelow) {
      for (const { partitionIndex, partitionErrorCode } of resultsByPartition) {
        // Another partition of the request has the error.
        if (partitionErrorCode === ErrorCode.OPERATION_NOT_ATTEMPTED) continue;
        const place = `add "${name}-${partitionIndex}" to the transaction of "${transactionalId}"`;
        check(place, partitionErrorCode);
      }
    }
  });
}

/**
 * Adds a group's offsets to a transaction of the older flow.
 *
 * @throws {KafkaError} If the coordinator refuses.
 */
export async function requestAddOffsets(
  access: TransactionAccess,
  { producerId, producerEpoch }: ProducerIdentity,
  groupId: string,
  options: OperationOptions,
): Promise<void> {
  const { coordinator, core, transactionalId } = access;
  const action = `add group "${groupId}" to the transaction of "${transactionalId}"`;
  const body = { transactionalId, producerId, producerEpoch, groupId };
  await retryAt(access, action, options, async (signal) => {
    const answer = await coordinator.request(core.control, addOffsetsToTxn, body, { signal });
    check(action, answer.errorCode);
  });
}

/**
 * Sends offsets of a group in a transaction, to the coordinator of the group.
 *
 * @param committer The member whose offsets they are, by which the group refuses an earlier owner of
 * the partitions (KIP-447).
 * @throws {KafkaError} If the coordinator refuses one of them.
 */
export async function requestTxnOffsets(
  { core, coordinator, transactionalId }: TransactionAccess,
  { isImplicit, producerId, producerEpoch }: ProducerIdentity & TransactionFlow,
  committer: Committer,
  offsets: readonly GroupOffset[],
  options: OperationOptions,
): Promise<void> {
  const { groupId, memberId, generation, groupInstanceId } = committer;
  const action = `send offsets of group "${groupId}" in the transaction of "${transactionalId}"`;
  const versions = versionsOf({ isImplicit }, IMPLICIT_ADD.txnOffsetCommit);
  await retryAt({ core, coordinator }, action, options, async (signal) => {
    const answer = await coordinator.request(core.control, txnOffsetCommit, (version) => ({
      transactionalId,
      groupId,
      producerId,
      producerEpoch,
      ...(version < FIRST_VERSION_WITH_MEMBER
        ? {}
        : { generationId: generation, memberId, groupInstanceId }),
      topics: Array.from(Map.groupBy(offsets, ({ topic }) => topic), ([name, group]) => ({
        name,
        partitions: group.map((offset) => ({
          partitionIndex: offset.partition,
          committedOffset: offset.offset,
          committedMetadata: offset.metadata ?? "",
          ...(version < FIRST_VERSION_WITH_LEADER_EPOCH
            ? {}
            : { committedLeaderEpoch: offset.leaderEpoch ?? -1 }),
        })),
      })),
    }), { signal, ...versions });
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode } of partitions) {
        check(`send offset of "${name}-${partitionIndex}" for group "${groupId}"`, errorCode);
      }
    }
  }, isUnknownTopic);
}

/** Retries a request to a coordinator; soon, while the previous transaction completes. */
function retryAt<T>(
  { core, coordinator }: Pick<TransactionAccess, "core" | "coordinator">,
  action: string,
  options: OperationOptions,
  attempt: (signal: AbortSignal) => Promise<T>,
  isFinal?: (error: unknown) => boolean,
): Promise<T> {
  return core.retry(action, options, async (signal) => {
    for (let failures = 1;; failures++) {
      try {
        return await attempt(signal);
      } catch (error) {
        coordinator.onError(error);
        const isCompleting = error instanceof KafkaError &&
          error.errorCode === ErrorCode.CONCURRENT_TRANSACTIONS;
        if (!isCompleting || failures > MAX_COMPLETION_WAITS) throw error;
        await delay(backoffMs(failures, COMPLETION_MS, core.options.maxBackoffMs), signal);
      }
    }
  }, isFinal);
}

function check(action: string, errorCode: number): void {
  if (errorCode !== ErrorCode.NONE) throw new KafkaError(action, errorCode);
}
