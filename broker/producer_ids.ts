/**
 * Allocates producer ids, none of which is ever repeated.
 *
 * Ids are allocated from the cluster metadata in blocks. A block is recorded on disk before its
 * first id is used, so a crash wastes the rest of the block but repeats no id. Kafka does the same
 * (AllocateProducerIds, KIP-730).
 *
 * @module
 */

import { type MetadataStore, RevisionConflictError } from "./cluster/metadata_store.ts";

/** Number of ids in a block, as in Kafka. */
export const PRODUCER_ID_BLOCK_SIZE = 1000;

const KEY = "producer_ids";
/** Attempts to allocate a block while other brokers allocate concurrently. */
const MAX_ATTEMPTS = 16;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** Allocates producer ids. */
export class ProducerIds {
  readonly #store: MetadataStore;
  #nextId = 0;
  #endId = 0;
  #taking: Promise<void> | undefined;

  constructor(store: MetadataStore) {
    this.#store = store;
  }

  /** Returns an unused producer id. */
  async next(): Promise<number> {
    while (this.#nextId === this.#endId) {
      this.#taking ??= this.#takeBlock().finally(() => this.#taking = undefined);
      await this.#taking;
    }
    return this.#nextId++;
  }

  async #takeBlock(): Promise<void> {
    for (let attempt = 1;; attempt++) {
      const entry = await this.#store.get(KEY);
      const firstId: number = entry === undefined
        ? 0
        : JSON.parse(DECODER.decode(entry.value)).next;
      const endId = firstId + PRODUCER_ID_BLOCK_SIZE;
      const value = ENCODER.encode(JSON.stringify({ next: endId }));
      try {
        const expect = [{ key: KEY, revision: entry?.revision ?? 0 }];
        await this.#store.commit([{ key: KEY, value }], { expect });
      } catch (error) {
        if (error instanceof RevisionConflictError && attempt < MAX_ATTEMPTS) continue;
        throw error;
      }
      this.#nextId = firstId;
      this.#endId = endId;
      return;
    }
  }
}
