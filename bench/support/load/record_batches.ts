/**
 * Record batches as a producer sends them, made before anything is measured.
 *
 * @module
 */

import { type CompressionName, CompressionType } from "../../../protocol/compression/mod.ts";
import { RECORD_BATCH_OVERHEAD, RecordBatchBuilder } from "../../../protocol/records/mod.ts";

/** What a batch is made of. */
export interface BatchShape {
  /** Bytes of each record's value; there is no key. */
  readonly size: number;
  /** Records in a batch. */
  readonly count: number;
  /** What it is compressed with; its values compress to about half then. Default: none. */
  readonly codec?: CompressionName;
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

/** A batch with timestamps of now. */
export function sampleBatch({ size, count, codec = "none" }: BatchShape): Uint8Array<ArrayBuffer> {
  const value = sampleValue(size);
  if (codec !== "none") {
    // Each record is another, or they would all be one to the codec.
    const all = sampleValue(size * count).map((byte, i) => byte & 0x0f ^ i >> 16);
    return built(all, { size, count, codec });
  }
  const builder = new RecordBatchBuilder({
    initialCapacity: RECORD_BATCH_OVERHEAD + count * (size + 24),
  });
  const now = Date.now();
  for (let i = 0; i < count; i++) builder.append(now, null, value);
  return builder.build();
}

/** A batch of values that are cut from `all`. */
function built(
  all: Uint8Array,
  { size, count, codec }: Required<BatchShape>,
): Uint8Array<ArrayBuffer> {
  const builder = new RecordBatchBuilder({ compression: CompressionType[codec] });
  const now = Date.now();
  for (let i = 0; i < count; i++) {
    builder.append(now, null, all.subarray(i * size, (i + 1) * size));
  }
  return builder.build();
}
