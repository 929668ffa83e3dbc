/**
 * Reads partitions that a client has named, without being a member of the group.
 *
 * @module
 */

import type { Consumer, IsolationLevel, Message, TopicPartition } from "../../../client/mod.ts";

/** How long one fetch waits while nothing is there. */
const WAIT_MS = 100;
const FETCH_BYTES = 256 * 1024;

/** Reads partitions in turn. */
export class AssignedReader {
  readonly #consumer: Consumer;
  readonly #isolation: IsolationLevel;
  /** The next offset of each partition. */
  readonly #positions: Map<string, TopicPartition & { offset: number }> = new Map();

  constructor(consumer: Consumer, isolation: IsolationLevel) {
    this.#consumer = consumer;
    this.#isolation = isolation;
  }

  /** The partitions. */
  get assignment(): TopicPartition[] {
    return Array.from(this.#positions.values(), ({ topic, partition }) => ({ topic, partition }));
  }

  /** Whether a partition belongs to it. */
  has({ topic, partition }: TopicPartition): boolean {
    return this.#positions.has(keyOf({ topic, partition }));
  }

  /** Sets the next offset of a partition, which belongs to it from then on. */
  seek({ topic, partition }: TopicPartition, offset: number): void {
    this.#positions.set(keyOf({ topic, partition }), { topic, partition, offset });
  }

  /** Returns records, or waits for the first. */
  async poll(timeoutMs: number, signal: AbortSignal): Promise<Message[]> {
    const untilMs = performance.now() + timeoutMs;
    const found: Message[] = [];
    for (;;) {
      const leftMs = untilMs - performance.now();
      for (const position of this.#positions.values()) {
        const { topic, partition, offset } = position;
        const isLast = this.#positions.size === 1;
        const { messages, nextOffset } = await this.#consumer.fetchFrom(topic, partition, offset, {
          maxBytes: FETCH_BYTES,
          isolation: this.#isolation,
          maxWaitMs: isLast ? Math.max(0, Math.min(WAIT_MS, leftMs)) : 0,
          signal,
        });
        // The client may have moved it meanwhile.
        if (position.offset !== offset) continue;
        position.offset = nextOffset;
        found.push(...messages);
      }
      if (found.length > 0 || leftMs <= 0 || signal.aborted) return found;
      if (this.#positions.size !== 1) {
        await new Promise<void>((resolve) => setTimeout(resolve, Math.min(WAIT_MS, leftMs)));
      }
    }
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`;
}
