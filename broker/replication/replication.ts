/**
 * Starts replication with the first partition that has several replicas. A broker without any does
 * not load it.
 *
 * @module
 */

import type { PartitionReplication, ReplicatedPartition } from "../roles/replicated_partition.ts";
import type { ReplicationManager, ReplicationOptions } from "./replication_manager.ts";

/** Loaded when it is needed. */
const MANAGER = "./replication_manager.ts";

let loading: Promise<typeof import("./replication_manager.ts")> | undefined;

/** Loads what replication needs. */
export function loadReplication(): Promise<typeof import("./replication_manager.ts")> {
  return loading ??= import(MANAGER);
}

/** The replication of one broker, once it is needed. */
export class Replication implements PartitionReplication {
  readonly #options: ReplicationOptions;
  /** Partitions that wait for the manager. */
  readonly #waiting: Set<ReplicatedPartition> = new Set();
  #manager: ReplicationManager | undefined;
  #starting: Promise<void> | undefined;
  #isStarted = false;
  #isClosed = false;

  constructor(options: ReplicationOptions) {
    this.#options = options;
  }

  nowMs(): number {
    return this.#options.clock.monotonic();
  }

  /** Begins to fetch, and to change ISRs: the broker is registered. */
  start(): void {
    this.#isStarted = true;
    if (this.#waiting.size > 0) this.#start();
  }

  onRole(partition: ReplicatedPartition): void {
    if (this.#isClosed) return;
    if (this.#manager !== undefined) return this.#manager.onRole(partition);
    this.#waiting.add(partition);
    if (this.#isStarted) this.#start();
  }

  onInSyncDue(partition: ReplicatedPartition): void {
    this.#manager?.onInSyncDue(partition);
  }

  /** Stops. What is being appended is on disk when this resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#starting;
    await this.#manager?.close();
  }

  #start(): void {
    this.#starting ??= this.#load();
  }

  async #load(): Promise<void> {
    const { ReplicationManager } = await loadReplication();
    if (this.#isClosed) return;
    const manager = this.#manager = new ReplicationManager(this.#options);
    for (const partition of this.#waiting) manager.onRole(partition);
    this.#waiting.clear();
  }
}
