/**
 * Flags, topic and messages shared by the benchmarks.
 *
 * @module
 */

import type { Admin, CompressionName, ProducerOptions } from "../../../client/mod.ts";
import type { Context } from "../../terminal/context.ts";
import type { Flags } from "../../program/flag.ts";

/** The default topic of benchmarks. */
export const DEFAULT_TOPIC = "dqueue-bench";

/** Number of different message values, which makes compression realistic. */
const VALUE_COUNT = 512;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .";

/** Flags of the benchmarks that write. */
export const writingFlags = {
  size: { type: "bytes", min: 1, default: "100", env: false, doc: "Size of each message's value" },
  partitions: {
    type: "integer",
    min: 1,
    default: 1,
    env: false,
    doc: "Partitions of the topic if it is created",
  },
  acks: {
    choices: ["all", "1", "0"],
    default: "all",
    doc: "Required acknowledgements: all in-sync replicas, the leader, none",
  },
  compression: {
    alias: "z",
    choices: ["none", "gzip", "snappy", "lz4", "zstd"],
    default: "none",
    value: "CODEC",
    doc: "Compression codec",
  },
  batchSize: { type: "bytes", min: 1, env: false, fallback: "256KiB", doc: "Size of full batches" },
  linger: {
    type: "duration",
    env: false,
    fallback: "only while other batches are in flight",
    doc: "How long a batch waits for more messages",
  },
} as const satisfies Flags;

/** The values of {@linkcode writingFlags} that are passed to the producer. */
export interface WritingValues {
  readonly acks: "all" | "1" | "0";
  readonly compression: CompressionName;
  readonly batchSize: number | undefined;
  readonly linger: number | undefined;
}

/** Producer options for the given flags. */
export function producerOptions(values: WritingValues): ProducerOptions {
  const { acks, compression, batchSize, linger } = values;
  return {
    acks: acks === "all" ? "all" : acks === "1" ? 1 : 0,
    compression,
    ...(batchSize === undefined ? {} : { batchSize }),
    ...(linger === undefined ? {} : { lingerMs: linger }),
  };
}

/** Creates the topic unless it exists. Returns whether it was created. */
export async function ensureTopic(
  { signal }: Context,
  admin: Admin,
  name: string,
  partitions: number,
): Promise<boolean> {
  const [result] = await admin.createTopics([{ name, partitions }], { signal });
  if (result!.error === undefined) return true;
  if (result!.error.code === "TOPIC_ALREADY_EXISTS") return false;
  throw result!.error;
}

/** Values of `size` bytes: text with few repetitions, the same in every run. */
export function benchValues(size: number): Uint8Array<ArrayBuffer>[] {
  let state = 0x9e3779b9;
  return Array.from({ length: VALUE_COUNT }, () => {
    const value = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      // xorshift32: Math.random() cannot be seeded.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      value[i] = LETTERS.charCodeAt((state >>> 0) % LETTERS.length);
    }
    return value;
  });
}

/** Amounts and rates as details for people. */
export function throughputDetails(
  messages: number,
  bytes: number,
  elapsedMs: number,
): [name: string, value: string][] {
  const seconds = elapsedMs / 1000;
  return [
    ["Messages", grouped(messages)],
    ["Time", `${seconds.toFixed(2)} s`],
    ["Messages/s", grouped(Math.round(messages / seconds))],
    ["MB/s", (bytes / 1e6 / seconds).toFixed(1)],
  ];
}

/** Amounts and rates as JSON. */
export function throughputToJson(
  messages: number,
  bytes: number,
  elapsedMs: number,
): { [name: string]: number } {
  const seconds = elapsedMs / 1000;
  return {
    messages,
    bytes,
    seconds: Number(seconds.toFixed(3)),
    messages_per_second: Math.round(messages / seconds),
    megabytes_per_second: Number((bytes / 1e6 / seconds).toFixed(2)),
  };
}

function grouped(amount: number): string {
  return String(amount).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
