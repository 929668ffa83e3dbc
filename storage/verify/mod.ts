/**
 * Verifies and repairs the files of a data folder that no broker uses.
 *
 * `verifyDataFolder` checks a folder: `verifyPartition` scans the batches of each log and compares
 * with them everything derived from them (`index_check.ts`, `epoch_check.ts`, `producer_check.ts`).
 * Each problem is a `Finding`, and a `PartitionReport` has what a repair needs: `repairDataFolder`
 * replaces damaged batches with empty ones, so that no offset moves, and rebuilds the derived
 * files. The bytes it removes are kept in separate files.
 *
 * After an unclean shutdown, batches after the recovery point are checked by the next start and are
 * not reported: a crash may leave a torn batch there.
 *
 * @module
 */

export type { ExpectedLogs } from "./expected_logs.ts";
export { isBeyondRepair, repairDataFolder } from "./repair_data_folder.ts";
export type {
  Finding,
  Hole,
  MissingLog,
  PartitionReport,
  SegmentReport,
  WrongEpoch,
} from "./report.ts";
export {
  dataFolderOf,
  type DataFolderReport,
  verifyDataFolder,
  type VerifyOptions,
} from "./verify_data_folder.ts";
