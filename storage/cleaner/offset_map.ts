/**
 * The last offset of each key in a part of a log, in a fixed amount of memory. Kafka:
 * `SkimpyOffsetMap`.
 *
 * An entry is 24 bytes: 16 of the key's hash (`key_hasher.ts` says why that will do) and 8 of the
 * offset. Entries lie in a table, each at the first free slot from the one its hash names on. The
 * table is never filled beyond nine tenths, since the way to a free slot would get long.
 *
 * @module
 */

import { KeyHasher } from "./key_hasher.ts";

/** Memory that an entry takes. */
export const OFFSET_MAP_ENTRY_SIZE = 16 + 8;

const LOAD_FACTOR = 0.9;

/** Maps keys to offsets. */
export class OffsetMap {
  readonly #hasher: KeyHasher;
  readonly #hashes: Uint32Array;
  /** One more than the offset of the key whose hash is at the slot, or 0. */
  readonly #offsets: Float64Array;
  readonly #slots: number;
  /** How many keys it takes. */
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
