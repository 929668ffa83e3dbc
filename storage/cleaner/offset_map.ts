/**
 * The last offset of each key in a part of a log, in fixed memory. Kafka: `SkimpyOffsetMap`.
 *
 * An entry takes 24 bytes: 16 for the key's hash (`key_hasher.ts` says why that is enough) and 8
 * for the offset. The entries are in a hash table with linear probing, filled to at most nine
 * tenths to keep probes short.
 *
 * @module
 */

import { KeyHasher } from "./key_hasher.ts";

/** Memory of an entry, in bytes. */
export const OFFSET_MAP_ENTRY_SIZE = 16 + 8;

const LOAD_FACTOR = 0.9;

/** Maps keys to offsets. */
export class OffsetMap {
  readonly #hasher: KeyHasher;
  readonly #hashes: Uint32Array;
  /** One more than the offset of the key whose hash is at the slot, or 0. */
  readonly #offsets: Float64Array;
  readonly #slots: number;
  /** Maximum number of keys. */
  readonly capacity: number;
  #count = 0;

  /**
   * @param maxBytes Memory to take at most; room for one key is there in any case.
   * @param maxCount How many keys there can be, so that no more memory is taken than for those.
   */
  constructor(maxBytes: number, maxCount: number, hasher: KeyHasher = new KeyHasher()) {
    const slots = Math.min(
      Math.floor(maxBytes / OFFSET_MAP_ENTRY_SIZE),
      Math.ceil(maxCount / LOAD_FACTOR) + 1,
    );
    this.#slots = Math.max(2, slots);
    this.capacity = Math.max(1, Math.floor(this.#slots * LOAD_FACTOR));
    this.#hasher = hasher;
    this.#hashes = new Uint32Array(this.#slots * 4);
    this.#offsets = new Float64Array(this.#slots);
  }

  /** Number of keys. */
  get count(): number {
    return this.#count;
  }

  get sizeInBytes(): number {
    return this.#hashes.byteLength + this.#offsets.byteLength;
  }

  /**
   * Notes that the record at `offset`, which is larger than all before it, has the key that `bytes`
   * have from `start` to `end`.
   *
   * @returns Whether there was room.
   */
  put(bytes: Uint8Array, start: number, end: number, offset: number): boolean {
    const slot = this.#find(bytes, start, end);
    if (this.#offsets[slot] === 0) {
      if (this.#count === this.capacity) return false;
      this.#count++;
      const { hash } = this.#hasher;
      for (let word = 0; word < 4; word++) this.#hashes[slot * 4 + word] = hash[word]!;
    }
    this.#offsets[slot] = offset + 1;
    return true;
  }

  /** The last offset of a key, or -1. */
  get(bytes: Uint8Array, start: number, end: number): number {
    return this.#offsets[this.#find(bytes, start, end)]! - 1;
  }

  /** The slot that has a key, or the free one where it belongs. */
  #find(bytes: Uint8Array, start: number, end: number): number {
    const hasher = this.#hasher;
    hasher.update(bytes, start, end);
    const { hash } = hasher;
    const h0 = hash[0]!, h1 = hash[1]!, h2 = hash[2]!, h3 = hash[3]!;
    const hashes = this.#hashes;
    const offsets = this.#offsets;
    let slot = h0 % this.#slots;
    while (offsets[slot] !== 0) {
      const at = slot * 4;
      if (
        hashes[at] === h0 && hashes[at + 1] === h1 && hashes[at + 2] === h2 && hashes[at + 3] === h3
      ) break;
      if (++slot === this.#slots) slot = 0;
    }
    return slot;
  }
}
