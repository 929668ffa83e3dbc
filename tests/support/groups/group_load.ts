/**
 * Numbered messages for groups to work on, from the beginning of a test to its end.
 *
 * @module
 */

import type { Producer } from "../../../client/mod.ts";

/** Time between two messages for each partition: much less than the clients can take. */
const INTERVAL_MS = 20;

/** Writes a message to each partition again and again, each with a number of its own. */
export class GroupLoad {
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #sending = new Set<Promise<void>>();
  #sent = 0;
  #failure: { error: unknown } | undefined;
  /** The values that are written, by partition and offset. */
  readonly written: readonly string[][];

  constructor(producer: Producer, topic: string, partitions: number) {
    this.#producer = producer;
    this.#topic = topic;
    this.written = Array.from({ length: partitions }, () => []);
    this.#timer = setInterval(() => {
      for (let partition = 0; partition < partitions; partition++) this.#send(partition);
    }, INTERVAL_MS);
  }

  /** The offset behind the last message of each partition, as far as is known by now. */
  get ends(): number[] {
    return this.written.map(({ length }) => length);
  }

  /** Ends it; all messages are written when this resolves. Fails if one is not. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#sending);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #send(partition: number): void {
    const value = `${this.#sent++}`;
    const sending = this.#producer.send({ topic: this.#topic, partition, value }).then(
      ({ offset }) => {
        this.written[partition]![offset] = value;
      },
      (error) => {
        this.#failure ??= { error };
      },
    ).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#sending);
  }
}
