/**
 * Record batches as a producer sends them.
 *
 * @module
 */

import { type CompressionName, CompressionType } from "../../../protocol/compression/mod.ts";
import { RECORD_BATCH_OVERHEAD, RecordBatchBuilder } from "../../../protocol/records/mod.ts";

/** The shape of a batch. */
export interface BatchShape {
  /** Bytes of each record's value; there is no key. */
  readonly size: number;
  /** Records in a batch. */
  readonly count: number;
  /** Its codec; values then compress to about half. Default: none. */
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

/** Returns an incompressible value of `size` bytes. */
export function sampleValue(size: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(size);
  for (let at = 0; at < size; at += NOISE.length) {
    value.set(NOISE.subarray(0, Math.min(NOISE.length, size - at)), at);
  }
  return value;
}

/** Makes a batch with current timestamps. */
export function sampleBatch({ size, count, codec = "none" }: BatchShape): Uint8Array<ArrayBuffer> {
  const value = sampleValue(size);
  if (codec !== "none") {
    // Records must differ, or the codec would compress them as one.
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

/** Makes a batch of values that are cut from `all`. */
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
