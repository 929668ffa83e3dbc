/**
 * The transactional ids of a shard in memory: their states, and what is asked about all of them.
 *
 * Timeouts, and what a broker tells about itself, need the Ongoing ones only, which are known apart: there
 * are few of them, and there may be ids by the hundred thousand that nobody uses any more.
 *
 * @module
 */

import {
  type KnownTransaction,
  STATE_NAMES,
  type Transaction,
  type TransactionPartitions,
  TransactionState,
} from "./model/mod.ts";

/** A transactional id. */
export interface Entry extends KnownTransaction {
  current: Transaction | undefined;
  isPending: boolean;
  /** Called when nothing is being written, and no marker. */
  waiting: Set<() => void> | undefined;
  /** What it counts in the memory. */
  bytes: number;
}

/** What the transactional ids of a broker take of its memory, about. */
export interface TransactionMemory {
  bytes: number;
}

/** The parts of an id's memory, about: the state, and each topic and partition of its transaction. */
const ID_BYTES = 500;
const TOPIC_BYTES = 300;
const PARTITION_BYTES = 40;

/** About how much memory an id takes in a state. */
export function memoryOf(
  transactionalId: string,
  { partitions }: { readonly partitions: TransactionPartitions },
): number {
  let bytes = ID_BYTES + 2 * transactionalId.length;
  for (const indexes of partitions.values()) bytes += TOPIC_BYTES + PARTITION_BYTES * indexes.size;
  return bytes;
}

/** The ids of a shard. */
export class TransactionTable {
  readonly #memory: TransactionMemory;
  readonly #entries: Map<string, Entry> = new Map();
  /** Those of which a transaction is Ongoing, the oldest first. */
  readonly #ongoing: Map<string, Entry> = new Map();
  readonly #counts: number[] = STATE_NAMES.map(() => 0);

  constructor(memory: TransactionMemory) {
    this.#memory = memory;
  }

  /** How many ids are in each state. */
  get counts(): readonly number[] {
    return this.#counts;
  }

  /** When the oldest Ongoing transaction began, in milliseconds since the epoch. */
  get oldestStartMs(): number | undefined {
    const { value: oldest } = this.#ongoing.values().next();
    return oldest?.current?.startMs;
  }

  /** What is known of an id. */
  get(transactionalId: string): Entry | undefined {
    return this.#entries.get(transactionalId);
  }

  /** All ids. */
  all(): Iterable<[transactionalId: string, Entry]> {
    return this.#entries;
  }

  /** The ids of which a transaction is Ongoing. */
  ongoing(): Iterable<[transactionalId: string, Entry]> {
    return this.#ongoing;
  }

  /** The entry of an id, which will be in a state soon, and counts as if it were. */
  reserve(transactionalId: string, next: Transaction | undefined): Entry {
    let entry = this.#entries.get(transactionalId);
    if (entry === undefined) {
      entry = { current: undefined, isPending: false, waiting: undefined, bytes: 0 };
      this.#entries.set(transactionalId, entry);
    }
    if (next !== undefined) {
      this.#count(entry, Math.max(entry.bytes, memoryOf(transactionalId, next)));
    }
    return entry;
  }

  /** Sets the state of an id; `undefined` removes it. */
  set(transactionalId: string, entry: Entry, next: Transaction | undefined): void {
    const { current } = entry;
    if (current !== undefined) this.#counts[current.state]!--;
    entry.current = next;
    if (next === undefined) this.#entries.delete(transactionalId);
    else this.#counts[next.state]!++;
    this.#count(entry, next === undefined ? 0 : memoryOf(transactionalId, next));
    if (next?.state === TransactionState.ongoing) this.#ongoing.set(transactionalId, entry);
    else this.#ongoing.delete(transactionalId);
  }

  /** Orders the Ongoing ones by their age, which their records may not be. */
  sort(): void {
    const sorted = [...this.#ongoing].sort(([, a], [, b]) =>
      a.current!.startMs - b.current!.startMs
    );
    this.#ongoing.clear();
    for (const [transactionalId, entry] of sorted) this.#ongoing.set(transactionalId, entry);
  }

  /** Removes all; returns what was there. */
  clear(): Entry[] {
    const entries = [...this.#entries.values()];
    for (const entry of entries) this.#count(entry, 0);
    this.#entries.clear();
    this.#ongoing.clear();
    this.#counts.fill(0);
    return entries;
  }

  #count(entry: Entry, bytes: number): void {
    this.#memory.bytes += bytes - entry.bytes;
    entry.bytes = bytes;
  }
}
