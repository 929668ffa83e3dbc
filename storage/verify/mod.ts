/**
 * Checks the files of a data folder that no broker uses, and mends them.
 *
 * `verifyDataFolder` goes through a folder: `verifyPartition` scans the batches of each log, and holds
 * against them what was derived from them (`index_check.ts`, `epoch_check.ts`, `producer_check.ts`).
 * What is wrong is a `Finding`, and a `PartitionReport` has what mending it takes: `repairDataFolder`
 * puts batches without records in the place of damaged ones, so that no offset moves, and makes
 * everything else anew. It keeps aside what it takes out.
 *
 * After an unclean stop, what lies behind the recovery point is for the next start to check and is
 * no finding: a torn batch there is what a crash leaves.
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
