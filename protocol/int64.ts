/**
 * Kafka's int64 as a JavaScript number.
 *
 * Up to ±(2^53 - 1) a number holds an int64 exactly. Beyond, it is the nearest number that JavaScript
 * has: nanoseconds since 1970 are right to 256 of them, and `Long.MAX_VALUE` is 2^63. Such values
 * compare as what they are, larger (or smaller) than every offset and every time in milliseconds, and
 * the ends of the range are written back as they were read. Record bytes are never rewritten, so
 * nothing is rounded in them.
 *
 * @module
 */

/** What `Long.MAX_VALUE` reads as, the nearest number to 2^63 - 1. */
export const INT64_MAX: number = 2 ** 63;

/** `Long.MIN_VALUE`, which a number holds exactly. */
export const INT64_MIN: number = -(2 ** 63);

const TWO_POW_32 = 2 ** 32;

/** A whole number with all its digits, what is beyond the ends of the range as the end. */
export function int64Text(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (value >= INT64_MAX) return "9223372036854775807";
  return String(BigInt(Math.max(value, INT64_MIN)));
}

/** The int64 at `position`, big-endian. */
export function getInt64(view: DataView, position: number): number {
  return view.getInt32(position) * TWO_POW_32 + view.getUint32(position + 4);
}

/**
 * Writes a whole number as an int64 at `position`, big-endian; what is beyond the ends of the range is
 * written as the end. A bigint has to be within it.
 *
 * @throws {RangeError} If the value is not a whole number.
 */
export function setInt64(view: DataView, position: number, value: number | bigint): void {
  if (typeof value === "bigint") return view.setBigInt64(position, value);
  if (!Number.isSafeInteger(value)) {
    if (!Number.isInteger(value)) throw new RangeError(`Cannot write ${value} as int64`);
    if (value >= INT64_MAX) {
      view.setInt32(position, 0x7fffffff);
      view.setUint32(position + 4, 0xffffffff);
      return;
    }
    if (value < INT64_MIN) value = INT64_MIN;
  }
  view.setInt32(position, Math.floor(value / TWO_POW_32));
  view.setUint32(position + 4, value);
}
