/**
 * Reads what a cluster has in the end: through its API, and in the files of its brokers.
 *
 * @module
 */

import { join } from "@std/path";
import { recordBatches } from "../../../protocol/records/mod.ts";
import type { Client } from "../../../client/mod.ts";
import { readTopic } from "../../support/crash/loads.ts";
import type { LogRecord, ReplicaLog } from "./history.ts";

const DECODER = new TextDecoder();

/** Reads all records of a topic, by partition. */
export async function readLogs(
  client: Client,
  topic: string,
  partitions: number,
): Promise<LogRecord[][]> {
  const read = await readTopic(client, topic, partitions);
  return read.map(({ messages }) =>
    messages.filter((message) => message !== undefined)
      .map((message) => ({ offset: message.offset, value: message.text() }))
  );
}

/** Reads the committed offsets of a group; -1 for none. */
export async function readCommits(
  client: Client,
  group: string,
  topic: string,
  partitions: number,
): Promise<number[]> {
  const offsets: number[] = Array.from({ length: partitions }, () => -1);
  for (const committed of await client.admin().listGroupOffsets(group)) {
    if (committed.topic === topic) offsets[committed.partition] = committed.offset;
  }
  return offsets;
}

/** Reads the files of a broker's copy of a partition; undefined if it has none. */
export async function readReplica(
  data: string,
  broker: number,
  topic: string,
  partition: number,
): Promise<ReplicaLog | undefined> {
  const folder = join(data, `${topic}-${partition}`);
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) if (name.endsWith(".log")) names.push(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const records: LogRecord[] = [];
  for (const name of names.sort()) {
    for (const batch of recordBatches(await Deno.readFile(join(folder, name)))) {
      batch.ensureValid();
      for (const { offset, value } of batch.records()) {
        records.push({ offset, value: DECODER.decode(value ?? new Uint8Array(0)) });
      }
    }
  }
  return { broker, partition, records };
}
