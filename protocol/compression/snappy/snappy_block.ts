/**
 * Decompresses the raw snappy block in steps, for blocks that would otherwise delay other work.
 *
 * A block is its decompressed size, as a varint, and a list of elements. The low two bits of an
 * element's tag are its kind: 0 is a literal, whose length minus one is in the other six bits or,
 * from 60 on, in the next one to four bytes; 1 to 3 copy earlier bytes, with the distance in one to
 * four bytes little-endian.
 *
 * Spec: https://github.com/google/snappy/blob/main/format_description.txt
 *
 * @module
 */

import { CompressionError } from "../errors.ts";
import { copyLiterals, copyMatch } from "../matches.ts";
import type { Steps } from "../steps.ts";

/** Bytes decompressed per step: a few milliseconds. */
const STEP_SIZE = 1024 * 1024;

/**
 * Decompresses a block.
 *
 * @param block The elements, without the preceding size.
 * @param size The decompressed size.
 * @throws {CompressionError} If the elements are malformed, or do not expand to `size`.
 */
export function* expandSnappyBlockSteps(block: Uint8Array, size: number): Steps {
  const source = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const bytes = new Uint8Array(size);
  const target = new DataView(bytes.buffer);
  let from = 0;
  let position = 0;
  while (from < block.length) {
    ({ from, position } = expandSome(source, from, target, position));
    yield size;
  }
  if (position !== size) throw malformed(`size is ${position} bytes, ${size} are stated`);
  return bytes;
}

function expandSome(
  source: DataView,
  start: number,
  target: DataView,
  startPosition: number,
): { from: number; position: number } {
  const end = source.byteLength;
  const size = target.byteLength;
  const last = startPosition + STEP_SIZE;
  let from = start;
  let position = startPosition;
  while (from < end && position < last) {
    const tag = source.getUint8(from++);
    const type = tag & 3;
    let length = (tag >>> 2) + 1;
    if (type === 0) {
      const operandSize = length - 60;
      if (operandSize > 0) {
        ensureElement(from, operandSize, end);
        length = littleEndian(source, from, operandSize) + 1;
        from += operandSize;
      }
      if (length > end - from || length > size - position) {
        throw malformed(`${length} literals do not fit`);
      }
      position = copyLiterals(source, from, target, position, length);
      from += length;
      continue;
    }
    let distance: number;
    if (type === 1) {
      ensureElement(from, 1, end);
      distance = (tag >>> 5) << 8 | source.getUint8(from++);
      length = ((tag >>> 2) & 7) + 4;
    } else if (type === 2) {
      ensureElement(from, 2, end);
      distance = source.getUint16(from, true);
      from += 2;
    } else {
      ensureElement(from, 4, end);
      distance = source.getUint32(from, true);
      from += 4;
    }
    if (distance === 0 || distance > position || length > size - position) {
      throw malformed(`a copy of ${length} bytes from ${distance} back does not fit`);
    }
    position = copyMatch(target, position, distance, length);
  }
  return { from, position };
}

function ensureElement(from: number, size: number, end: number): void {
  if (size > end - from) throw malformed("it ends in the middle of an element");
}

function littleEndian(view: DataView, position: number, size: number): number {
  let value = 0;
  for (let index = size - 1; index >= 0; index--) {
    value = value * 0x100 + view.getUint8(position + index);
  }
  return value;
}

function malformed(problem: string): CompressionError {
  return new CompressionError(`Cannot decompress snappy: ${problem}`);
}
