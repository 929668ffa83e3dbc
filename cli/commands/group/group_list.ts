/**
 * `dqueue group list`.
 *
 * @module
 */

import type { GroupListing } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { paintState, parseGroupState, parseGroupType } from "./group_state.ts";
import { outputFlag } from "../output_flag.ts";

const COLUMNS: readonly Column<GroupListing>[] = [
  { heading: "GROUP", cell: ({ groupId }) => groupId },
  {
    heading: "STATE",
    cell: ({ state }) => state,
    paint: (style, { state }) => paintState(style, state),
  },
  { heading: "TYPE", cell: ({ type }) => type },
  { heading: "PROTOCOL TYPE", cell: ({ protocolType }) => protocolType },
];

/** `group list`. */
export const groupList = command({
  name: "group list",
  summary: "List groups",
  flags: {
    state: {
      separator: ",",
      value: "STATE",
      parse: parseGroupState,
      env: false,
      doc: "Only groups in these states, such as stable,empty",
    },
    type: {
      separator: ",",
      value: "TYPE",
      parse: parseGroupType,
      env: false,
      doc: "Only groups of these types: classic, or consumer (KIP-848)",
    },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "Groups without members", command: "dqueue group list --state empty" },
    {
      doc: "Names only, for a script",
      command: "dqueue group list --output json | jq -r '.[].name'",
    },
  ],
  async run(context, { flags }) {
    const { state: states, type: types } = flags;
    await using client = await connect(context, flags);
    const groups = await client.admin().listGroups({ states, types, signal: context.signal });
    if (flags.output === "json") {
      const json = groups.map(({ groupId: name, state, type, protocolType }) => {
        return { name, state, type, protocol_type: protocolType };
      });
      writeJsonDocument(context.stdout, json);
    } else {
      const isFiltered = states.length + types.length > 0;
      const empty = isFiltered ? "No such groups" : "No groups: none has joined or committed yet";
      printTable(context, COLUMNS, groups, empty);
    }
  },
});
