/**
 * Numbered messages for groups to read, written throughout a test.
 *
 * @module
 */

import type { Producer } from "../../../client/mod.ts";

/** Time between two messages of a partition: far more than clients need to process one. */
const INTERVAL_MS = 20;

/** Writes numbered messages to each partition until it is stopped. */
export class GroupLoad {
  readonly #producer: Producer;
  readonly #topic: string;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #sending = new Set<Promise<void>>();
  #sent = 0;
  #failure: { error: unknown } | undefined;
  /** The written values, by partition and offset. */
  readonly written: readonly string[][];

  constructor(producer: Producer, topic: string, partitions: number) {
    this.#producer = producer;
    this.#topic = topic;
    this.written = Array.from({ length: partitions }, () => []);
    this.#timer = setInterval(() => {
      for (let partition = 0; partition < partitions; partition++) this.#send(partition);
    }, INTERVAL_MS);
  }

  /** The offset after the last acknowledged message of each partition. */
  get ends(): number[] {
    return this.written.map(({ length }) => length);
  }

  /** Stops. Resolves when all messages are written, and fails if one could not be. */
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
