/**
 * Listing, describing and aborting transactions, and fencing their producers (KIP-664). Requests about
 * a transactional id go to its coordinator, those about the producers of a partition to its leader;
 * listing asks every broker, since each knows only the ids that it coordinates.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { describeProducers } from "../../protocol/messages/transactions/describe_producers.ts";
import { describeTransactions } from "../../protocol/messages/transactions/describe_transactions.ts";
import { initProducerId } from "../../protocol/messages/transactions/init_producer_id.ts";
import { listTransactions } from "../../protocol/messages/transactions/list_transactions.ts";
import { writeTxnMarkers } from "../../protocol/messages/transactions/write_txn_markers.ts";
import {
  type ClientCore,
  isUnknownTopic,
  type OperationOptions,
} from "../connection/client_core.ts";
import { findCoordinators } from "../connection/coordinator.ts";
import { groupByLeader } from "../connection/leaders.ts";
import { KafkaError, refreshesMetadata, UsageError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type {
  DescribeProducersOptions,
  FencedProducer,
  HangingTransaction,
  ListTransactionsOptions,
  PartitionProducer,
  PartitionProducers,
  TransactionDescription,
  TransactionListing,
  TransactionStateName,
} from "./transaction_types.ts";

/** The first version of ListTransactions with a filter by duration (KIP-994). */
const FIRST_VERSION_WITH_DURATION = 1;
/** The first version of ListTransactions with a pattern (KIP-1152). */
const FIRST_VERSION_WITH_PATTERN = 2;
/** The last version of WriteTxnMarkers without a transaction version, which only coordinators know. */
const LAST_VERSION_OF_TOOLS = 1;
/** A fenced id has no transaction, so its timeout has no effect until the next producer sets its own. */
const FENCE_TIMEOUT_MS = 60_000;

const STATES: ReadonlySet<string> = new Set<TransactionStateName>([
  "Empty",
  "Ongoing",
  "PrepareCommit",
  "PrepareAbort",
  "CompleteCommit",
  "CompleteAbort",
  "Dead",
  "PrepareEpochFence",
]);

/** Lists the transactional ids of all coordinators. */
export async function listAllTransactions(
  core: ClientCore,
  { states = [], producerIds = [], minDurationMs, pattern, ...options }: ListTransactionsOptions,
): Promise<TransactionListing[]> {
  const action = "list transactions";
  const minVersion = pattern !== undefined
    ? FIRST_VERSION_WITH_PATTERN
    : minDurationMs !== undefined
    ? FIRST_VERSION_WITH_DURATION
    : listTransactions.versions.min;
  const body = (version: number) => ({
    stateFilters: states,
    producerIdFilters: producerIds,
    ...(version < FIRST_VERSION_WITH_DURATION ? {} : { durationFilter: minDurationMs ?? -1 }),
    ...(version < FIRST_VERSION_WITH_PATTERN ? {} : { transactionalIdPattern: pattern ?? null }),
  });
  return await core.retry(action, options, async (signal) => {
    await core.metadata.refresh();
    const answers = await Promise.all(core.metadata.brokers.map(async (coordinator) => {
      const { id } = coordinator;
      const answer = await core.requestBroker(id, listTransactions, body, { signal, minVersion });
      if (answer.errorCode !== ErrorCode.NONE) {
        throw new KafkaError(`${action} of broker ${id}`, answer.errorCode);
      }
      const [unknown] = answer.unknownStateFilters;
      if (unknown !== undefined) {
        throw new UsageError(
          `Cannot list transactions in state "${unknown}": broker ${id} does not know it`,
          `Known states are ${[...STATES].join(", ")}`,
        );
      }
      return answer.transactionStates.map((each): TransactionListing => ({
        transactionalId: each.transactionalId,
        producerId: each.producerId,
        state: stateOf(each.transactionState),
        coordinator,
      }));
    }));
    // An id whose coordinator moves meanwhile may be listed by two brokers.
    const byId = new Map(answers.flat().map((each) => [each.transactionalId, each]));
    return [...byId.values()].sort((a, b) => a.transactionalId < b.transactionalId ? -1 : 1);
  });
}

/**
 * Describes transactional ids.
 *
 * @throws {KafkaError} If an id is not known, with `TRANSACTIONAL_ID_NOT_FOUND`.
 */
export async function describeAllTransactions(
  core: ClientCore,
  transactionalIds: readonly string[],
  options: OperationOptions,
): Promise<TransactionDescription[]> {
  if (transactionalIds.length === 0) return [];
  return await core.retry("describe transactions", options, async (signal) => {
    const ids = [...new Set(transactionalIds)];
    const coordinators = await findCoordinators(core, "transactional id", ids, signal);
    const described = await Promise.all(
      coordinators.map(async ({ node: coordinator, keys: transactionalIds }) => {
        const connection = await core.control.connection(coordinator, signal);
        const body = { transactionalIds };
        const answer = await connection.request(describeTransactions, body, { signal });
        return answer.transactionStates.map((each): TransactionDescription => {
          const { transactionalId, errorCode, transactionStartTimeMs: start } = each;
          if (errorCode !== ErrorCode.NONE) {
            throw new KafkaError(`describe the transaction of "${transactionalId}"`, errorCode);
          }
          return {
            transactionalId,
            state: stateOf(each.transactionState),
            coordinator,
            producerId: each.producerId,
            producerEpoch: each.producerEpoch,
            timeoutMs: each.transactionTimeoutMs,
            startTimeMs: known(start),
            partitions: each.topics.flatMap(({ topic, partitions }) =>
              partitions.map((partition) => ({ topic, partition }))
            ),
          };
        });
      }),
    );
    const byId = new Map(described.flat().map((each) => [each.transactionalId, each]));
    return transactionalIds.map((id) => {
      const found = byId.get(id);
      if (found !== undefined) return found;
      const action = `describe the transaction of "${id}"`;
      throw new KafkaError(action, ErrorCode.TRANSACTIONAL_ID_NOT_FOUND);
    });
  });
}

/** Describes the producers of partitions. */
export async function describePartitionProducers(
  core: ClientCore,
  partitions: readonly TopicPartition[],
  { brokerId, ...options }: DescribeProducersOptions,
): Promise<PartitionProducers[]> {
  const action = "describe producers";
  const found = new Map<string, PartitionProducers>();
  await core.retry(action, options, async (signal) => {
    const left = partitions.filter((place) => !found.has(nameOf(place)));
    const groups = brokerId === undefined
      ? await groupByLeader(core, action, left)
      : new Map([[brokerId, left]]);
    // The address of a broker that leads none of them is not known yet.
    if (brokerId !== undefined && core.metadata.broker(brokerId) === undefined) {
      await core.metadata.refresh();
    }
    try {
      await Promise.all(Array.from(groups, async ([id, group]) => {
        const topics = Array.from(
          Map.groupBy(group, ({ topic }) => topic),
          ([name, places]) => ({
            name,
            partitionIndexes: places.map(({ partition }) => partition),
          }),
        );
        const answer = await core.requestBroker(id, describeProducers, { topics }, { signal });
        for (const { name: topic, partitions } of answer.topics) {
          for (
            const { partitionIndex: partition, errorCode, errorMessage, ...rest } of partitions
          ) {
            if (errorCode !== ErrorCode.NONE) {
              const what = `describe producers of "${topic}-${partition}"`;
              throw new KafkaError(what, errorCode, errorMessage);
            }
            const producers = rest.activeProducers.map(producerOf)
              .sort((a, b) => a.producerId - b.producerId);
            found.set(nameOf({ topic, partition }), { topic, partition, producers });
          }
        }
      }));
    } catch (error) {
      if (refreshesMetadata(error)) {
        for (const { topic } of left) core.metadata.invalidate(topic);
      }
      throw error;
    }
  }, isUnknownTopic);
  return partitions.map((place) => found.get(nameOf(place))!);
}

function producerOf(producer: {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  readonly currentTxnStartOffset: number;
}): PartitionProducer {
  return {
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch,
    coordinatorEpoch: known(producer.coordinatorEpoch),
    lastSequence: known(producer.lastSequence),
    lastTimestamp: known(producer.lastTimestamp),
    transactionStartOffset: known(producer.currentTxnStartOffset),
  };
}

/** Writes the marker of an abort to one partition. */
export async function abortHanging(
  core: ClientCore,
  transaction: HangingTransaction,
  options: OperationOptions,
): Promise<void> {
  const { topic, partition, producerId, producerEpoch, coordinatorEpoch = 0 } = transaction;
  const action = `abort the transaction of producer ${producerId} in "${topic}-${partition}"`;
  await core.retry(action, options, async (signal) => {
    try {
      const leader = await core.leader(action, transaction);
      const answer = await core.requestBroker(leader.id, writeTxnMarkers, {
        markers: [{
          producerId,
          producerEpoch,
          transactionResult: false,
          topics: [{ name: topic, partitionIndexes: [partition] }],
          // A partition without a marker of the producer has none.
          coordinatorEpoch: Math.max(0, coordinatorEpoch),
        }],
      }, { signal, maxVersion: LAST_VERSION_OF_TOOLS });
      const errorCode = answer.markers[0]?.topics[0]?.partitions[0]?.errorCode ??
        ErrorCode.UNKNOWN_SERVER_ERROR;
      if (errorCode !== ErrorCode.NONE) throw new KafkaError(action, errorCode);
    } catch (error) {
      if (refreshesMetadata(error)) core.metadata.invalidate(topic);
      throw error;
    }
  }, isUnknownTopic);
}

/** Fences the producers of transactional ids, and aborts their transactions. */
export async function fenceAllProducers(
  core: ClientCore,
  transactionalIds: readonly string[],
  options: OperationOptions,
): Promise<FencedProducer[]> {
  const fenced = new Map<string, FencedProducer>();
  await core.retry("fence producers", options, async (signal) => {
    const left = transactionalIds.filter((id) => !fenced.has(id));
    if (left.length === 0) return;
    const coordinators = await findCoordinators(core, "transactional id", left, signal);
    await Promise.all(coordinators.flatMap(({ node, keys }) =>
      keys.map(async (transactionalId) => {
        const connection = await core.control.connection(node, signal);
        const body = { transactionalId, transactionTimeoutMs: FENCE_TIMEOUT_MS };
        const answer = await connection.request(initProducerId, body, { signal });
        const { errorCode, producerId, producerEpoch } = answer;
        if (errorCode !== ErrorCode.NONE) {
          throw new KafkaError(`fence the producer of "${transactionalId}"`, errorCode);
        }
        fenced.set(transactionalId, { transactionalId, producerId, producerEpoch });
      })
    ));
  });
  return transactionalIds.map((id) => fenced.get(id)!);
}

function stateOf(state: string): TransactionStateName {
  return STATES.has(state) ? state as TransactionStateName : "Unknown";
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

function known(number: number): number | undefined {
  return number < 0 ? undefined : number;
}
