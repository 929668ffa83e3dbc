/**
 * `dqueue txn describe-producers`.
 *
 * @module
 */

import type { PartitionProducer, TopicPartition } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { partitionsFlag, selectPartitions } from "../partition_selection.ts";
import { timeText } from "./txn_state.ts";

type Row = TopicPartition & PartitionProducer;

const COLUMNS: readonly Column<Row>[] = [
  { heading: "TOPIC", cell: ({ topic }) => topic, maxWidth: 40 },
  { heading: "PARTITION", cell: ({ partition }) => partition },
  { heading: "PRODUCER ID", cell: ({ producerId }) => producerId },
  { heading: "EPOCH", cell: ({ producerEpoch }) => producerEpoch },
  {
    heading: "COORDINATOR EPOCH",
    cell: ({ coordinatorEpoch }) => coordinatorEpoch,
    align: "right",
  },
  { heading: "LAST SEQUENCE", cell: ({ lastSequence }) => lastSequence, align: "right" },
  { heading: "LAST TIMESTAMP", cell: ({ lastTimestamp }) => timeText(lastTimestamp) },
  {
    heading: "OPEN SINCE OFFSET",
    cell: ({ transactionStartOffset }) => transactionStartOffset,
    align: "right",
    paint: ({ yellow }) => yellow,
  },
];

/** `txn describe-producers`. */
export const txnDescribeProducers = command({
  name: "txn describe-producers",
  summary: "Describe the producers that partitions know",
  description:
    `OPEN SINCE OFFSET is the first offset of the producer's open transaction in the partition; readers ` +
    `of committed messages stop at the first of them.`,
  args: { topics: { value: "TOPIC", many: true, doc: "Names of the topics" } },
  flags: { ...partitionsFlag, ...outputFlag, ...connectionFlags },
  examples: [
    { doc: "All partitions", command: "dqueue txn describe-producers payments" },
    { doc: "One partition", command: "dqueue txn describe-producers payments -p 0" },
  ],
  async run(context, { args, flags }) {
    const { signal } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const selected = await selectPartitions(context, admin, args.topics, flags.partition);
    const places = selected.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition }))
    );
    const described = await admin.describeProducers(places, { signal });
    const rows = described.flatMap(({ topic, partition, producers }): Row[] =>
      producers.map((producer) => ({ topic, partition, ...producer }))
    );
    if (flags.output === "json") return writeJsonDocument(context.stdout, rows.map(toJson));
    printTable(
      context,
      COLUMNS,
      rows,
      "No producers: nothing was written with a producer id lately",
    );
  },
});

function toJson(row: Row) {
  return {
    topic: row.topic,
    partition: row.partition,
    producer_id: row.producerId,
    producer_epoch: row.producerEpoch,
    coordinator_epoch: row.coordinatorEpoch ?? null,
    last_sequence: row.lastSequence ?? null,
    last_timestamp: row.lastTimestamp ?? null,
    transaction_start_offset: row.transactionStartOffset ?? null,
  };
}
