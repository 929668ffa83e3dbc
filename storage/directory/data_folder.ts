/**
 * Names of the files in a data folder. `log_directory.ts` says what they are for.
 *
 * @module
 */

export const LOCK_FILE_NAME = ".lock";
export const CLEAN_SHUTDOWN_FILE_NAME = ".kafka_cleanshutdown";
export const RECOVERY_POINT_FILE_NAME = "recovery-point-offset-checkpoint";
export const LOG_START_FILE_NAME = "log-start-offset-checkpoint";
export const SEGMENT_FILE_NAME = "segment-checkpoint";
export const CLEANER_FILE_NAME = "cleaner-offset-checkpoint";

/** What the name of a deleted log's folder ends with, until it is removed. */
export const DELETED_FOLDER_SUFFIX = "-delete";

/** What the name of a folder ends with that is kept aside: it is not known whose it is. */
export const STRAY_FOLDER_SUFFIX = "-stray";

/** Whether a folder's name is that of a log: topic, dash and partition. */
export function isLogName(name: string): boolean {
  return /^.+-\d+$/.test(name) && !name.endsWith(DELETED_FOLDER_SUFFIX);
}
