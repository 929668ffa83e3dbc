/**
 * Helpers shared by the codecs that find matches: comparing and copying runs of bytes.
 *
 * @module
 */

/** From this size on, `set` and `copyWithin` are faster than a loop. */
const BULK_COPY_SIZE = 256;

/** Spreads four bytes over the high bits, using Knuth's multiplicative method. */
export function hashWord(word: number): number {
  return Math.imul(word, 0x9e3779b1);
}

/**
 * Counts the equal bytes from `position` and from `earlier` on, up to `end`.
 */
export function matchLength(
  view: DataView,
  earlier: number,
  position: number,
  end: number,
): number {
  const start = position;
  for (const last = end - 4; position <= last; position += 4, earlier += 4) {
    const difference = view.getInt32(position, true) ^ view.getInt32(earlier, true);
    if (difference !== 0) {
      return position - start + ((31 - Math.clz32(difference & -difference)) >> 3);
    }
  }
  while (position < end && view.getUint8(position) === view.getUint8(earlier)) {
    position++;
    earlier++;
  }
  return position - start;
}

/**
 * Copies may write this many bytes beyond the requested size where `target` has room, which avoids
 * a loop.
 */
export const COPY_SLACK = 16;

/**
 * Copies `size` bytes of `source` at `start` to `target` at `position`, and returns the position
 * after them. May write up to {@linkcode COPY_SLACK} bytes more.
 */
export function copyLiterals(
  source: DataView,
  start: number,
  target: DataView,
  position: number,
  size: number,
): number {
  const end = position + size;
  if (size >= BULK_COPY_SIZE) {
    const bytes = new Uint8Array(source.buffer, source.byteOffset + start, size);
    new Uint8Array(target.buffer, target.byteOffset + position, size).set(bytes);
  } else if (
    start + size + COPY_SLACK <= source.byteLength && end + COPY_SLACK <= target.byteLength
  ) {
    do {
      moveEight(source, start, target, position);
      moveEight(source, start + 8, target, position + 8);
      position += 16;
      start += 16;
    } while (position < end);
  } else {
    while (position < end) target.setUint8(position++, source.getUint8(start++));
  }
  return end;
}

/**
 * Copies `length` bytes from `distance` bytes before `position` to `position`, and returns the
 * position after them. If the distance is less than the length, the copy repeats bytes that it
 * wrote itself. May write up to {@linkcode COPY_SLACK} bytes more.
 */
export function copyMatch(
  target: DataView,
  position: number,
  distance: number,
  length: number,
): number {
  const end = position + length;
  let from = position - distance;
  if (length >= BULK_COPY_SIZE) {
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    // The source doubles with each copy, until it is large enough.
    while (position < end) {
      const size = Math.min(position - from, end - position);
      bytes.copyWithin(position, from, from + size);
      position += size;
    }
  } else if (end + COPY_SLACK <= target.byteLength) {
    if (distance < 8) {
      // After a few single bytes, a multiple of the distance is wide enough.
      const reach = Math.ceil(8 / distance) * distance;
      for (let count = reach - distance; count > 0; count--) {
        target.setUint8(position++, target.getUint8(from++));
      }
      from = position - reach;
    }
    while (position < end) {
      moveEight(target, from, target, position);
      moveEight(target, from + 8, target, position + 8);
      position += 16;
      from += 16;
    }
  } else {
    while (position < end) target.setUint8(position++, target.getUint8(from++));
  }
  return end;
}

/** Copies eight bytes. Compiles to one load and one store: no bigint is allocated. */
export function moveEight(
  source: DataView,
  start: number,
  target: DataView,
  position: number,
): void {
  target.setBigInt64(position, source.getBigInt64(start, true), true);
}
