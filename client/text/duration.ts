/**
 * Durations with units: `5s`, `100ms`, `1h30m`, `1.5h`.
 *
 * @module
 */

const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ["w", 604_800_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];
const MS_OF = new Map(UNITS);
/** Weeks are parsed but not printed: Kafka's users write `7d`. */
const PRINTED_UNITS = UNITS.slice(1);

/**
 * Parses a duration.
 *
 * A number without unit is in milliseconds, as in Kafka's `*.ms` settings; it may be negative (`-1`
 * means "no limit").
 *
 * @param text Such as `5s`, `100ms`, `1h30m`, `7d` or `5000`.
 * @returns Milliseconds, an integer.
 * @throws {SyntaxError} If `text` is not a duration.
 * @throws {RangeError} If it is not an integer number of milliseconds, or exceeds 2^53-1.
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (/^-?\d+$/.test(trimmed)) return checkedMs(Number(trimmed), text);
  if (!/^(?:\d+(?:\.\d+)?[a-z]+)+$/i.test(trimmed)) throw notADuration(text);
  let total = 0;
  const seen = new Set<string>();
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/gi)) {
    const name = unit!.toLowerCase();
    const ms = MS_OF.get(name);
    if (ms === undefined || seen.has(name)) throw notADuration(text);
    seen.add(name);
    total += Number(amount) * ms;
  }
  // 1.1s is 1100.0000000000002 ms in binary floating point.
  const rounded = Math.round(total);
  if (Math.abs(total - rounded) > 1e-6 * Math.max(1, total)) {
    throw new RangeError(`Cannot read duration "${text}": the smallest unit is 1ms`);
  }
  return checkedMs(rounded, text);
}

/**
 * Formats a duration such that {@linkcode parseDuration} returns the same value.
 *
 * @param ms Milliseconds; fractions are rounded.
 * @param maxUnits Number of units to print, from the largest one that is not zero; the rest is
 *   rounded. Default: all, which is exact.
 */
export function formatDuration(ms: number, maxUnits = PRINTED_UNITS.length): string {
  const sign = ms < 0 ? "-" : "";
  let rest = Math.round(Math.abs(ms));
  const first = PRINTED_UNITS.findIndex(([, size]) => rest >= size);
  if (first === -1) return "0s";
  const last = Math.min(first + maxUnits, PRINTED_UNITS.length) - 1;
  const step = PRINTED_UNITS[last]![1];
  const rounded = Math.round(rest / step) * step;
  // Rounding up may carry into the next unit: 59m59s with one unit is 1h, not 60m.
  if (rounded !== rest) return sign + formatDuration(rounded, maxUnits);
  let text = sign;
  for (const [name, size] of PRINTED_UNITS.slice(first, last + 1)) {
    const amount = Math.floor(rest / size);
    if (amount > 0) text += amount + name;
    rest -= amount * size;
  }
  return text;
}

function checkedMs(ms: number, text: string): number {
  if (!Number.isSafeInteger(ms)) {
    throw new RangeError(`Cannot read duration "${text}": it is beyond 2^53-1 milliseconds`);
  }
  return ms;
}

function notADuration(text: string): SyntaxError {
  return new SyntaxError(
    `Cannot read duration "${text}": expected numbers with a unit of w, d, h, m, s, ms, such as 1h30m`,
  );
}
