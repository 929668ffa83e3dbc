/**
 * A broker's access to a store shared by several brokers of a process: closing it ends only the
 * broker's own sessions.
 *
 * @module
 */

import { LinkedSignal } from "../../protocol/linked_signal.ts";
import {
  type AbortOptions,
  type CommitOptions,
  type MetadataChange,
  type MetadataEntry,
  type MetadataEvent,
  type MetadataLogState,
  type MetadataSession,
  type MetadataSnapshot,
  type MetadataStore,
  MetadataStoreClosedError,
} from "./metadata_store.ts";

/** One broker's access to a shared store. */
export class SharedMetadataStore implements MetadataStore {
  readonly #store: MetadataStore;
  readonly #sessions: Set<MetadataSession> = new Set();
  readonly #closing = new AbortController();

  constructor(store: MetadataStore) {
    this.#store = store;
  }

  get logState(): MetadataLogState | undefined {
    return this.#store.logState;
  }

  async read(): Promise<MetadataSnapshot> {
    this.#ensureOpen();
    return await this.#store.read();
  }

  async get(key: string): Promise<MetadataEntry | undefined> {
    this.#ensureOpen();
    return await this.#store.get(key);
  }

  async commit(changes: readonly MetadataChange[], options?: CommitOptions): Promise<number> {
    this.#ensureOpen();
    return await this.#store.commit(changes, options);
  }

  async *watch(from: number, { signal }: AbortOptions): AsyncGenerator<MetadataEvent, void> {
    using ended = new LinkedSignal(signal, this.#closing.signal);
    yield* this.#store.watch(from, { signal: ended.signal });
  }

  async session(ttlMs: number): Promise<MetadataSession> {
    this.#ensureOpen();
    const session = await this.#store.session(ttlMs);
    this.#sessions.add(session);
    session.lost.then(() => this.#sessions.delete(session));
    if (this.#closing.signal.aborted) await session.end();
    return session;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const session of [...this.#sessions]) await session.end();
  }

  #ensureOpen(): void {
    if (!this.#closing.signal.aborted) return;
    throw new MetadataStoreClosedError("Cannot use metadata: the store is closed");
  }
}
