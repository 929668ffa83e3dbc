/**
 * `dqueue txn list`.
 *
 * @module
 */

import type { TransactionListing } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { paintTransactionState, parseTransactionState } from "./txn_state.ts";

const COLUMNS: readonly Column<TransactionListing>[] = [
  { heading: "TRANSACTIONAL ID", cell: ({ transactionalId }) => transactionalId, maxWidth: 60 },
  {
    heading: "STATE",
    cell: ({ state }) => state,
    paint: (style, { state }) => paintTransactionState(style, state),
  },
  { heading: "PRODUCER ID", cell: ({ producerId }) => producerId },
  { heading: "COORDINATOR", cell: ({ coordinator }) => coordinator.id },
];

/** `txn list`. */
export const txnList = command({
  name: "txn list",
  summary: "List transactional ids and the state of their transactions",
  flags: {
    state: {
      separator: ",",
      value: "STATE",
      parse: parseTransactionState,
      env: false,
      doc: "Only ids in these states, such as ongoing,prepare-commit",
    },
    producerId: {
      type: "integer",
      min: 0,
      separator: ",",
      env: false,
      doc: "Only ids with these producer ids",
    },
    minDuration: {
      type: "duration",
      otherNames: ["duration-filter"],
      env: false,
      fallback: "any",
      doc: "Only transactions that have been open for at least this long (KIP-994)",
    },
    pattern: {
      otherNames: ["transactional-id-pattern"],
      value: "REGEX",
      env: false,
      doc: "Only ids that match this expression as a whole (KIP-1152)",
    },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "Open transactions", command: "dqueue txn list --state ongoing" },
    { doc: "Open for more than a minute", command: "dqueue txn list --min-duration 1m" },
    { doc: "Ids of one application", command: "dqueue txn list --pattern 'billing-.*'" },
  ],
  async run(context, { flags }) {
    const { state: states, producerId: producerIds, minDuration, pattern } = flags;
    await using client = await connect(context, flags);
    const found = await client.admin().listTransactions({
      states,
      producerIds,
      ...(minDuration === undefined ? {} : { minDurationMs: minDuration }),
      ...(pattern === undefined ? {} : { pattern }),
      signal: context.signal,
    });
    if (flags.output === "json") return writeJsonDocument(context.stdout, found.map(toJson));
    const isFiltered = states.length + producerIds.length > 0 || minDuration !== undefined ||
      pattern !== undefined;
    const empty = isFiltered
      ? "No such transactional ids"
      : "No transactional ids: no producer has used one";
    printTable(context, COLUMNS, found, empty);
  },
});

function toJson({ transactionalId, state, producerId, coordinator }: TransactionListing) {
  const { id, host, port } = coordinator;
  return {
    transactional_id: transactionalId,
    state,
    producer_id: producerId,
    coordinator: { id, host, port },
  };
}
