/**
 * `dqueue txn find-hanging`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { partitionsFlag, selectPartitions } from "../partition_selection.ts";
import { selectTopics } from "../topic/topic_names.ts";
import { type OpenTransaction, openTransactions } from "./open_transactions.ts";
import { ageText, timeText } from "./txn_state.ts";

/** `txn find-hanging`. */
export const txnFindHanging = command({
  name: "txn find-hanging",
  summary: "Find transactions that will never end",
  description:
    `Finds transactions that are open in a partition and that no coordinator will end there. ` +
    `They hold back all readers of committed messages; "dqueue txn abort" ends them.\n\n` +
    `It considers only transactions whose last message is older than --max-transaction-timeout, ` +
    `which should be the brokers' transaction.max.timeout.ms.`,
  args: { topics: { value: "TOPIC", many: true, optional: true, doc: "Only these topics" } },
  flags: {
    ...partitionsFlag,
    brokerId: {
      type: "integer",
      min: 0,
      env: false,
      doc: "Only partitions with a replica on this broker, as it sees them",
    },
    maxTransactionTimeout: {
      type: "duration",
      default: "15m",
      env: false,
      doc: "Minimum age of the last message",
    },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "In all topics", command: "dqueue txn find-hanging" },
    { doc: "In one topic", command: "dqueue txn find-hanging payments" },
  ],
  async run(context, { args, flags }) {
    const { signal } = context;
    const { brokerId, maxTransactionTimeout } = flags;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const selection = { names: args.topics, isRegex: false, internal: true };
    const topics = args.topics.length === 0
      ? await admin.listTopics({ internal: true, signal })
      : await selectTopics(context, admin, selection);
    const names = topics.map(({ name }) => name);
    const selected = await selectPartitions(context, admin, names, flags.partition);
    const described = await admin.describeTopics(names, { signal });
    const replicas = new Map(described.map(({ name, partitions }) => [name, partitions]));
    const places = selected.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition }))
    ).filter(({ topic, partition }) =>
      brokerId === undefined || replicas.get(topic)![partition]!.replicas.includes(brokerId)
    );
    const now = context.now();
    const found = await openTransactions(
      admin,
      places,
      { signal, brokerId },
      ({ lastTimestamp = 0 }) => now - lastTimestamp > maxTransactionTimeout,
    );
    const hanging = found.filter(({ isHanging }) => isHanging);
    if (flags.output === "json") return writeJsonDocument(context.stdout, hanging.map(toJson));
    printTable(context, columnsOf(now), hanging, "No hanging transactions");
  },
});

function columnsOf(nowMs: number): readonly Column<OpenTransaction>[] {
  return [
    { heading: "TOPIC", cell: ({ topic }) => topic, maxWidth: 40 },
    { heading: "PARTITION", cell: ({ partition }) => partition },
    { heading: "START OFFSET", cell: ({ startOffset }) => startOffset },
    { heading: "PRODUCER ID", cell: ({ producer }) => producer.producerId },
    { heading: "EPOCH", cell: ({ producer }) => producer.producerEpoch },
    {
      heading: "COORDINATOR EPOCH",
      cell: ({ producer }) => producer.coordinatorEpoch,
      align: "right",
    },
    { heading: "LAST TIMESTAMP", cell: ({ producer }) => timeText(producer.lastTimestamp) },
    { heading: "AGE", cell: ({ producer }) => ageText(producer.lastTimestamp, nowMs) },
  ];
}

function toJson({ topic, partition, startOffset, transactionalId, producer }: OpenTransaction) {
  return {
    topic,
    partition,
    start_offset: startOffset,
    producer_id: producer.producerId,
    producer_epoch: producer.producerEpoch,
    coordinator_epoch: producer.coordinatorEpoch ?? null,
    last_timestamp: producer.lastTimestamp ?? null,
    transactional_id: transactionalId ?? null,
  };
}
