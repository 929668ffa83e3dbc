/**
 * Serves a metadata store to a broker in another thread over a `MessagePort`.
 *
 * The store must be the thread's own part, a `SharedMetadataStore`: when the thread is gone, its sessions
 * end with that.
 *
 * @module
 */

import type { MetadataChange, MetadataSession, MetadataStore } from "../metadata_store.ts";
import { type Call, type Reply, type SentCall, type SentChange, sentError } from "./calls.ts";

/** Serves one thread. */
export class MetadataStoreServer implements AsyncDisposable {
  readonly #store: MetadataStore;
  readonly #port: MessagePort;
  readonly #sessions: Map<number, MetadataSession> = new Map();
  readonly #watches: Map<number, AbortController> = new Map();
  #isClosed = false;

  /**
   * @param store Closed with the server.
   * @param port Its other end is given to a `PortMetadataStore`.
   */
  constructor(store: MetadataStore, port: MessagePort) {
    this.#store = store;
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<SentCall>) => void this.#serve(data);
  }

  /** Ends the thread's sessions and watches. Closing twice is allowed. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    for (const watch of this.#watches.values()) watch.abort();
    await this.#store.close();
    this.#reply({ isClosed: true });
    this.#isClosed = true;
    this.#port.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve({ id, call }: SentCall): Promise<void> {
    try {
      this.#reply({ id, value: await this.#do(id, call) });
    } catch (error) {
      this.#reply({ id, error: sentError(error) });
    }
  }

  async #do(id: number, call: Call): Promise<unknown> {
    switch (call.name) {
      case "read":
        return await this.#store.read();
      case "get":
        return await this.#store.get(call.key);
      case "commit":
        return await this.#store.commit(call.changes.map((change) => this.#received(change)), {
          expect: call.expect,
        });
      case "session":
        return await this.#begin(id, call.ttlMs);
      case "end":
        return await this.#sessions.get(call.session)?.end();
      case "watch":
        return await this.#watch(id, call.from);
      case "unwatch":
        return this.#watches.get(call.watch)?.abort();
    }
  }

  #received(change: SentChange): MetadataChange {
    if (!("key" in change) || change.session === undefined) return change as MetadataChange;
    const session = this.#sessions.get(change.session);
    if (session === undefined) throw new TypeError("The session has ended");
    return { key: change.key, value: change.value, session };
  }

  async #begin(id: number, ttlMs: number): Promise<number> {
    const session = await this.#store.session(ttlMs);
    this.#sessions.set(id, session);
    session.lost.then(() => {
      this.#sessions.delete(id);
      this.#reply({ lost: id });
    });
    return id;
  }

  async #watch(id: number, from: number): Promise<void> {
    const watch = new AbortController();
    this.#watches.set(id, watch);
    try {
      for await (const event of this.#store.watch(from, { signal: watch.signal })) {
        this.#reply({ watch: id, event });
      }
    } finally {
      this.#watches.delete(id);
    }
  }

  #reply(reply: Reply): void {
    if (!this.#isClosed) this.#port.postMessage(reply);
  }
}
