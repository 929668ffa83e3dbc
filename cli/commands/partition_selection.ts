/**
 * `--partition`: which partitions of the topics are meant.
 *
 * @module
 */

import type { Admin } from "../../client/mod.ts";
import type { Context } from "../context.ts";
import { CommandError } from "../errors.ts";
import type { Flags } from "../flag.ts";
import type { TopicPartitions } from "./partition_ranges.ts";

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
      throw new CommandError(
        `Cannot find partition ${missing} of topic "${topic}": it has ${all.length}, ` +
          `--partition is 0 to ${all.length - 1}`,
      );
    }
    return { topic, partitions: wanted.length === 0 ? all : [...new Set(wanted)] };
  });
}
