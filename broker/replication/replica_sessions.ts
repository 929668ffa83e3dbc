/**
 * Fetch sessions of followers (KIP-227), as their leader keeps them.
 *
 * A follower fetches all its partitions in one session, which tells of changes only. So does the
 * leader: what a request costs depends on the partitions that have news, not on how many there are.
 * These sessions are not evicted, and take nothing from the sessions and the memory of consumers.
 *
 * A request that is sent after the answer to the one before also proves something: when that answer
 * was sent, or later, the follower followed this leader in each partition of the session.
 *
 * @module
 */

import type { ReplicatedPartition } from "../roles/replicated_partition.ts";

/** What a follower last said about a partition. */
export interface ReplicaPosition {
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly maxBytes: number;
}

/** A partition of a session. */
export interface ReplicaEntry {
  position: ReplicaPosition;
  /** Whether the leader has not looked at the position yet. */
  isNew: boolean;
  readonly unsubscribe: (() => void) | undefined;
}

/** A follower's session. */
export class ReplicaSession {
  readonly id: number;
  readonly replicaId: number;
  readonly replicaEpoch: number;
  /** The epoch that the next request must carry. */
  nextEpoch = 1;
  /** Resolves when the request that is being served has been; undefined if none is. */
  #serving: Promise<void> | undefined;
  #hasNext = false;
  #isClosed = false;
  /** Partitions that may have news, in the order in which they got them. */
  readonly ready: Set<ReplicaEntry> = new Set();
  readonly #entries: Map<string, ReplicaEntry> = new Map();
  /** Called when a partition may have news. */
  onNews: () => void = () => {};
  /** Ends the wait of the request that is being served. */
  onNext: () => void = () => {};
  /** When the last request was answered. */
  #answeredMs = -Infinity;
  #provenMs = -Infinity;

  constructor(id: number, replicaId: number, replicaEpoch: number) {
    this.id = id;
    this.replicaId = replicaId;
    this.replicaEpoch = replicaEpoch;
  }

  /**
   * Serves a request after the one before, whose wait ends: the follower has something to say.
   *
   * @returns Undefined if another one is next already.
   */
  serve<T>(request: () => Promise<T>): Promise<T> | undefined {
    if (this.#hasNext) return undefined;
    const before = this.#serving;
    if (before !== undefined) {
      this.#hasNext = true;
      this.onNext();
    }
    const served = this.#serveAfter(before, request);
    const ended = served.then(() => {}, () => {}).then(() => {
      if (this.#serving === ended) this.#serving = undefined;
    });
    this.#serving = ended;
    return served;
  }

  async #serveAfter<T>(before: Promise<void> | undefined, request: () => Promise<T>): Promise<T> {
    if (before !== undefined) {
      await before;
      this.#hasNext = false;
    }
    return await request();
  }

  /** Whether it has ended: its positions may be older than those of the follower's next session. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Number of partitions. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Notes a request that the follower sends when all before are answered. What arrives late, because
   * this process or the network stood still, proves nothing new by that.
   */
  prove(): void {
    this.#provenMs = this.#answeredMs;
  }

  /** Notes that a request is about to be answered. */
  answered(nowMs: number): void {
    this.#answeredMs = nowMs;
  }

  /** When the follower last had a request here, as far as can be told: now, if it has one. */
  heardMs(nowMs: number): number {
    return this.#serving === undefined ? this.#answeredMs : nowMs;
  }

  /** Until when the follower certainly followed this leader in a partition, in an epoch of it. */
  followedUntilMs(topicId: string, index: number, leaderEpoch: number): number {
    const position = this.#entries.get(keyOf(topicId, index))?.position;
    return position?.leaderEpoch === leaderEpoch ? this.#provenMs : -Infinity;
  }

  /** Adds a partition, or replaces its position. */
  set(position: ReplicaPosition, partition: ReplicatedPartition | undefined): void {
    const key = keyOf(position.topicId, position.index);
    let entry = this.#entries.get(key);
    if (entry === undefined || entry.unsubscribe === undefined) {
      const added: ReplicaEntry = {
        position,
        isNew: true,
        unsubscribe: partition?.subscribeReplica(() => {
          this.ready.add(added);
          this.onNews();
        }),
      };
      if (entry !== undefined) this.ready.delete(entry);
      entry = added;
      this.#entries.set(key, entry);
    }
    entry.position = position;
    entry.isNew = true;
    this.ready.add(entry);
  }

  /** Removes a partition. */
  delete(topicId: string, index: number): void {
    const key = keyOf(topicId, index);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.unsubscribe?.();
    this.ready.delete(entry);
    this.#entries.delete(key);
  }

  /** Ends the session. */
  close(): void {
    this.#isClosed = true;
    for (const { unsubscribe } of this.#entries.values()) unsubscribe?.();
    this.#entries.clear();
    this.ready.clear();
    this.onNews();
  }
}

/** The sessions of all followers, one each. */
export class ReplicaSessions {
  readonly #byReplica: Map<number, ReplicaSession> = new Map();
  #lastId = 0;

  /** The session of a follower, if this is its id. */
  get(replicaId: number, id: number): ReplicaSession | undefined {
    const session = this.#byReplica.get(replicaId);
    return session?.id === id ? session : undefined;
  }

  /** The session of a follower, if it has one. */
  of(replicaId: number): ReplicaSession | undefined {
    return this.#byReplica.get(replicaId);
  }

  /** Opens a session, which replaces the one that the follower had. */
  open(replicaId: number, replicaEpoch: number): ReplicaSession {
    this.#byReplica.get(replicaId)?.close();
    const session = new ReplicaSession(++this.#lastId, replicaId, replicaEpoch);
    this.#byReplica.set(replicaId, session);
    return session;
  }

  /** Ends a session. */
  close(session: ReplicaSession): void {
    session.close();
    if (this.#byReplica.get(session.replicaId) !== session) return;
    this.#byReplica.delete(session.replicaId);
  }
}

function keyOf(topicId: string, index: number): string {
  return `${index} ${topicId}`;
}
