/**
 * Which partitions are meant: those of `--partition` in all topics, or those that `--topic` names.
 *
 * @module
 */

import type { Admin } from "../../client/mod.ts";
import type { Context } from "../terminal/context.ts";
import { CommandError } from "../errors.ts";
import type { Flags } from "../program/flag.ts";
import type { TopicPartitions } from "./records/partition_ranges.ts";
import { selectTopics } from "./topic/topic_names.ts";

/** Partitions to take of each topic. */
export const partitionsFlag = {
  partition: {
    alias: "p",
    type: "integer",
    min: 0,
    separator: ",",
    env: false,
    fileNames: ["partitions"],
    doc: "Only these partitions, such as 0,1; default all",
  },
} as const satisfies Flags;

/** Topics, perhaps with the partitions to take of each. */
export const topicsFlag = {
  topic: {
    alias: "t",
    required: true,
    many: true,
    value: "TOPIC[:P,…]",
    env: false,
    parse: parseTopicPartitions,
    doc: "Topic, all of it or these partitions: orders, orders:0,1",
  },
} as const satisfies Flags;

/**
 * The partitions that are meant.
 *
 * @param wanted numbers of partitions; none for all
 * @throws {CommandError} if a topic has no partition of that number
 */
export async function selectPartitions(
  { signal }: Context,
  admin: Admin,
  topics: readonly string[],
  wanted: readonly number[],
): Promise<TopicPartitions[]> {
  const described = await admin.describeTopics(topics, { signal });
  return described.map(({ name: topic, partitions }) => {
    const all = partitions.map(({ partition }) => partition);
    const missing = wanted.find((partition) => !all.includes(partition));
    if (missing !== undefined) {
      const count = all.length === 1 ? "1 partition" : `${all.length} partitions`;
      throw new CommandError(
        `Cannot find partition ${missing} of topic "${topic}": it has ${count}, numbered from 0`,
      );
    }
    return { topic, partitions: wanted.length === 0 ? all : [...new Set(wanted)] };
  });
}

/**
 * The partitions that values of {@linkcode topicsFlag} name.
 *
 * @throws {CommandError} if there is no such topic, or no such partition of it
 */
export async function selectTopicPartitions(
  context: Context,
  admin: Admin,
  wanted: readonly TopicPartitions[],
): Promise<TopicPartitions[]> {
  const topics = mergeTopics(wanted);
  const names = topics.map(({ topic }) => topic);
  await selectTopics(context, admin, { names, isRegex: false, internal: true });
  const selected = await Promise.all(
    topics.map(({ topic, partitions }) => selectPartitions(context, admin, [topic], partitions)),
  );
  return selected.flat();
}

/** Each topic once; all of it if one mention names no partitions. */
export function mergeTopics(wanted: readonly TopicPartitions[]): TopicPartitions[] {
  return Array.from(Map.groupBy(wanted, ({ topic }) => topic), ([topic, mentions]) => {
    const isWhole = mentions.some(({ partitions }) => partitions.length === 0);
    const numbers = new Set(mentions.flatMap(({ partitions }) => partitions));
    return { topic, partitions: isWhole ? [] : [...numbers].sort((a, b) => a - b) };
  });
}

function parseTopicPartitions(text: string): TopicPartitions {
  const { topic, list } = /^(?<topic>[^:]+)(?::(?<list>\d+(?:,\d+)*))?$/.exec(text)?.groups ?? {};
  if (topic === undefined) {
    throw new SyntaxError(`Cannot read "${text}": expected TOPIC or TOPIC:0,1`);
  }
  return { topic, partitions: list === undefined ? [] : list.split(",").map(Number) };
}
