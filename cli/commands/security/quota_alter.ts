/**
 * `dqueue security quota alter`.
 *
 * @module
 */

import { parseBytes } from "../../values/bytes.ts";
import { UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import { connect, connectionFlags } from "../connection.ts";
import { type Outcome, printOutcomes } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { entityFlags, entityInWords, entityOf } from "./quota_flags.ts";

/** `security quota alter`. */
export const securityQuotaAlter = command({
  name: "security quota alter",
  summary: "Set and remove quotas",
  description: "Quotas are Kafka's: producer_byte_rate and consumer_byte_rate in bytes a second, " +
    "request_percentage of a processor core, controller_mutation_rate in partitions a second, and " +
    "connection_creation_rate of an address.",
  flags: {
    ...entityFlags,
    add: {
      otherNames: ["set", "add-config"],
      separator: ",",
      value: "QUOTA=VALUE",
      parse: parseQuota,
      env: false,
      doc: "Quota to set, such as producer_byte_rate=1MiB",
    },
    delete: {
      otherNames: ["unset", "delete-config"],
      separator: ",",
      value: "QUOTA",
      env: false,
      doc: "Quota to remove",
    },
    dryRun: { type: "boolean", env: false, doc: "Let the broker validate it, and change nothing" },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    {
      doc: "Alice writes 1 MiB a second, with all her clients together",
      command: "dqueue security quota alter --name user=alice --add producer_byte_rate=1MiB",
    },
    {
      doc: "Every other user 100 kB, each",
      command: "dqueue security quota alter --default user --add producer_byte_rate=100kB",
    },
    {
      doc: "No limit for alice",
      command: "dqueue security quota alter --name user=alice --delete producer_byte_rate",
    },
  ],
  async run(context, { flags }) {
    const entity = entityOf<null>(flags.name, flags.default);
    if (Object.keys(entity).length === 0) {
      throw new UsageError("Missing --name or --default: whom is the quota for");
    }
    const values = Object.fromEntries([
      ...flags.add,
      ...flags.delete.map((name): [string, null] => [name, null]),
    ]);
    if (Object.keys(values).length === 0) {
      throw new UsageError("Missing --add or --delete: which quota");
    }
    await using client = await connect(context, flags);
    const results = await client.admin().alterClientQuotas([{ entity, values }], {
      validateOnly: flags.dryRun,
      signal: context.signal,
    });
    const outcomes = results.map(({ entity, error }): Outcome => ({
      name: entityInWords(entity),
      status: error !== undefined ? "failed" : flags.dryRun ? "valid" : "altered",
      error,
    }));
    printOutcomes(context, flags.output, outcomes, { heading: "FOR" });
  },
});

/** Rates in bytes may have units. */
function parseQuota(text: string): [string, number] {
  const equals = text.indexOf("=");
  const [name, value] = [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
  const number = name.endsWith("_byte_rate") ? parseBytes(value) : Number(value);
  if (equals <= 0 || value === "" || !Number.isFinite(number)) {
    throw new SyntaxError(
      `Cannot read "${text}": expected QUOTA=VALUE, such as producer_byte_rate=1MiB`,
    );
  }
  return [name, number];
}
