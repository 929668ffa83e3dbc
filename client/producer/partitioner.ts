/**
 * Which partition a message goes to.
 *
 * With a key: the one its hash names, counted over all partitions of the topic, so that a key goes where
 * the Java client and kafkajs put it. Without: one partition is kept until about a batch of bytes has
 * gone there, then another is drawn (KIP-480, KIP-794), so that batches are full and partitions get even
 * shares however fast their leaders are.
 *
 * @module
 */

import { murmur2 } from "./murmur2.ts";

const TEXT_ENCODER = new TextEncoder();
let scratch: Uint8Array<ArrayBuffer> = new Uint8Array(256);

/**
 * The partition of a key.
 *
 * @param key The key; text is hashed as UTF-8.
 * @param partitionCount How many partitions the topic has.
 */
export function partitionForKey(key: Uint8Array | string, partitionCount: number): number {
  const hash = typeof key === "string" ? hashText(key) : murmur2(key);
  // Clearing the sign bit, not taking the absolute value, is what the Java client does.
  return (hash & 0x7fffffff) % partitionCount;
}

function hashText(text: string): number {
  const most = 3 * text.length;
  if (scratch.length < most) scratch = new Uint8Array(Math.max(most, 2 * scratch.length));
  let size = 0;
  for (; size < text.length; size++) {
    const unit = text.charCodeAt(size);
    if (unit >= 0x80) {
      size = TEXT_ENCODER.encodeInto(text, scratch).written;
      break;
    }
    scratch[size] = unit;
  }
  return murmur2(scratch, 0, size);
}

/** Keeps messages without a key on one partition for a while. */
export class StickyPartition {
  readonly #switchBytes: number;
  readonly #isAvailable: (partition: number) => boolean;
  readonly #random: () => number;
  #partition = -1;
  #bytes = 0;

  /**
   * @param switchBytes How many bytes go to a partition before another is drawn.
   * @param isAvailable Whether a partition has a leader at the moment; where none has, any will do.
   * @param random Draws a number from 0 up to but not including 1.
   */
  constructor(
    switchBytes: number,
    isAvailable: (partition: number) => boolean,
    random: () => number = Math.random,
  ) {
    this.#switchBytes = switchBytes;
    this.#isAvailable = isAvailable;
    this.#random = random;
  }

  /** How many bytes may go to the partition last named before another is drawn. */
  get bytesLeft(): number {
    return this.#switchBytes - this.#bytes;
  }

  /** The partition for the next message. */
  next(partitionCount: number): number {
    if (this.#partition < 0 || this.#partition >= partitionCount) {
      this.#partition = this.#draw(partitionCount);
      this.#bytes = 0;
    }
    return this.#partition;
  }

  /** Notes that a message went to the partition last named. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes >= this.#switchBytes) this.#partition = -1;
  }

  #draw(partitionCount: number): number {
    const first = Math.floor(this.#random() * partitionCount);
    for (let step = 0; step < partitionCount; step++) {
      const partition = (first + step) % partitionCount;
      if (this.#isAvailable(partition)) return partition;
    }
    return first;
  }
}
