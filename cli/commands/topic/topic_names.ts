/**
 * Selects topics by name, or by regular expression.
 *
 * @module
 */

import type { Admin, TopicListing } from "../../../client/mod.ts";
import type { Context } from "../../terminal/context.ts";
import { type NameSelection, selectByName } from "../name_selection.ts";

/** The topics given on the command line. */
interface TopicSelection extends NameSelection {
  /** Whether expressions also match internal topics. */
  readonly internal: boolean;
}

/**
 * Returns the selected topics, ordered by name.
 *
 * @throws {CommandError} If there is no topic with a name, or an expression is invalid or matches
 *   no topic.
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
