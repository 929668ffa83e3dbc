/**
 * Transactional ids with a past: so many transactions that the epochs of their producers are nearly used up.
 *
 * @module
 */

import { partitionOf } from "../../../broker/coordinators/coordinator_topic.ts";
import type { TopicRegistry } from "../../../broker/topics/topic_registry.ts";
import {
  encodeTransactionRecord,
  LAST_EPOCH,
  NO_PARTITIONS,
  NONE,
  TRANSACTIONS_TOPIC,
  TransactionState,
} from "../../../broker/transactions/mod.ts";
import { Acks } from "../../../protocol/messages/records/produce.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import { RecordBatch, RecordBatchBuilder } from "../../../protocol/records/mod.ts";

/** How many epochs are left at most. */
const MAX_LEFT = 7;
const TIMEOUT_MS = 3000;

/** A transactional id, and a producer id that nobody else has. */
export interface WornId {
  readonly transactionalId: string;
  readonly producerId: number;
}

/**
 * Writes what is left of an id's past into `__transaction_state`, whose coordinator reads it at its next
 * start.
 */
export async function wearOut(
  topics: TopicRegistry,
  { transactionalId, producerId }: WornId,
  random: Random,
  nowMs: number,
): Promise<void> {
  const { partitions } = topics.get(TRANSACTIONS_TOPIC)!;
  const partition = partitions[partitionOf(transactionalId, partitions.length)]!;
  const { key, value } = encodeTransactionRecord({
    transactionalId,
    transaction: {
      producerId,
      producerEpoch: LAST_EPOCH - random.below(MAX_LEFT),
      lastProducerEpoch: NONE,
      previousProducerId: NONE,
      nextProducerId: NONE,
      state: TransactionState.empty,
      timeoutMs: TIMEOUT_MS,
      partitions: NO_PARTITIONS,
      startMs: NONE,
      updateMs: nowMs,
      clientVersion: 0,
      isFenced: false,
    },
  });
  const builder = new RecordBatchBuilder();
  builder.append(nowMs, key, value);
  const batch = new RecordBatch(builder.build());
  await partition.append(batch, { acks: Acks.all, nowMs, isInternal: true }).committed;
}
