/**
 * `dqueue topic alter`.
 *
 * @module
 */

import type { Admin } from "../../../client/mod.ts";
import { didYouMean } from "../../../protocol/suggest.ts";
import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { CommandError, UsageError } from "../../errors.ts";
import { parseConfigPair } from "./config_pairs.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outcomesOf, printOutcomes } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { dryRunFlag } from "./dry_run_flag.ts";

/** `topic alter`. */
export const topicAlter = command({
  name: "topic alter",
  summary: "Change settings of topics",
  description: "Other settings are not changed.",
  args: { topics: { value: "TOPIC", many: true, doc: "Names of the topics" } },
  flags: {
    set: {
      many: true,
      value: "NAME=VALUE",
      parse: parseConfigPair,
      env: false,
      doc: "Setting to change, such as retention.ms=7d",
    },
    unset: { many: true, value: "NAME", env: false, doc: "Setting to reset to its default" },
    ...dryRunFlag,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "Keep messages for a day", command: "dqueue topic alter logs --set retention.ms=1d" },
    {
      doc: "For the broker's default time",
      command: "dqueue topic alter logs --unset retention.ms",
    },
  ],
  async run(context, { args, flags }) {
    const changes = changesOf(flags.set, flags.unset);
    await using client = await connect(context, flags);
    const admin = client.admin();
    const options = { validateOnly: flags.dryRun, signal: context.signal };
    const status = flags.dryRun ? "valid" : "altered";
    const outcomes = await outcomesOf(
      context,
      args.topics,
      status,
      async (name) => {
        await ensureKnown(context, admin, name, flags.unset);
        await admin.alterConfigs({ type: "topic", name }, changes, options);
      },
    );
    printOutcomes(context, flags.output, outcomes);
  },
});

/**
 * Brokers accept any name to unset, so a mistyped one would seem to work.
 *
 * @throws {CommandError} If a topic has no such setting.
 */
async function ensureKnown(
  { signal }: Context,
  admin: Admin,
  topic: string,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  const entries = await admin.describeConfigs({ type: "topic", name: topic }, { signal });
  const known = entries.map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const near = didYouMean(name, known);
    throw new CommandError(`Cannot unset "${name}": topics have no such setting${near}`);
  }
}

function changesOf(
  set: readonly (readonly [string, string])[],
  unset: readonly string[],
): Record<string, string | null> {
  if (set.length + unset.length === 0) {
    throw new UsageError("Missing --set NAME=VALUE or --unset NAME: there is nothing to change");
  }
  const changes: Record<string, string | null> = Object.fromEntries(set);
  for (const name of unset) {
    if (name in changes) throw new UsageError(`Cannot both --set and --unset "${name}"`);
    changes[name] = null;
  }
  return changes;
}
