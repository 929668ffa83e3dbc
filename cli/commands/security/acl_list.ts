/**
 * `dqueue security acl list`.
 *
 * @module
 */

import type { AclBinding, AclFilter, Admin } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { ACL_COLUMNS, aclToJson, filterFlags, filtersOf } from "./acl_flags.ts";

/** `security acl list`. */
export const securityAclList = command({
  name: "security acl list",
  summary: "List rules",
  flags: { ...filterFlags, ...outputFlag, ...connectionFlags },
  examples: [
    { doc: "All rules that concern alice", command: "dqueue security acl list --principal alice" },
    {
      doc: "All rules about a topic, also by prefix and *",
      command: "dqueue security acl list --topic orders --resource-pattern-filter match",
    },
  ],
  async run(context, { flags }) {
    await using client = await connect(context, flags);
    const acls = await aclsOf(client.admin(), filtersOf(flags), context.signal);
    if (flags.output === "json") return writeJsonDocument(context.stdout, acls.map(aclToJson));
    printTable(context, ACL_COLUMNS, acls, "No such rules");
  },
});

/** The rules that match any of the filters, in order. */
export async function aclsOf(
  admin: Admin,
  filters: readonly AclFilter[],
  signal: AbortSignal,
): Promise<AclBinding[]> {
  const found = await Promise.all(filters.map((filter) => admin.describeAcls(filter, { signal })));
  const keyOf = (acl: AclBinding) =>
    [acl.resourceType, acl.resourceName, acl.patternType, acl.principal, acl.operation, acl.host]
      .join("\0") + acl.permission;
  const byKey = new Map(found.flat().map((acl) => [keyOf(acl), acl]));
  return [...byKey].sort(([a], [b]) => a < b ? -1 : 1).map(([, acl]) => acl);
}
