/**
 * Record batches as a producer sends them, made before anything is measured.
 *
 * @module
 */

import { RECORD_BATCH_OVERHEAD, RecordBatchBuilder } from "../../protocol/records/mod.ts";

/** What a batch is made of. */
export interface BatchShape {
  /** Bytes of each record's value; there is no key. */
  readonly size: number;
  /** Records in a batch. */
  readonly count: number;
}

/** Random bytes to cut values from, the same in every run. */
const NOISE = noise(1 << 16);

function noise(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let state = 0x2545f491;
  for (let i = 0; i < size; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** A value of `size` bytes that does not compress. */
export function sampleValue(size: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(size);
  for (let at = 0; at < size; at += NOISE.length) {
    value.set(NOISE.subarray(0, Math.min(NOISE.length, size - at)), at);
  }
  return value;
}

/** An uncompressed batch with timestamps of now. */
export function sampleBatch({ size, count }: BatchShape): Uint8Array<ArrayBuffer> {
  const value = sampleValue(size);
  const builder = new RecordBatchBuilder({
    initialCapacity: RECORD_BATCH_OVERHEAD + count * (size + 24),
  });
  const now = Date.now();
  for (let i = 0; i < count; i++) builder.append(now, null, value);
  return builder.build();
}
