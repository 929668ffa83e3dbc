/**
 * `dqueue topic list`.
 *
 * @module
 */

import type { TopicListing } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { regexFlag } from "../name_selection.ts";
import { outputFlag } from "../output_flag.ts";
import { selectTopics } from "./topic_names.ts";

const COLUMNS: readonly Column<TopicListing>[] = [
  {
    heading: "TOPIC",
    cell: ({ name }) => name,
    paint: ({ dim }, { isInternal }) => isInternal ? dim : (text) => text,
  },
  { heading: "PARTITIONS", cell: ({ partitions }) => partitions },
  { heading: "REPLICAS", cell: ({ replicas }) => replicas },
];

/** `topic list`. */
export const topicList = command({
  name: "topic list",
  summary: "List topics",
  args: {
    topics: { value: "TOPIC", many: true, optional: true, doc: "Only these topics; default all" },
  },
  flags: {
    ...regexFlag,
    internal: { alias: "i", type: "boolean", env: false, doc: "Include internal topics" },
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    { doc: "All whose names start with order", command: "dqueue topic list -r 'order.*'" },
    {
      doc: "Names only, for a script",
      command: "dqueue topic list --output json | jq -r '.[].name'",
    },
  ],
  async run(context, { args, flags }) {
    await using client = await connect(context, flags);
    const admin = client.admin();
    const { regex: isRegex, internal } = flags;
    const topics = args.topics.length === 0
      ? await admin.listTopics({ internal, signal: context.signal })
      : await selectTopics(context, admin, { names: args.topics, isRegex, internal });
    if (flags.output === "json") {
      const json = topics.map(({ name, id, isInternal, partitions, replicas }) => {
        return { name, id, internal: isInternal, partitions, replicas };
      });
      writeJsonDocument(context.stdout, json);
    } else {
      const empty = `No topics; "dqueue topic create NAME" creates one`;
      printTable(context, COLUMNS, topics, empty);
    }
  },
});
