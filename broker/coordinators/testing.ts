/**
 * A coordinator's topic in memory, whose leaders a test elects.
 *
 * @module
 */

import type { CoordinatorTopic } from "./coordinator_topic.ts";

/** A topic of logs in memory. */
export class MemoryTopic<L> implements CoordinatorTopic<L> {
  readonly name: string;
  readonly logs: L[];
  #isCreated: boolean;
  /** Epochs of partitions that are led in another than 0; undefined for one that is not led here. */
  readonly leaderEpochs: Map<number, number | undefined> = new Map();
  /** Partitions that this broker leads without being sure of it. */
  readonly unserved: Set<number> = new Set();
  readonly #listeners: Set<() => void> = new Set();

  constructor(name: string, logs: L[], isCreated = true) {
    this.name = name;
    this.logs = logs;
    this.#isCreated = isCreated;
  }

  get partitionCount(): number {
    return this.#isCreated ? this.logs.length : 0;
  }

  // deno-lint-ignore require-await
  async create(): Promise<void> {
    this.#isCreated = true;
  }

  leaderEpoch(index: number): number | undefined {
    return this.leaderEpochs.has(index) ? this.leaderEpochs.get(index) : 0;
  }

  isServed(index: number): boolean {
    return !this.unserved.has(index);
  }

  /** Elects this broker in an epoch, or another. */
  elect(index: number, leaderEpoch: number | undefined): void {
    this.leaderEpochs.set(index, leaderEpoch);
    this.changed();
  }

  /** Says that it has changed. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  log(index: number): L | undefined {
    return this.leaderEpoch(index) === undefined ? undefined : this.logs[index];
  }
}
