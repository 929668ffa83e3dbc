/**
 * Adds partitions to a transaction of the older flow before their first batch is sent.
 *
 * All partitions that ask in the same turn go into one request, and those that ask while it is in
 * flight into the next: a record of the coordinator holds all partitions, so one each would cost the
 * square.
 *
 * @module
 */

import { asDqueueError, type DqueueError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";

/** What adds partitions, and hears of it. */
export interface EnrolmentOffice {
  /** Adds partitions. */
  add(places: readonly TopicPartition[]): Promise<void>;
  /** Some were added. */
  onAdded(): void;
  /** Some cannot be added. */
  onFailure(error: DqueueError): void;
}

/** The partitions of a transaction. */
export class PartitionEnrolment {
  readonly #office: EnrolmentOffice;
  readonly #added = new Set<string>();
  #waiting = new Map<string, TopicPartition>();
  #adding: Promise<void> | undefined;

  constructor(office: EnrolmentOffice) {
    this.#office = office;
  }

  /** Whether a partition is part of the transaction; if not, it is added. */
  admit(topic: string, partition: number): boolean {
    const key = `${topic}-${partition}`;
    if (this.#added.has(key)) return true;
    this.#waiting.set(key, { topic, partition });
    // At the end of the turn, with all others that ask in it.
    this.#adding ??= Promise.resolve().then(() => this.#run());
    return false;
  }

  /** Resolves when no request is in flight. */
  async settled(): Promise<void> {
    this.#waiting.clear();
    await this.#adding;
  }

  /** Forgets all partitions, for the next transaction. */
  clear(): void {
    this.#added.clear();
    this.#waiting.clear();
  }

  async #run(): Promise<void> {
    while (this.#waiting.size > 0) {
      const places = this.#waiting;
      this.#waiting = new Map();
      for (const key of this.#added) places.delete(key);
      if (places.size === 0) continue;
      try {
        await this.#office.add([...places.values()]);
      } catch (error) {
        this.#waiting.clear();
        this.#office.onFailure(asDqueueError("add partitions to the transaction", error));
        break;
      }
      for (const key of places.keys()) this.#added.add(key);
      this.#office.onAdded();
    }
    this.#adding = undefined;
  }
}
