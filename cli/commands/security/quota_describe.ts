/**
 * `dqueue security quota describe`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import {
  ENTITY_TYPES,
  entityFlags,
  entityInWords,
  entityOf,
  parseEntityType,
  quotaToJson,
} from "./quota_flags.ts";

interface Row {
  readonly entity: string;
  readonly name: string;
  readonly value: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: "FOR", cell: ({ entity }) => entity, maxWidth: 60 },
  { heading: "QUOTA", cell: ({ name }) => name },
  { heading: "VALUE", cell: ({ value }) => value },
];

/** `security quota describe`. */
export const securityQuotaDescribe = command({
  name: "security quota describe",
  summary: "Show quotas of users, clients and addresses",
  flags: {
    ...entityFlags,
    any: {
      choices: ENTITY_TYPES,
      separator: ",",
      value: "TYPE",
      parse: parseEntityType,
      env: false,
      doc: "With any user, client-id or ip",
    },
    strict: { type: "boolean", env: false, doc: "Leave out quotas for more than what is named" },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "All", command: "dqueue security quota describe" },
    { doc: "Of one user", command: "dqueue security quota describe --name user=alice" },
  ],
  async run(context, { flags }) {
    await using client = await connect(context, flags);
    const quotas = await client.admin().describeClientQuotas(
      {
        ...entityOf(flags.name, flags.default, flags.any, true as const),
        strict: flags.strict,
      },
      { signal: context.signal },
    );
    if (flags.output === "json") return writeJsonDocument(context.stdout, quotas.map(quotaToJson));
    const rows = quotas.flatMap(({ entity, values }) =>
      Object.entries(values).map(([name, value]) => ({
        entity: entityInWords(entity),
        name,
        value,
      }))
    ).sort((a, b) => a.entity + a.name < b.entity + b.name ? -1 : 1);
    printTable(context, COLUMNS, rows, "No such quotas");
  },
});
