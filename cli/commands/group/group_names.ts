/**
 * Groups that are given by their ids, or by regular expressions.
 *
 * @module
 */

import type { Admin, GroupListing } from "../../../client/mod.ts";
import type { Context } from "../../terminal/context.ts";
import { type NameSelection, selectByName } from "../name_selection.ts";

/**
 * The groups that are meant, in the order of their ids.
 *
 * @throws {CommandError} if an id is no group's, or an expression is none or finds nothing
 */
export async function selectGroups(
  { signal }: Context,
  admin: Admin,
  selection: NameSelection,
): Promise<GroupListing[]> {
  const all = await admin.listGroups({ signal });
  return selectByName({ all, kind: "group", nameOf: ({ groupId }) => groupId }, selection);
}
