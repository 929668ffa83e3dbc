/**
 * Transactions that are open in partitions, and whether their coordinators know them: one that none
 * knows hangs, since nothing will end it (KIP-664).
 *
 * @module
 */

import type {
  Admin,
  PartitionProducer,
  TopicPartition,
  TransactionDescription,
} from "../../../client/mod.ts";

/** A transaction that is open in a partition. */
export interface OpenTransaction extends TopicPartition {
  /** The producer in the partition. */
  readonly producer: PartitionProducer;
  /** The first offset. */
  readonly startOffset: number;
  /** The transactional id of the producer; undefined if no coordinator knows it. */
  readonly transactionalId: string | undefined;
  /** Whether no coordinator will end it. */
  readonly isHanging: boolean;
}

/** States in which the coordinator ends the transaction sooner or later. */
const UNENDED: ReadonlySet<string> = new Set(["Ongoing", "PrepareCommit", "PrepareAbort"]);

/**
 * Finds the transactions that are open in partitions.
 *
 * @param isWanted Which ones to look up at their coordinators; the others are left out.
 */
export async function openTransactions(
  admin: Admin,
  places: readonly TopicPartition[],
  options: { readonly signal: AbortSignal; readonly brokerId?: number | undefined },
  isWanted: (producer: PartitionProducer) => boolean = () => true,
): Promise<OpenTransaction[]> {
  const { signal, brokerId } = options;
  const described = await admin.describeProducers(places, {
    signal,
    ...(brokerId === undefined ? {} : { brokerId }),
  });
  const open = described.flatMap(({ topic, partition, producers }) =>
    producers
      .filter((producer) => producer.transactionStartOffset !== undefined && isWanted(producer))
      .map((producer) => ({ topic, partition, producer }))
  );
  if (open.length === 0) return [];
  const producerIds = [...new Set(open.map(({ producer }) => producer.producerId))];
  const listed = await admin.listTransactions({ producerIds, signal });
  const ids = listed.map(({ transactionalId }) => transactionalId);
  const known = new Map(
    (await admin.describeTransactions(ids, { signal })).map((each) => [each.producerId, each]),
  );
  return open.map((each) => {
    const description = known.get(each.producer.producerId);
    return {
      ...each,
      startOffset: each.producer.transactionStartOffset!,
      transactionalId: description?.transactionalId,
      isHanging: !willBeEnded(description, each),
    };
  });
}

/** Whether the coordinator will end a transaction in a partition. */
function willBeEnded(
  description: TransactionDescription | undefined,
  { topic, partition }: TopicPartition,
): boolean {
  return description !== undefined && UNENDED.has(description.state) &&
    description.partitions.some((each) => each.topic === topic && each.partition === partition);
}
