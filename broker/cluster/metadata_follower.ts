/**
 * Follows a `MetadataStore`: shows what is in it key by key, then every change as it comes.
 *
 * What is shown of a key never goes back: a refused commit may show what is there now before the watch
 * does, and a store may repeat itself. When the watch ends, or fails, everything is read again, so
 * nothing is missed.
 *
 * @module
 */

import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import {
  type MetadataEntry,
  type MetadataEvent,
  type MetadataStore,
  MetadataStoreClosedError,
  RevisionCompactedError,
  type RevisionConflictError,
} from "./metadata_store.ts";

/** What to follow, and who looks. */
export interface MetadataFollowerOptions {
  readonly store: MetadataStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with each key that is there or has changed; `undefined` for one that is gone. */
  show(key: string, entry: MetadataEntry | undefined): void;
}

/** How long to wait after an error: at first, and at most. */
const MIN_RETRY_MS = 50;
const MAX_RETRY_MS = 5000;

/** Somebody who looks at a store. */
export class MetadataFollower {
  readonly #options: MetadataFollowerOptions;
  readonly #closing = new AbortController();
  /** Of each key that is there, the commit that was shown. */
  readonly #revisions: Map<string, number> = new Map();
  /** Keys that were shown ahead of the watch, and the store's revisions then. */
  readonly #ahead: Map<string, number> = new Map();
  #revision = 0;
  #waiters: { readonly revision: number; readonly resolve: () => void }[] = [];
  #following: Promise<void> = Promise.resolve();

  constructor(options: MetadataFollowerOptions) {
    this.#options = options;
  }

  /** Shows what is there, and follows from then on. */
  async start(): Promise<void> {
    await this.#load();
    this.#following = this.#follow();
  }

  /** The revision of the store up to which everything was shown. */
  get revision(): number {
    return this.#revision;
  }

  /** The commit of a key that was shown; 0 if it is not there. */
  revisionOf(key: string): number {
    return this.#revisions.get(key) ?? 0;
  }

  /** Resolves when everything up to a revision was shown, or nothing is any more. */
  async caughtUp(revision: number): Promise<void> {
    if (this.#revision >= revision) return;
    await new Promise<void>((resolve) => this.#waiters.push({ revision, resolve }));
  }

  /** Shows what a refused commit has found, unless the watch was first. */
  showConflict({ key, current, revision }: RevisionConflictError): void {
    if (revision <= Math.max(this.#revision, this.#ahead.get(key) ?? 0)) return;
    if ((current?.revision ?? 0) === this.revisionOf(key)) return;
    this.#ahead.set(key, revision);
    this.#show(key, current);
  }

  /** Follows no more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#following;
    this.#advance(Infinity);
  }

  async #load(): Promise<void> {
    const { revision, entries } = await this.#options.store.read();
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
      const startMs = clock.now();
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
        retryMs = clock.now() - startMs > MAX_RETRY_MS ? MIN_RETRY_MS : retryMs * 2;
        await this.#pause(Math.min(retryMs, MAX_RETRY_MS));
      }
    }
    // Nobody waits for what is not shown any more.
    this.#advance(Infinity);
  }

  /** Resolves after a while, or when nothing is followed any more. */
  #pause(ms: number): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const end = () => {
        clock.clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = clock.setTimeout(end, ms);
      signal.addEventListener("abort", end);
    });
  }

  #showEvent({ revision, changes }: MetadataEvent): void {
    for (const { key, entry } of changes) this.#showAt(revision, key, entry);
    this.#advance(revision);
  }

  /** Shows what a key had at a revision of the store, unless that is no news. */
  #showAt(revision: number, key: string, entry: MetadataEntry | undefined): void {
    if (revision <= (this.#ahead.get(key) ?? 0)) return;
    const shown = this.revisionOf(key);
    if (entry === undefined ? shown === 0 || revision <= shown : entry.revision <= shown) return;
    this.#show(key, entry);
  }

  #show(key: string, entry: MetadataEntry | undefined): void {
    if (entry === undefined) this.#revisions.delete(key);
    else this.#revisions.set(key, entry.revision);
    this.#options.show(key, entry);
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
