/**
 * The metadata store of another thread, used over a `MessagePort`.
 *
 * @module
 */

import { LinkedSignal } from "../../../protocol/linked_signal.ts";
import {
  type AbortOptions,
  checkCommitSize,
  type CommitOptions,
  type MetadataChange,
  type MetadataEntry,
  type MetadataEvent,
  type MetadataSession,
  type MetadataSnapshot,
  type MetadataStore,
  MetadataStoreClosedError,
} from "../metadata_store.ts";
import { type Call, receivedError, type Reply, type SentCall, type SentChange } from "./calls.ts";

/** A store whose truth is kept by a `MetadataStoreServer` at the other end of a port. */
export class PortMetadataStore implements MetadataStore {
  readonly #port: MessagePort;
  readonly #calls: Map<number, PromiseWithResolvers<unknown>> = new Map();
  readonly #watches: Map<number, (event: MetadataEvent) => void> = new Map();
  readonly #sessions: Map<number, PortSession> = new Map();
  readonly #closing = new AbortController();
  #lastId = 0;

  /** @param port Its other end is served; closed with the store. */
  constructor(port: MessagePort) {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<Reply>) => this.#receive(data);
  }

  /** The log is another broker's. */
  get logState(): undefined {
    return undefined;
  }

  async read(): Promise<MetadataSnapshot> {
    return await this.#call({ name: "read" });
  }

  async get(key: string): Promise<MetadataEntry | undefined> {
    return await this.#call({ name: "get", key });
  }

  async commit(
    changes: readonly MetadataChange[],
    { expect = [] }: CommitOptions = {},
  ): Promise<number> {
    checkCommitSize(changes, expect);
    const sent = changes.map((change) => this.#sent(change));
    return await this.#call({ name: "commit", changes: sent, expect });
  }

  async *watch(from: number, { signal }: AbortOptions): AsyncGenerator<MetadataEvent, void> {
    using linked = new LinkedSignal(signal, this.#closing.signal);
    const ended = linked.signal;
    if (ended.aborted) return;
    const events: MetadataEvent[] = [];
    let wake = () => {};
    const { id, answer } = this.#send({ name: "watch", from });
    this.#watches.set(id, (event) => {
      events.push(event);
      wake();
    });
    // Answered when the watch has ended.
    let isOver = false;
    let failure: unknown;
    answer.catch((error) => failure = error).finally(() => {
      isOver = true;
      wake();
    });
    const onAbort = () => wake();
    ended.addEventListener("abort", onAbort);
    try {
      while (!ended.aborted) {
        const event = events.shift();
        if (event !== undefined) yield event;
        else if (isOver) break;
        else await new Promise<void>((resolve) => wake = resolve);
      }
      if (failure !== undefined && !ended.aborted) throw failure;
    } finally {
      ended.removeEventListener("abort", onAbort);
      this.#watches.delete(id);
      if (!isOver && !this.#closing.signal.aborted) {
        this.#call({ name: "unwatch", watch: id }).catch(() => {});
      }
    }
  }

  async session(ttlMs: number): Promise<MetadataSession> {
    const id = await this.#call<number>({ name: "session", ttlMs });
    const session = new PortSession(id, () => this.#call({ name: "end", session: id }));
    this.#sessions.set(id, session);
    return session;
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const sessions = [...this.#sessions.values()];
    await Promise.allSettled(sessions.map((session) => session.end()));
    this.#end();
  }

  #end(): void {
    this.#closing.abort();
    this.#port.close();
    for (const session of this.#sessions.values()) session.lose();
    for (const { reject } of this.#calls.values()) reject(closedError());
    this.#calls.clear();
  }

  #sent(change: MetadataChange): SentChange {
    if (!("key" in change)) return change;
    const { key, value, session } = change;
    if (session === undefined) return { key, value };
    if (!(session instanceof PortSession)) throw new TypeError("The session is not this store's");
    return { key, value, session: session.id };
  }

  async #call<T>(call: Call): Promise<T> {
    return await this.#send(call).answer as T;
  }

  #send(call: Call): { readonly id: number; readonly answer: Promise<unknown> } {
    if (this.#closing.signal.aborted) throw closedError();
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#calls.set(id, answer);
    const sent: SentCall = { id, call };
    this.#port.postMessage(sent);
    return { id, answer: answer.promise };
  }

  #receive(reply: Reply): void {
    if ("isClosed" in reply) this.#end();
    else if ("watch" in reply) this.#watches.get(reply.watch)?.(reply.event);
    else if ("lost" in reply) {
      this.#sessions.get(reply.lost)?.lose();
      this.#sessions.delete(reply.lost);
    } else {
      const call = this.#calls.get(reply.id);
      this.#calls.delete(reply.id);
      if ("error" in reply) call?.reject(receivedError(reply.error));
      else call?.resolve(reply.value);
    }
  }
}

/** A session that lasts as long as the thread does, or until it is ended. */
class PortSession implements MetadataSession {
  readonly id: number;
  readonly name: string;
  readonly #end: () => Promise<unknown>;
  readonly #lost: PromiseWithResolvers<void> = Promise.withResolvers();
  #isLost = false;

  constructor(id: number, end: () => Promise<unknown>) {
    this.id = id;
    this.name = `port-${id}`;
    this.#end = end;
  }

  get deadline(): number {
    return this.#isLost ? -Infinity : Infinity;
  }

  get isCertain(): boolean {
    return !this.#isLost;
  }

  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  confirm(): Promise<boolean> {
    return Promise.resolve(!this.#isLost);
  }

  async end(): Promise<void> {
    if (this.#isLost) return;
    this.lose();
    await this.#end();
  }

  /** The store has ended it. */
  lose(): void {
    this.#isLost = true;
    this.#lost.resolve();
  }
}

function closedError(): MetadataStoreClosedError {
  return new MetadataStoreClosedError("Cannot use metadata: the store is closed");
}
