/**
 * Allocates producer ids, none of which is ever repeated.
 *
 * Ids are allocated from the cluster metadata in blocks. A block is recorded on disk before its
 * first id is used, so a crash wastes the rest of the block but repeats no id. Kafka does the same
 * (AllocateProducerIds, KIP-730).
 *
 * @module
 */

import { type MetadataStore, RevisionConflictError } from "./metadata/metadata_store.ts";

/** Number of ids in a block, as in Kafka. */
export const PRODUCER_ID_BLOCK_SIZE = 1000;

/** What allocates producer ids. */
export interface ProducerIdsOptions {
  /**
   * Whether the next block is taken when half of one is used, and the first before it is needed: the
   * store may be away when it is. Default: false.
   */
  readonly isAhead?: boolean;
}

const KEY = "producer_ids";
/** Attempts to allocate a block while other brokers allocate concurrently. */
const MAX_ATTEMPTS = 16;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** Ids that were allocated and are not used. */
interface Block {
  nextId: number;
  readonly endId: number;
}

/** Allocates producer ids. */
export class ProducerIds {
  readonly #store: MetadataStore;
  readonly #isAhead: boolean;
  /** Blocks with unused ids. */
  readonly #blocks: Block[] = [];
  #taking: Promise<void> | undefined;

  constructor(store: MetadataStore, { isAhead = false }: ProducerIdsOptions = {}) {
    this.#store = store;
    this.#isAhead = isAhead;
  }

  /** Returns an unused producer id. */
  async next(): Promise<number> {
    while (this.#blocks.length === 0) await this.#take();
    const block = this.#blocks[0]!;
    const id = block.nextId++;
    if (block.nextId === block.endId) this.#blocks.shift();
    this.takeAhead();
    return id;
  }

  /** Takes another block in the background if few ids are left; it is tried again with the next id. */
  takeAhead(): void {
    if (!this.#isAhead) return;
    const left = this.#blocks.reduce((sum, { nextId, endId }) => sum + endId - nextId, 0);
    if (left < PRODUCER_ID_BLOCK_SIZE / 2) this.#take().catch(() => {});
  }

  #take(): Promise<void> {
    return this.#taking ??= this.#takeBlock().finally(() => this.#taking = undefined);
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
      this.#blocks.push({ nextId: firstId, endId });
      return;
    }
  }
}
