/**
 * Version ranges as Kafka's message definitions write them: `3`, `3-13`, `9+`, `none`.
 *
 * @module
 */

/** Versions from `min` to `max`, both included; empty if `max` is below `min`. */
export interface VersionRange {
  /** The lowest version. */
  readonly min: number;
  /** The highest version. */
  readonly max: number;
}

/** The highest version an API version field can carry. */
const HIGHEST = 0x7fff;

/** The range of all versions. */
export const ALL_VERSIONS: VersionRange = { min: 0, max: HIGHEST };

/** The range that holds no version. */
export const NO_VERSIONS: VersionRange = { min: 0, max: -1 };

/**
 * Parses a range in Kafka's notation.
 *
 * @throws {TypeError} if `text` is not in that notation.
 */
export function versionRange(text: string): VersionRange {
  if (text === "none") return NO_VERSIONS;
  const match = /^(\d+)(\+|-(\d+))?$/.exec(text);
  if (match === null) throw new TypeError(`Cannot read version range "${text}"`);
  const min = Number(match[1]);
  if (match[2] === undefined) return { min, max: min };
  return { min, max: match[3] === undefined ? HIGHEST : Number(match[3]) };
}

/** Whether `version` is in `range`. */
export function inRange(version: number, range: VersionRange): boolean {
  return version >= range.min && version <= range.max;
}
