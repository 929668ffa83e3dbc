/**
 * `dqueue security user list`.
 *
 * @module
 */

import type { UserScramCredentials } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";

const COLUMNS: readonly Column<UserScramCredentials>[] = [
  { heading: "USER", cell: ({ user }) => user },
  {
    heading: "MECHANISMS",
    cell: ({ credentials }) => credentials.map(({ mechanism }) => mechanism).sort().join(", "),
  },
];

/** `security user list`. */
export const securityUserList = command({
  name: "security user list",
  summary: "List users and the mechanisms of their passwords",
  flags: { ...outputFlag, ...connectionFlags },
  async run(context, { flags }) {
    await using client = await connect(context, flags);
    const users = await client.admin().describeUserScramCredentials(undefined, {
      signal: context.signal,
    });
    if (flags.output === "json") {
      const json = users.map(({ user, credentials }) => ({
        user,
        credentials: credentials.map(({ mechanism, iterations }) => ({ mechanism, iterations })),
      }));
      return writeJsonDocument(context.stdout, json);
    }
    printTable(context, COLUMNS, users, 'No users; "dqueue security user create USER" creates one');
  },
});
