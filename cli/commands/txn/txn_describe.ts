/**
 * `dqueue txn describe`.
 *
 * @module
 */

import type { TransactionDescription } from "../../../client/mod.ts";
import { formatDuration } from "../../../client/text/duration.ts";
import { command } from "../../program/command.ts";
import { type Json, writeJsonDocument } from "../../records/json.ts";
import { formatDetails } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { partitionsByTopic, partitionsText } from "../topic_partitions.ts";
import { watch, watchFlags } from "../watch.ts";
import { ageText, timeText } from "./txn_state.ts";

/** States in which a transaction is not over. */
const OPEN: ReadonlySet<string> = new Set(["Ongoing", "PrepareCommit", "PrepareAbort"]);

/** `txn describe`. */
export const txnDescribe = command({
  name: "txn describe",
  summary: "Describe transactions: state, producer, age and partitions",
  args: { ids: { value: "ID", many: true, doc: "Transactional ids" } },
  flags: { ...watchFlags, ...outputFlag, ...connectionFlags },
  examples: [
    { doc: "One", command: "dqueue txn describe billing-1" },
    { doc: "Watch it", command: "dqueue txn describe billing-1 --watch" },
  ],
  async run(context, { args, flags }) {
    const { output, interval } = flags;
    const { stdout, signal } = context;
    await using client = await connect(context, flags);
    const admin = client.admin();
    const look = () => admin.describeTransactions(args.ids, { signal });
    const text = (found: TransactionDescription[]) =>
      found.map((each) => formatDetails(detailsOf(each, context.now()), stdout.style)).join("\n");
    const json = (found: TransactionDescription[]) => found.map(toJson);
    if (flags.watch) {
      return await watch(context, { output, intervalMs: interval, look, text, json });
    }
    const found = await look();
    if (output === "json") writeJsonDocument(stdout, json(found));
    else stdout.write(text(found));
  },
});

function detailsOf(
  description: TransactionDescription,
  nowMs: number,
): [string, string | number | null][] {
  const { transactionalId, state, coordinator, startTimeMs, partitions } = description;
  const isOpen = OPEN.has(state);
  return [
    ["Transactional id", transactionalId],
    ["State", state],
    ["Coordinator", `${coordinator.id} (${coordinator.host}:${coordinator.port})`],
    ["Producer id", description.producerId],
    ["Producer epoch", description.producerEpoch],
    ["Timeout", formatDuration(description.timeoutMs)],
    ["Started", timeText(startTimeMs)],
    ["Open for", isOpen ? ageText(startTimeMs, nowMs) : null],
    ["Partitions", partitions.length === 0 ? null : partitionsText(partitions)],
  ];
}

function toJson(description: TransactionDescription): Json {
  const { id, host, port } = description.coordinator;
  return {
    transactional_id: description.transactionalId,
    state: description.state,
    coordinator: { id, host, port },
    producer_id: description.producerId,
    producer_epoch: description.producerEpoch,
    timeout_ms: description.timeoutMs,
    start_time_ms: description.startTimeMs ?? null,
    partitions: partitionsByTopic(description.partitions),
  };
}
