/**
 * Names of the files in a partition's folder: an offset of twenty digits and a suffix for the type.
 *
 * @module
 */

export const LOG_SUFFIX = ".log";
export const OFFSET_INDEX_SUFFIX = ".index";
export const TIME_INDEX_SUFFIX = ".timeindex";
export const TRANSACTION_INDEX_SUFFIX = ".txnindex";
export const PRODUCER_SNAPSHOT_SUFFIX = ".snapshot";

/** Suffix of a deleted file until it is removed. */
export const DELETED_SUFFIX = ".deleted";

/** Suffix of files with bytes that were damaged. */
export const CORRUPT_SUFFIX = ".corrupt";

/** Suffix of files that the cleaner is writing. */
export const CLEANED_SUFFIX = ".cleaned";

/** Suffix of complete files that are about to replace others. */
export const SWAP_SUFFIX = ".swap";

/** Suffixes of the files of a segment. */
export const SEGMENT_SUFFIXES: readonly string[] = [
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
];

/** Name of a file, for instance `00000000000000004711.log`. */
export function fileNameOf(offset: number, suffix: string): string {
  return String(offset).padStart(20, "0") + suffix;
}

/** The offset in a file name with that suffix, or `undefined` for other names. */
export function offsetOf(fileName: string, suffix: string): number | undefined {
  if (fileName.length !== 20 + suffix.length || !fileName.endsWith(suffix)) return undefined;
  const digits = fileName.slice(0, 20);
  if (!/^\d+$/.test(digits)) return undefined;
  const offset = Number(digits);
  return Number.isSafeInteger(offset) ? offset : undefined;
}
