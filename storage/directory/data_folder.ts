/**
 * Names of the files in a data folder. `log_directory.ts` says what each is for.
 *
 * @module
 */

export const LOCK_FILE_NAME = ".lock";
export const CLEAN_SHUTDOWN_FILE_NAME = ".kafka_cleanshutdown";
export const RECOVERY_POINT_FILE_NAME = "recovery-point-offset-checkpoint";
export const LOG_START_FILE_NAME = "log-start-offset-checkpoint";
export const HIGH_WATERMARK_FILE_NAME = "replication-offset-checkpoint";
export const SEGMENT_FILE_NAME = "segment-checkpoint";
export const CLEANER_FILE_NAME = "cleaner-offset-checkpoint";

/** Suffix of a deleted log's folder until it is removed. */
export const DELETED_FOLDER_SUFFIX = "-delete";

/** Suffix of a folder that is kept because its topic is not known. */
export const STRAY_FOLDER_SUFFIX = "-stray";

/** Whether a folder has the name of a log: topic, dash and partition. */
export function isLogName(name: string): boolean {
  return /^.+-\d+$/.test(name) && !name.endsWith(DELETED_FOLDER_SUFFIX);
}
