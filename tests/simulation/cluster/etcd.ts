/**
 * The servers of the metadata store, as one: keys, leases and history, without a network.
 *
 * @module
 */

import {
  type MetadataChange,
  type MetadataEntry,
  type MetadataEvent,
  type MetadataExpectation,
  type MetadataSnapshot,
  RevisionConflictError,
  SESSIONS_PREFIX,
} from "../../../broker/metadata/metadata_store.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import type { Happening, Timeline } from "./timeline.ts";

/** A lease, which expires unless it is kept alive. */
interface Lease {
  readonly ttlMs: number;
  readonly keys: Set<string>;
  expiry: Happening | undefined;
}

/** What etcd needs to know. */
export interface SimEtcdOptions {
  readonly timeline: Timeline;
  random(): Random;
  /** Called with each commit. */
  onCommit?(event: MetadataEvent): void;
}

/** Time after a lease's end until its keys are deleted, at most. */
const EXPIRY_LAG_MS = 500;

/** Linearizable keys with leases. */
export class SimEtcd {
  readonly #options: SimEtcdOptions;
  readonly #entries: Map<string, MetadataEntry> = new Map();
  readonly #leases: Map<string, Lease> = new Map();
  readonly #leaseOf: Map<string, string> = new Map();
  readonly #history: MetadataEvent[] = [];
  readonly #watchers: Set<(event: MetadataEvent) => void> = new Set();
  #revision = 0;
  #compacted = 0;
  #leaseCount = 0;

  constructor(options: SimEtcdOptions) {
    this.#options = options;
  }

  /** The revision of the last commit. */
  get revision(): number {
    return this.#revision;
  }

  /** The revision up to which the history is gone. */
  get compacted(): number {
    return this.#compacted;
  }

  /** All keys but those of sessions. */
  read(): MetadataSnapshot {
    const entries = new Map(this.#entries);
    for (const key of this.#leases.keys()) entries.delete(SESSIONS_PREFIX + key);
    return { revision: this.#revision, entries };
  }

  /** One key. */
  get(key: string): MetadataEntry | undefined {
    return this.#entries.get(key);
  }

  /**
   * Carries out a commit.
   *
   * @returns Its revision; 0 if it changed nothing.
   */
  commit(changes: readonly MetadataChange[], expect: readonly MetadataExpectation[]): number {
    for (const expectation of expect) {
      const current = this.#entries.get(expectation.key);
      if ((current?.revision ?? 0) === expectation.revision) continue;
      throw new RevisionConflictError(expectation, current, this.#revision);
    }
    const gone = new Set<string>();
    for (const change of changes) {
      if ("prefix" in change) {
        for (const key of this.#entries.keys()) if (key.startsWith(change.prefix)) gone.add(key);
      } else if (change.session !== undefined && !this.#leases.has(change.session.name)) {
        throw new Error("etcd answered: requested lease not found");
      } else if (change.value === null && this.#entries.has(change.key)) gone.add(change.key);
    }
    const shown: { key: string; entry: MetadataEntry | undefined }[] = [];
    const revision = this.#revision + 1;
    for (const change of changes) {
      if ("prefix" in change || change.value === null) continue;
      const { key, value, session } = change;
      const created = this.#entries.get(key)?.created ?? revision;
      const entry = { value, revision, created };
      this.#entries.set(key, entry);
      this.#detach(key);
      if (session !== undefined) {
        this.#leaseOf.set(key, session.name);
        this.#leases.get(session.name)!.keys.add(key);
      }
      shown.push({ key, entry });
    }
    for (const key of gone) {
      this.#entries.delete(key);
      this.#detach(key);
      shown.push({ key, entry: undefined });
    }
    if (shown.length === 0) return 0;
    this.#publish({ revision, changes: shown });
    // A session ends when its own key is deleted.
    for (const key of gone) {
      if (key.startsWith(SESSIONS_PREFIX)) this.revoke(key.slice(SESSIONS_PREFIX.length));
    }
    return revision;
  }

  #detach(key: string): void {
    const lease = this.#leaseOf.get(key);
    if (lease === undefined) return;
    this.#leases.get(lease)?.keys.delete(key);
    this.#leaseOf.delete(key);
  }

  #publish(event: MetadataEvent): void {
    this.#revision = event.revision;
    const changes = event.changes.filter(({ key }) => !key.startsWith(SESSIONS_PREFIX));
    const shown = { revision: event.revision, changes };
    this.#history.push(shown);
    this.#options.onCommit?.(shown);
    for (const watcher of this.#watchers) watcher(shown);
  }

  /** Calls `watcher` with the commits after a revision, which must not be compacted. */
  watch(from: number, watcher: (event: MetadataEvent) => void): () => void {
    for (const event of this.#history) if (event.revision > from) watcher(event);
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Forgets the history. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#history.length = 0;
  }

  /** Grants a lease, and sets the key of its session. */
  grant(ttlMs: number): string {
    const name = String(++this.#leaseCount);
    this.#leases.set(name, { ttlMs, keys: new Set(), expiry: undefined });
    this.keepAlive(name);
    const change = { key: SESSIONS_PREFIX + name, value: new Uint8Array(), session: { name } };
    this.commit([change as unknown as MetadataChange], []);
    return name;
  }

  /** Renews a lease; returns whether it exists. */
  keepAlive(name: string): boolean {
    const lease = this.#leases.get(name);
    if (lease === undefined) return false;
    if (lease.expiry !== undefined) lease.expiry.callback = undefined;
    const lagMs = this.#options.random().next() * EXPIRY_LAG_MS;
    lease.expiry = this.#options.timeline.after(lease.ttlMs + lagMs, () => this.revoke(name));
    return true;
  }

  /** Ends a lease and deletes its keys. */
  revoke(name: string): void {
    const lease = this.#leases.get(name);
    if (lease === undefined) return;
    if (lease.expiry !== undefined) lease.expiry.callback = undefined;
    this.#leases.delete(name);
    const changes = Array.from(lease.keys, (key) => ({ key, value: null }));
    if (changes.length > 0) this.commit(changes, []);
  }

  /** A new leader of etcd grants all leases their whole time once more. */
  elect(): void {
    for (const name of [...this.#leases.keys()]) this.keepAlive(name);
  }

  /** Ends all leases, as a stalled leader of etcd can. */
  revokeAll(): void {
    for (const name of [...this.#leases.keys()]) this.revoke(name);
  }
}
