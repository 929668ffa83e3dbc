/**
 * `dqueue security token list`.
 *
 * @module
 */

import type { DelegationToken } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { parsePrincipalFlag } from "./acl_flags.ts";
import { timeOf, tokenToJson } from "./tokens.ts";

const COLUMNS: readonly Column<DelegationToken>[] = [
  { heading: "TOKEN", cell: ({ tokenId }) => tokenId },
  { heading: "OWNER", cell: ({ owner }) => owner },
  { heading: "REQUESTER", cell: ({ requester }) => requester },
  { heading: "RENEWERS", cell: ({ renewers }) => renewers.join(","), maxWidth: 40 },
  { heading: "EXPIRES", cell: ({ expiresAt }) => timeOf(expiresAt) },
];

/** `security token list`. */
export const securityTokenList = command({
  name: "security token list",
  summary: "List delegation tokens, without what proves them",
  flags: {
    owner: {
      otherNames: ["owner-principal"],
      many: true,
      value: "PRINCIPAL",
      parse: parsePrincipalFlag,
      env: false,
      doc: "Only tokens that this principal owns or may renew",
    },
    ...outputFlag,
    ...connectionFlags,
  },
  async run(context, { flags: { owner: owners, ...flags } }) {
    await using client = await connect(context, flags);
    const tokens = await client.admin().describeDelegationTokens({
      ...(owners.length === 0 ? {} : { owners }),
      signal: context.signal,
    });
    if (flags.output === "json") return writeJsonDocument(context.stdout, tokens.map(tokenToJson));
    printTable(context, COLUMNS, tokens, "No tokens that you may see");
  },
});
