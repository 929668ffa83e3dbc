/**
 * The tails that have readers, and the memory of their rings.
 *
 * @module
 */

import type { Client } from "../../../client/mod.ts";
import type { BrokerContext } from "../../handler.ts";
import type { StreamCounters } from "../http_counters.ts";
import type { Predicate } from "./cel_filter.ts";
import { Tail, type TailSource } from "./tail.ts";

/** Most memory of all rings. */
const MAX_BYTES = 64 * 1024 * 1024;

/** A tail that is in use until it is disposed of. */
export interface TailLease extends AsyncDisposable {
  readonly tail: Tail;
}

/** Shares tails among readers of the same. */
export class Tails {
  readonly #client: Client;
  readonly #broker: BrokerContext;
  readonly #tails: Map<string, Tail> = new Map();
  readonly #counters: StreamCounters;

  constructor(client: Client, broker: BrokerContext, counters: StreamCounters) {
    this.#client = client;
    this.#broker = broker;
    this.#counters = counters;
  }

  /** Number of tails. */
  get count(): number {
    return this.#tails.size;
  }

  /** Memory of all rings. */
  get sizeInBytes(): number {
    return this.#counters.ringBytes;
  }

  /**
   * The tail of a source, for one more reader.
   *
   * @param isWanted Whether a record fulfils the source's conditions.
   */
  lease(source: TailSource, isWanted: Predicate): TailLease {
    const key = JSON.stringify(source);
    let tail = this.#tails.get(key);
    if (tail === undefined) {
      const { topic, topicId } = source;
      const isThere = () => this.#broker.topics.get(topic)?.id === topicId;
      const memory = { changed: (bytes: number) => this.#changed(bytes) };
      tail = new Tail(source, isWanted, this.#client, this.#broker.clock, memory, isThere);
      this.#tails.set(key, tail);
    }
    tail.join();
    const leased = tail;
    return { tail, [Symbol.asyncDispose]: () => this.#release(key, leased) };
  }

  async #release(key: string, tail: Tail): Promise<void> {
    tail.leave();
    if (tail.readerCount > 0) return;
    if (this.#tails.get(key) === tail) this.#tails.delete(key);
    await tail.close();
  }

  #changed(bytes: number): void {
    this.#counters.ringBytes += bytes;
    if (bytes <= 0 || this.sizeInBytes <= MAX_BYTES) return;
    let largest: Tail | undefined;
    for (const tail of this.#tails.values()) {
      if (largest === undefined || tail.sizeInBytes > largest.sizeInBytes) largest = tail;
    }
    largest?.dropOldest();
  }
}
