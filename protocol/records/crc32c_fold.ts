/**
 * Shortens bytes to a few hundred that have the same CRC-32C, several times faster than tables find it.
 *
 * Bytes are the coefficients of a polynomial in y = x^8, the first of the highest power. To add (XOR)
 * a multiple of the CRC's own polynomial changes no CRC, and this is one, by search the first with so
 * few terms that lie far enough apart:
 *
 *     y^290 + y^136 + y^113 + y^107 + y^32 + 1
 *
 * So a byte becomes zero, and can be left out, when it is added to those 154, 177, 183, 258 and 290
 * places behind it. Since these lie apart by more than a step of 64, whole steps are done at once, with
 * WebAssembly's vectors: each 16 bytes are loaded, the five vectors that far before them added, and
 * the sum stored. What is left are the last bytes, to which everything before was added.
 *
 * A CRC starts with all bits set, which is the same as to invert the first four bytes. The result is
 * inverted there once more, so that `crc32c()` of it is that of the bytes.
 *
 * @module
 */

/** How far behind a byte those lie that it is added to. */
const DISTANCES = [154, 177, 183, 258, 290] as const;
const REACH = 290;
const VECTOR_SIZE = 16;
const STEP = 4 * VECTOR_SIZE;

/** A multiple of 64 that is not less than the reach. */
const HISTORY_SIZE = 320;
/** What is copied in at a time, to stay in the processor's first cache. */
const BLOCK_SIZE = 32 * 1024;
/** At most this is left: the reach, and what does not fill a step. */
const REST_MAX = REACH + STEP;

// The memory: what was folded last, the block or, at its end, zeros, and the rest.
const BLOCK = HISTORY_SIZE;
const REST = BLOCK + BLOCK_SIZE + STEP;

type Fold = (to: number, from: number, end: number) => void;

interface Folder {
  readonly memory: Uint8Array<ArrayBuffer>;
  /**
   * Adds to each byte from `to` up to `end` those that lie before its place. The place of the first is
   * given as `from`, less the reach; it is that of the byte itself unless bytes are looked at elsewhere
   * than they lie. Goes on to the end of a step.
   */
  readonly fold: Fold;
}

let folder: Folder | undefined | null;

/**
 * Bytes with the CRC-32C of `bytes[start, end)`, of which there must be more than a few hundred.
 *
 * @returns A view that the next call overwrites, or nothing where there are no vectors.
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
  // The rest is added to as well, but is not itself added to what follows.
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

/** LEB128 of a number that is not negative, whose last byte must not look so. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [value & 0x7f | 0x80, ...signed(value >>> 7)];
}
