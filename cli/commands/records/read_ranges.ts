/**
 * Reads ranges of partitions with a consumer, until they end or without a limit.
 *
 * @module
 */

import type { Consumer, Message } from "../../../client/mod.ts";
import type { PartitionRange } from "../../../client/text/partition_ranges.ts";

/** Maximum number of messages yielded together. */
const MAX_BATCH_COUNT = 2000;
/**
 * How long to wait for messages before checking for the end, which may not have a message: the last
 * offsets of a partition may be transaction markers, or compacted away.
 */
const END_CHECK_MS = 200;
const IDLE_MS = 60_000;

/** What to read, and how much. */
export interface ReadOptions {
  /** Whether to also read partitions of the topics that are created later. */
  readonly readsNewPartitions: boolean;
  /** Maximum number of messages to read in total. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/**
 * Reads ranges, alternating between partitions and in order within each. Ends when all ranges have
 * ended, or the limit is reached.
 *
 * @returns Non-empty arrays of messages, all within their ranges.
 * @throws The reason of the signal.
 */
export async function* readRanges(
  consumer: Consumer,
  ranges: readonly PartitionRange[],
  options: ReadOptions,
): AsyncGenerator<Message[], void, void> {
  const { signal, limit } = options;
  const open = new OpenRanges(consumer, ranges, options.readsNewPartitions);
  await open.subscribe(signal);
  const timeoutMs = ranges.some(({ to }) => to !== undefined) ? END_CHECK_MS : IDLE_MS;
  for (let count = 0; count < limit && !open.isEmpty;) {
    const polled = await consumer.poll(Math.min(MAX_BATCH_COUNT, limit - count), {
      timeoutMs,
      signal,
    });
    const messages = open.inside(polled);
    count += messages.length;
    if (messages.length > 0) yield messages;
    open.close();
  }
}

/** Ranges that have not ended. */
class OpenRanges {
  readonly #consumer: Consumer;
  readonly #ranges: readonly PartitionRange[];
  readonly #readsNewPartitions: boolean;
  /** Ranges with an end. */
  readonly #bounded = new Map<string, PartitionRange>();
  readonly #known: ReadonlyMap<string, PartitionRange>;
  #unboundedCount = 0;

  constructor(
    consumer: Consumer,
    ranges: readonly PartitionRange[],
    readsNewPartitions: boolean,
  ) {
    this.#consumer = consumer;
    this.#ranges = ranges;
    this.#readsNewPartitions = readsNewPartitions;
    this.#known = new Map(ranges.map((range) => [keyOf(range), range]));
    for (const range of ranges) {
      if (range.to === undefined) this.#unboundedCount++;
      else if (range.from < range.to) this.#bounded.set(keyOf(range), range);
    }
  }

  get isEmpty(): boolean {
    return this.#unboundedCount === 0 && this.#bounded.size === 0;
  }

  async subscribe(signal: AbortSignal): Promise<void> {
    if (this.isEmpty) return;
    const topics = [...new Set(this.#ranges.map(({ topic }) => topic))];
    // Messages fetched before the seek are discarded, so start where there are few.
    const isStart = this.#ranges.every(({ from, start }) => from === start);
    await this.#consumer.subscribe(topics, { from: isStart ? "earliest" : "latest", signal });
    for (const { topic, partition } of this.#consumer.assignment) {
      const range = this.#known.get(keyOf({ topic, partition }));
      if (range === undefined || !this.#isOpen(range)) {
        this.#consumer.pause(topic, partition);
      } else if (this.#consumer.position(topic, partition) !== range.from) {
        await this.#consumer.seek(topic, partition, range.from, { signal });
      }
    }
  }

  /** The messages that are within their ranges. */
  inside(messages: Message[]): Message[] {
    if (this.#bounded.size === 0 && this.#readsNewPartitions) return messages;
    return messages.filter((message) => {
      const key = keyOf(message);
      const to = this.#bounded.get(key)?.to;
      if (to !== undefined) return message.offset < to;
      if (this.#known.has(key)) return this.#unboundedCount > 0;
      if (!this.#readsNewPartitions) this.#consumer.pause(message.topic, message.partition);
      return this.#readsNewPartitions;
    });
  }

  /** Removes the ranges that have ended. */
  close(): void {
    for (const [key, { topic, partition, to }] of this.#bounded) {
      if ((this.#consumer.position(topic, partition) ?? -1) < to!) continue;
      this.#consumer.pause(topic, partition);
      this.#bounded.delete(key);
    }
  }

  #isOpen(range: PartitionRange): boolean {
    return range.to === undefined || range.from < range.to;
  }
}

function keyOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}-${partition}`;
}
