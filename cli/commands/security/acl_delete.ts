/**
 * `dqueue security acl delete`.
 *
 * @module
 */

import { UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import { printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { reportFailure } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { yesFlag } from "../yes_flag.ts";
import { ACL_COLUMNS, aclToJson, filterFlags, filtersOf } from "./acl_flags.ts";
import { aclsOf } from "./acl_list.ts";

/** `security acl delete`. */
export const securityAclDelete = command({
  name: "security acl delete",
  summary: "Delete rules",
  description: "Shows the rules that match, and deletes them once you agree.",
  flags: {
    all: { type: "boolean", env: false, doc: "Delete every rule, without any filter" },
    dryRun: { type: "boolean", env: false, doc: "Show the rules, and delete none" },
    ...filterFlags,
    ...yesFlag,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    {
      doc: "What alice may do to a topic",
      command: "dqueue security acl delete --allow-principal alice --topic orders",
    },
  ],
  async run(context, { flags }) {
    const filters = filtersOf(flags);
    const isEverything = filters.some((filter) =>
      Object.keys(filter).every((each) => each === "patternType")
    );
    if (isEverything && !flags.all) {
      throw new UsageError("Missing a filter such as --principal: --all deletes every rule");
    }
    await using client = await connect(context, flags);
    const admin = client.admin();
    const { signal } = context;
    const acls = await aclsOf(admin, filters, signal);
    if (acls.length === 0 || flags.dryRun) {
      if (flags.output === "json") return writeJsonDocument(context.stdout, acls.map(aclToJson));
      return printTable(context, ACL_COLUMNS, acls, "No such rules");
    }
    if (!flags.yes && context.stdinIsTerminal) printTable(context, ACL_COLUMNS, acls, "");
    const count = acls.length === 1 ? "this rule" : `these ${acls.length} rules`;
    await context.stdout.flush();
    await ensureConfirmed(context, `Delete ${count}?`, flags.yes);
    // What was shown is deleted, and not what else matches meanwhile.
    const results = await admin.deleteAcls(
      acls.map(({ resourceType, patternType, operation, permission, ...rest }) => ({
        ...rest,
        ...known({ resourceType, patternType, operation, permission }),
      })),
      { signal },
    );
    for (const { error } of results) if (error !== undefined) reportFailure(context, error);
    const deleted = results.flatMap((each) => each.deleted);
    if (flags.output === "json") return writeJsonDocument(context.stdout, deleted.map(aclToJson));
    if (flags.yes || !context.stdinIsTerminal) printTable(context, ACL_COLUMNS, deleted, "");
    context.stderr.line(`Deleted ${deleted.length === 1 ? "1 rule" : `${deleted.length} rules`}`);
  },
});

/** @throws {UsageError} For a rule with words of a newer broker, which no filter can name. */
function known<T extends Record<string, string>>(
  words: T,
): { [K in keyof T]: Exclude<T[K], "unknown"> } {
  if (Object.values(words).includes("unknown")) {
    throw new UsageError("Cannot delete a rule that this version does not know whole");
  }
  return words as { [K in keyof T]: Exclude<T[K], "unknown"> };
}
