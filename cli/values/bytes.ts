/**
 * Amounts of bytes with units: `10MiB`, `1GB`, `512`.
 *
 * @module
 */

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;
const POWERS = "kmgtp";

/**
 * Parses an amount of bytes.
 *
 * `KiB`, `MiB`, … are powers of 1024, as are single letters (`K`, `M`, like in the JVM and `ls
 * -h`); `kB`, `MB`, … are powers of 1000. Case is ignored. A number without unit is in bytes and
 * may be negative, because `-1` means "no limit" in Kafka's `*.bytes` settings.
 *
 * @param text Such as `10MiB`, `1.5GB`, `64K` or `1048576`.
 * @returns Bytes, rounded to an integer.
 * @throws {SyntaxError} If `text` is not an amount of bytes.
 * @throws {RangeError} If it exceeds 2^53-1.
 */
export function parseBytes(text: string): number {
  const match = /^(-?\d+|\d+(?:\.\d+)?\s*(?:([kmgtp])(i?b)?|b))$/i.exec(text.trim());
  if (match === null) {
    throw new SyntaxError(
      `Cannot read size "${text}": expected a number of bytes, with or without a unit such as ` +
        `KiB, MiB, GiB or kB, MB, GB`,
    );
  }
  const [, , letter, suffix] = match;
  const exponent = letter === undefined ? 0 : POWERS.indexOf(letter.toLowerCase()) + 1;
  const base = suffix?.toLowerCase() === "b" ? 1000 : 1024;
  const bytes = Math.round(Number.parseFloat(match[1]!) * base ** exponent);
  if (!Number.isSafeInteger(bytes)) {
    throw new RangeError(`Cannot read size "${text}": it is beyond 2^53-1 bytes`);
  }
  return bytes;
}

/**
 * Formats an amount of bytes for people, in powers of 1024 with three digits: `10 MiB`, `1.5 GiB`.
 *
 * @param bytes The amount; may be negative.
 */
export function formatBytes(bytes: number): string {
  let amount = Math.abs(bytes);
  let unit = 0;
  // Otherwise 1023.9 KiB would be printed as 1024 KiB.
  while (unit < BINARY.length - 1 && Math.round(amount) >= 1024) {
    amount /= 1024;
    unit++;
  }
  const digits = unit === 0 || amount >= 100 ? 0 : amount >= 10 ? 1 : 2;
  const text = String(Number(amount.toFixed(digits)));
  return `${bytes < 0 ? "-" : ""}${text} ${BINARY[unit]}`;
}
