/**
 * Topics that are given by their names, or by regular expressions.
 *
 * @module
 */

import type { Admin, TopicListing } from "../../../client/mod.ts";
import type { Context } from "../../terminal/context.ts";
import { type NameSelection, selectByName } from "../name_selection.ts";

/** Which topics are meant. */
export interface TopicSelection extends NameSelection {
  /** Whether expressions find the broker's own topics too. */
  readonly internal: boolean;
}

/**
 * The topics that are meant, in the order of their names.
 *
 * @throws {CommandError} if a name is no topic's, or an expression is none or finds nothing
 */
export async function selectTopics(
  { signal }: Context,
  admin: Admin,
  { internal, ...selection }: TopicSelection,
): Promise<TopicListing[]> {
  const all = await admin.listTopics({ internal: true, signal });
  return selectByName({
    all,
    kind: "topic",
    nameOf: ({ name }) => name,
    isHidden: ({ isInternal }) => isInternal && !internal,
  }, selection);
}
