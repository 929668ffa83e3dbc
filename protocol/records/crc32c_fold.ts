/**
 * Reduces bytes to a few hundred with the same CRC-32C, several times faster than tables compute
 * it.
 *
 * Bytes are the coefficients of a polynomial in y = x^8, with the first byte at the highest power.
 * Adding (XOR) a multiple of the CRC polynomial does not change the CRC. The following multiple was
 * found by search; it is the first with so few terms that are far enough apart:
 *
 *     y^290 + y^136 + y^113 + y^107 + y^32 + 1
 *
 * It allows a byte to be added to the bytes 154, 177, 183, 258 and 290 positions after it and then
 * to be dropped. These distances exceed a step of 64 bytes, so whole steps are processed together
 * with WebAssembly vectors: each 16 bytes are loaded, the five vectors at these distances before
 * them added, and the sum stored. The result is the last bytes, to which everything before has been
 * added.
 *
 * A CRC starts with all bits set, which is equivalent to inverting the first four bytes. The result
 * is inverted there once more, so `crc32c()` of it equals that of the input.
 *
 * @module
 */

/** Distances from a byte to the later bytes that it is added to. */
const DISTANCES = [154, 177, 183, 258, 290] as const;
const REACH = 290;
const VECTOR_SIZE = 16;
const STEP = 4 * VECTOR_SIZE;

/** A multiple of 64 that is not less than the reach. */
const HISTORY_SIZE = 320;
/** Bytes copied in at a time, to stay in the first-level cache of the processor. */
const BLOCK_SIZE = 32 * 1024;
/** Maximum size of the result: the reach, plus bytes that do not fill a step. */
const REST_MAX = REACH + STEP;

// Layout of the memory: history, then the block or, at its end, zeros, and the rest.
const BLOCK = HISTORY_SIZE;
const REST = BLOCK + BLOCK_SIZE + STEP;

type Fold = (to: number, from: number, end: number) => void;

interface Folder {
  readonly memory: Uint8Array<ArrayBuffer>;
  /**
   * Adds to each byte from `to` up to `end` the bytes at the distances before it. `from` is the
   * position of the first source byte minus the reach; it equals `to` minus the reach unless the
   * source is elsewhere. Always completes a step.
   */
  readonly fold: Fold;
}

let folder: Folder | undefined | null;

/**
 * Returns bytes with the CRC-32C of `bytes[start, end)`, which must be more than a few hundred
 * bytes.
 *
 * @returns A view that the next call overwrites, or `undefined` without vector support.
 */
export function foldCrc32c(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array<ArrayBuffer> | undefined {
  if (folder === undefined) folder = makeFolder();
  if (folder === null) return undefined;
  const { memory, fold } = folder;
  const foldedEnd = start + Math.floor((end - start - REACH) / STEP) * STEP;
  memory.fill(0, 0, HISTORY_SIZE);
  for (let at = start; at < foldedEnd;) {
    const size = Math.min(BLOCK_SIZE, foldedEnd - at);
    memory.set(bytes.subarray(at, at + size), BLOCK);
    if (at === start) invertFirst(memory, BLOCK);
    fold(BLOCK, BLOCK - REACH, BLOCK + size);
    memory.copyWithin(0, size, size + HISTORY_SIZE);
    at += size;
  }
  // Bytes are added to the rest, but the rest is not added to anything.
  const restSize = end - foldedEnd;
  memory.fill(0, BLOCK, BLOCK + REST_MAX + STEP);
  memory.set(bytes.subarray(foldedEnd, end), REST);
  fold(REST, BLOCK - REACH, REST + restSize);
  invertFirst(memory, REST);
  return memory.subarray(REST, REST + restSize);
}

function invertFirst(memory: Uint8Array, position: number): void {
  for (let i = 0; i < 4; i++) memory[position + i]! ^= 0xff;
}

function makeFolder(): Folder | null {
  const code = assemble();
  if (!WebAssembly.validate(code)) return null;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code));
  const { buffer } = exports.memory as WebAssembly.Memory;
  return { memory: new Uint8Array(buffer as ArrayBuffer), fold: exports.fold as Fold };
}

/**
 * The module: one page of memory, and `fold` with the locals 0 `to`, 1 `from` and 2 `end`:
 *
 *     loop
 *       four times, with a further 16 bytes of offset each:
 *         to[0] = to[0] ^ from[290 - 154] ^ … ^ from[290 - 290]
 *       from += 64
 *       to += 64
 *       br_if 0 (to < end)
 *     end
 */
function assemble(): Uint8Array<ArrayBuffer> {
  const I32 = 0x7f;
  const local = { get: 0x20, set: 0x21, tee: 0x22 };
  const advance = [0x41, ...signed(STEP), 0x6a]; // i32.const, i32.add
  const load = (offset: number) => [0xfd, 0x00, 0, ...unsigned(offset)]; // v128.load
  const store = (offset: number) => [0xfd, 0x0b, 0, ...unsigned(offset)]; // v128.store
  const xor = [0xfd, 0x51]; // v128.xor
  const body = [0, 0x03, 0x40]; // no further locals, loop without a result
  for (let offset = 0; offset < STEP; offset += VECTOR_SIZE) {
    body.push(local.get, 0, local.get, 0, ...load(offset));
    for (const distance of DISTANCES) {
      body.push(local.get, 1, ...load(offset + REACH - distance), ...xor);
    }
    body.push(...store(offset));
  }
  body.push(local.get, 1, ...advance, local.set, 1);
  body.push(local.get, 0, ...advance, local.tee, 0);
  body.push(local.get, 2, 0x49, 0x0d, 0, 0x0b, 0x0b); // i32.lt_u, br_if 0, end, end
  const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, I32, I32, I32, 0]), // one type: three numbers to nothing
    ...section(3, [1, 0]), // one function, of that type
    ...section(5, [1, 0, 1]), // one memory of at least one page
    ...section(7, [2, ...name("memory"), 2, 0, ...name("fold"), 0, 0]), // exports
    ...section(10, [1, ...unsigned(body.length), ...body]), // code
  ]);
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...unsigned(value >>> 7)];
}

/** LEB128 of a non-negative number, whose last byte must not look negative. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [value & 0x7f | 0x80, ...signed(value >>> 7)];
}
