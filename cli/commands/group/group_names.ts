/**
 * Selects groups by id, or by regular expression.
 *
 * @module
 */

import type { Admin, GroupListing } from "../../../client/mod.ts";
import type { Context } from "../../terminal/context.ts";
import { type NameSelection, selectByName } from "../name_selection.ts";

/**
 * Returns the selected groups, ordered by id.
 *
 * @throws {CommandError} If there is no group with an id, or an expression is invalid or matches no
 *   group.
 */
export async function selectGroups(
  { signal }: Context,
  admin: Admin,
  selection: NameSelection,
): Promise<GroupListing[]> {
  const all = await admin.listGroups({ signal });
  return selectByName({ all, kind: "group", nameOf: ({ groupId }) => groupId }, selection);
}
