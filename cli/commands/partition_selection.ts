/**
 * Selects partitions: those of `--partition` in all topics, or those named by `--topic`.
 *
 * @module
 */

import type { Admin } from "../../client/mod.ts";
import type { Context } from "../terminal/context.ts";
import { CommandError } from "../errors.ts";
import type { Flags } from "../program/flag.ts";
import type { TopicPartitions } from "../../client/text/partition_ranges.ts";
import { selectTopics } from "./topic/topic_names.ts";

/** Partitions to select in each topic. */
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

/** Topics, optionally with the partitions to select. */
export const topicsFlag = {
  topic: {
    alias: "t",
    required: true,
    many: true,
    value: "TOPIC[:P,…]",
    env: false,
    parse: parseTopicPartitions,
    doc: "Topic, or partitions of it: orders, orders:0,1",
  },
} as const satisfies Flags;

/**
 * Returns the selected partitions.
 *
 * @param wanted Partition numbers; empty for all.
 * @throws {CommandError} If a topic has no partition with that number.
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
 * Returns the partitions named by values of {@linkcode topicsFlag}.
 *
 * @throws {CommandError} If there is no such topic, or no such partition.
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

/** Each topic once, with all its partitions if one mention names none. */
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
