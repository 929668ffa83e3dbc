/**
 * End offsets of partitions, some of which may be leaderless or deleted.
 *
 * @module
 */

import type { Admin, IsolationLevel, TopicPartition } from "../../client/mod.ts";
import type { Context } from "../terminal/context.ts";
import { partitionKey } from "./topic_partitions.ts";

/**
 * Returns the log end offsets of partitions.
 *
 * @param isolation With `read_committed` the ends are last stable offsets.
 * @returns Offsets by {@linkcode partitionKey}, without partitions that do not exist or have no
 *   leader: requesting the offsets of those would wait until --timeout.
 */
export async function endOffsets(
  { signal }: Context,
  admin: Admin,
  places: readonly TopicPartition[],
  isolation: IsolationLevel = "read_uncommitted",
): Promise<ReadonlyMap<string, number>> {
  const wanted = Map.groupBy(places, ({ topic }) => topic);
  const topics = await admin.listTopics({ internal: true, signal });
  const names = topics.map(({ name }) => name).filter((name) => wanted.has(name));
  const described = await admin.describeTopics(names, { signal });
  const found = await Promise.all(described.map(async ({ name, partitions: existing }) => {
    const numbers = new Set(wanted.get(name)!.map(({ partition }) => partition));
    const partitions = existing
      .filter(({ partition, leaderId }) => numbers.has(partition) && leaderId >= 0)
      .map(({ partition }) => partition);
    return await admin.listOffsets(name, "latest", { partitions, isolation, signal });
  }));
  return new Map(found.flat().map((each) => [partitionKey(each), each.offset]));
}
