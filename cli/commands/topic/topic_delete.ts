/**
 * `dqueue topic delete`.
 *
 * @module
 */

import type { TopicListing } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { ensureConfirmed } from "../../terminal/confirm.ts";
import { connect, connectionFlags } from "../connection.ts";
import { regexFlag } from "../name_selection.ts";
import { type Outcome, printOutcomes } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import { selectTopics } from "./topic_names.ts";
import { yesFlag } from "../yes_flag.ts";

/** The confirmation prompt lists at most this number of names. */
const MAX_NAMES_ASKED = 5;

/** `topic delete`. */
export const topicDelete = command({
  name: "topic delete",
  summary: "Delete topics and their messages",
  args: { topics: { value: "TOPIC", many: true, doc: "Names of the topics" } },
  flags: { ...regexFlag, ...yesFlag, ...outputFlag, ...connectionFlags },
  examples: [
    { doc: "Without confirmation", command: "dqueue topic delete orders --yes" },
    { doc: "All whose names start with test", command: "dqueue topic delete -r 'test.*'" },
  ],
  async run(context, { args, flags }) {
    await using client = await connect(context, flags);
    const admin = client.admin();
    const selection = { names: args.topics, isRegex: flags.regex, internal: false };
    const topics = await selectTopics(context, admin, selection);
    await ensureConfirmed(context, question(topics), flags.yes);
    const names = topics.map(({ name }) => name);
    const results = await admin.deleteTopics(names, { signal: context.signal });
    const outcomes = results.map(({ name, error }): Outcome => {
      return { name, status: error === undefined ? "deleted" : "failed", error };
    });
    printOutcomes(context, flags.output, outcomes);
  },
});

function question(topics: readonly TopicListing[]): string {
  const partitions = topics.reduce((sum, topic) => sum + topic.partitions, 0);
  const names = topics.slice(0, MAX_NAMES_ASKED).map(({ name }) => `"${name}"`).join(", ");
  const more = topics.length - MAX_NAMES_ASKED;
  const what = topics.length === 1 ? "topic" : `${topics.length} topics`;
  const rest = more > 0 ? ` and ${more} more` : "";
  const count = partitions === 1 ? "1 partition" : `${partitions} partitions`;
  return `Delete ${what} ${names}${rest} with ${count} and all messages?`;
}
