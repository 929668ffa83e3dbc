/**
 * Chooses the partitions of messages.
 *
 * A message with a key goes to the partition of the key's hash, modulo all partitions of the topic,
 * like in the Java client and kafkajs. Messages without a key stay on one partition for about a
 * batch of bytes, then another is drawn at random (KIP-480, KIP-794): batches get full, and
 * partitions get equal shares regardless of the speed of their leaders.
 *
 * @module
 */

import { murmur2 } from "./murmur2.ts";

const TEXT_ENCODER = new TextEncoder();
let scratch: Uint8Array<ArrayBuffer> = new Uint8Array(256);

/**
 * Returns the partition of a key.
 *
 * @param key The key; text is hashed as UTF-8.
 * @param partitionCount The number of partitions of the topic.
 */
export function partitionForKey(key: Uint8Array | string, partitionCount: number): number {
  const hash = typeof key === "string" ? hashText(key) : murmur2(key);
  // Like the Java client, clear the sign bit; do not take the absolute value.
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
   * @param switchBytes The number of bytes after which another partition is drawn.
   * @param isAvailable Returns whether a partition has a leader; if none has, any is used.
   * @param random Returns a number from 0 up to but not including 1.
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

  /** The number of bytes that may still go to the current partition. */
  get bytesLeft(): number {
    return this.#switchBytes - this.#bytes;
  }

  /** The partition of the next message. */
  next(partitionCount: number): number {
    if (this.#partition < 0 || this.#partition >= partitionCount) {
      this.#partition = this.#draw(partitionCount);
      this.#bytes = 0;
    }
    return this.#partition;
  }

  /** Counts a message that went to the current partition. */
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
