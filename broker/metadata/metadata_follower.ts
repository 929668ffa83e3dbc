/**
 * Follows a `MetadataStore`: reports its content key by key, then every change.
 *
 * A key never goes back to an older state: a rejected commit may report a key's current state
 * before the watch does, and a store may repeat events. When the watch ends or fails, everything is
 * read again, so that nothing is missed.
 *
 * @module
 */

import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import { pause } from "../time/pause.ts";
import {
  type MetadataEntry,
  type MetadataEvent,
  type MetadataStore,
  MetadataStoreClosedError,
  RevisionCompactedError,
  type RevisionConflictError,
} from "./metadata_store.ts";

/** Options of a follower. */
export interface MetadataFollowerOptions {
  readonly store: MetadataStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Called with each existing or changed key; `undefined` for a deleted one.
   *
   * @param revision A revision of the store at which the key has that state.
   */
  show(key: string, entry: MetadataEntry | undefined, revision: number): void;
}

/** Delay after an error: the first and the longest. */
const MIN_RETRY_MS = 50;
const MAX_RETRY_MS = 5000;

/** A follower of a store. */
export class MetadataFollower {
  readonly #options: MetadataFollowerOptions;
  readonly #closing = new AbortController();
  /** The revision reported for each key. */
  readonly #revisions: Map<string, number> = new Map();
  /** Keys reported before the watch, with the store's revision at that time. */
  readonly #ahead: Map<string, number> = new Map();
  #revision = 0;
  #waiters: { readonly revision: number; readonly resolve: () => void }[] = [];
  #isLoading = false;
  #following: Promise<void> = Promise.resolve();

  constructor(options: MetadataFollowerOptions) {
    this.#options = options;
  }

  /** Reports the store's content and follows changes from then on. */
  async start(): Promise<void> {
    await this.#load();
    this.#following = this.#follow();
  }

  /** The revision of the store up to which everything has been reported. */
  get revision(): number {
    return this.#revision;
  }

  /** The reported revision of a key; 0 if it does not exist. */
  revisionOf(key: string): number {
    return this.#revisions.get(key) ?? 0;
  }

  /** Resolves when everything up to a revision has been reported, or the follower is closed. */
  async caughtUp(revision: number): Promise<void> {
    if (this.#revision >= revision) return;
    await new Promise<void>((resolve) => this.#waiters.push({ revision, resolve }));
  }

  /** Reports the state that a rejected commit found, unless the watch has reported it. */
  showConflict({ key, current, revision }: RevisionConflictError): void {
    if (revision <= Math.max(this.#revision, this.#ahead.get(key) ?? 0)) return;
    if ((current?.revision ?? 0) === this.revisionOf(key)) return;
    this.#ahead.set(key, revision);
    this.#show(key, current, revision);
  }

  /** Stops following. A read under way ends with the store. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (!this.#isLoading) await this.#following;
    this.#advance(Infinity);
  }

  async #load(): Promise<void> {
    this.#isLoading = true;
    const { revision, entries } = await this.#options.store.read()
      .finally(() => this.#isLoading = false);
    if (this.#closing.signal.aborted) return;
    for (const key of [...this.#revisions.keys()]) {
      if (!entries.has(key)) this.#showAt(revision, key, undefined);
    }
    for (const [key, entry] of entries) this.#showAt(revision, key, entry);
    this.#advance(revision);
  }

  async #follow(): Promise<void> {
    const { store, clock, logger } = this.#options;
    const { signal } = this.#closing;
    let retryMs = MIN_RETRY_MS;
    for (let isLoaded = true; !signal.aborted; isLoaded = false) {
      const startMs = clock.monotonic();
      try {
        if (!isLoaded) await this.#load();
        for await (const event of store.watch(this.#revision, { signal })) this.#showEvent(event);
      } catch (error) {
        if (signal.aborted) break;
        if (error instanceof RevisionCompactedError) continue;
        if (error instanceof MetadataStoreClosedError) {
          logger.error("Cannot follow the cluster's metadata", { error });
          break;
        }
        logger.warn("Cannot follow the cluster's metadata for the moment", { error });
        retryMs = clock.monotonic() - startMs > MAX_RETRY_MS ? MIN_RETRY_MS : retryMs * 2;
        await pause(this.#options.clock, Math.min(retryMs, MAX_RETRY_MS), this.#closing.signal);
      }
    }
    // Nothing is reported any more, so waiting for it must end.
    this.#advance(Infinity);
  }

  #showEvent({ revision, changes }: MetadataEvent): void {
    for (const { key, entry } of changes) this.#showAt(revision, key, entry);
    this.#advance(revision);
  }

  /** Reports the state of a key at a revision of the store, unless it is known. */
  #showAt(revision: number, key: string, entry: MetadataEntry | undefined): void {
    if (revision <= (this.#ahead.get(key) ?? 0)) return;
    const shown = this.revisionOf(key);
    if (entry === undefined ? shown === 0 || revision <= shown : entry.revision <= shown) return;
    this.#show(key, entry, revision);
  }

  #show(key: string, entry: MetadataEntry | undefined, revision: number): void {
    if (entry === undefined) this.#revisions.delete(key);
    else this.#revisions.set(key, entry.revision);
    this.#options.show(key, entry, entry?.revision ?? revision);
  }

  #advance(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
    for (const [key, shownAt] of this.#ahead) if (shownAt <= revision) this.#ahead.delete(key);
    const due = this.#waiters.filter((waiter) => waiter.revision <= revision);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
    for (const { resolve } of due) resolve();
  }
}
