/**
 * Names of the files in a partition's folder: an offset in twenty digits, and what they hold.
 *
 * @module
 */

export const LOG_SUFFIX = ".log";
export const OFFSET_INDEX_SUFFIX = ".index";
export const TIME_INDEX_SUFFIX = ".timeindex";
export const TRANSACTION_INDEX_SUFFIX = ".txnindex";
export const PRODUCER_SNAPSHOT_SUFFIX = ".snapshot";

/** What is appended to the name of a file that is no longer in use, until it is removed. */
export const DELETED_SUFFIX = ".deleted";

/** What is appended to the names of files that hold what was damaged. */
export const CORRUPT_SUFFIX = ".corrupt";

/** What is appended to the names of files that the cleaner writes, until they are whole. */
export const CLEANED_SUFFIX = ".cleaned";

/** What is appended to the names of files that are to take the place of others. */
export const SWAP_SUFFIX = ".swap";

/** Suffixes of the files that a segment has. */
export const SEGMENT_SUFFIXES: readonly string[] = [
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
];

/** Name of a file, as `00000000000000004711.log`. */
export function fileNameOf(offset: number, suffix: string): string {
  return String(offset).padStart(20, "0") + suffix;
}

/** The offset in a file's name, if it is such a name and has that suffix. */
export function offsetOf(fileName: string, suffix: string): number | undefined {
  if (fileName.length !== 20 + suffix.length || !fileName.endsWith(suffix)) return undefined;
  const digits = fileName.slice(0, 20);
  if (!/^\d+$/.test(digits)) return undefined;
  const offset = Number(digits);
  return Number.isSafeInteger(offset) ? offset : undefined;
}
