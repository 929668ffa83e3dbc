/**
 * `dqueue group delete`.
 *
 * @module
 */

import type { GroupListing } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import { connect, connectionFlags } from "../connection.ts";
import { selectGroups } from "./group_names.ts";
import { regexFlag } from "../name_selection.ts";
import { type Outcome, printOutcomes } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { yesFlag } from "../yes_flag.ts";

/** The confirmation prompt lists at most this number of names. */
const MAX_NAMES_ASKED = 5;

/** `group delete`. */
export const groupDelete = command({
  name: "group delete",
  summary: "Delete groups and their committed offsets",
  description: "A group with members cannot be deleted: stop them first.",
  args: { groups: { value: "GROUP", many: true, doc: "Ids of the groups" } },
  flags: { ...regexFlag, ...yesFlag, ...outputFlag, ...connectionFlags },
  examples: [
    { doc: "Without confirmation", command: "dqueue group delete billing --yes" },
    { doc: "All whose names start with test", command: "dqueue group delete -r 'test.*'" },
  ],
  async run(context, { args, flags }) {
    await using client = await connect(context, flags);
    const admin = client.admin();
    const selection = { names: args.groups, isRegex: flags.regex };
    const groups = await selectGroups(context, admin, selection);
    await ensureConfirmed(context, question(groups), flags.yes);
    const ids = groups.map(({ groupId }) => groupId);
    const results = await admin.deleteGroups(ids, { signal: context.signal });
    const outcomes = results.map(({ groupId: name, error }): Outcome => {
      return { name, status: error === undefined ? "deleted" : "failed", error };
    });
    printOutcomes(context, flags.output, outcomes, { heading: "GROUP" });
  },
});

function question(groups: readonly GroupListing[]): string {
  const names = groups.slice(0, MAX_NAMES_ASKED).map(({ groupId }) => `"${groupId}"`).join(", ");
  const more = groups.length - MAX_NAMES_ASKED;
  const what = groups.length === 1 ? "group" : `${groups.length} groups`;
  const rest = more > 0 ? ` and ${more} more` : "";
  return `Delete ${what} ${names}${rest} and all committed offsets?`;
}
