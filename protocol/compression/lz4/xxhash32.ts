/**
 * The 32-bit xxHash, which is the checksum of LZ4 frames.
 *
 * Spec: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 *
 * @module
 */

const PRIME_1 = 0x9e3779b1 | 0;
const PRIME_2 = 0x85ebca77 | 0;
const PRIME_3 = 0xc2b2ae3d | 0;
const PRIME_4 = 0x27d4eb2f;
const PRIME_5 = 0x165667b1;

/** Bytes hashed per step: a fraction of a millisecond. */
const STEP_SIZE = 1024 * 1024;

/** Returns the XXH32 of `bytes[start, end)` with seed 0, as an unsigned 32-bit number. */
export function xxhash32(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  const steps = xxhash32Steps(bytes, start, end);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Like {@linkcode xxhash32}, in steps. */
export function* xxhash32Steps(
  bytes: Uint8Array,
  start: number,
  end: number,
): Generator<void, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = end - start;
  let position = start;
  let hash = PRIME_5;
  if (size >= 16) {
    const lanes = new Int32Array([PRIME_1 + PRIME_2, PRIME_2, 0, -PRIME_1]);
    while (end - position > STEP_SIZE) {
      position = takeIn(view, position, position + STEP_SIZE, lanes);
      yield;
    }
    position = takeIn(view, position, end, lanes);
    const [a, b, c, d] = lanes as unknown as [number, number, number, number];
    hash = rotateLeft(a, 1) + rotateLeft(b, 7) + rotateLeft(c, 12) + rotateLeft(d, 18);
  }
  hash = (hash + size) | 0;
  for (const last = end - 4; position <= last; position += 4) {
    hash = (hash + Math.imul(view.getInt32(position, true), PRIME_3)) | 0;
    hash = Math.imul(rotateLeft(hash, 17), PRIME_4);
  }
  for (; position < end; position++) {
    hash = (hash + Math.imul(bytes[position]!, PRIME_5)) | 0;
    hash = Math.imul(rotateLeft(hash, 11), PRIME_1);
  }
  hash = Math.imul(hash ^ (hash >>> 15), PRIME_2);
  hash = Math.imul(hash ^ (hash >>> 13), PRIME_3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Hashes all whole groups of 16 bytes before `end`, and returns the position after them. */
function takeIn(view: DataView, start: number, end: number, lanes: Int32Array): number {
  let position = start;
  let a = lanes[0]!;
  let b = lanes[1]!;
  let c = lanes[2]!;
  let d = lanes[3]!;
  for (const last = end - 16; position <= last; position += 16) {
    a = round(a, view.getInt32(position, true));
    b = round(b, view.getInt32(position + 4, true));
    c = round(c, view.getInt32(position + 8, true));
    d = round(d, view.getInt32(position + 12, true));
  }
  lanes[0] = a;
  lanes[1] = b;
  lanes[2] = c;
  lanes[3] = d;
  return position;
}

function round(accumulator: number, word: number): number {
  return Math.imul(rotateLeft(accumulator + Math.imul(word, PRIME_2), 13), PRIME_1);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
