/**
 * Repairs a data folder according to the report of its verification.
 *
 * @module
 */

import { CLEAN_SHUTDOWN_FILE_NAME } from "../directory/data_folder.ts";
import type { FileSystem } from "../file_system/file_system.ts";
import { META_PROPERTIES_FILE_NAME } from "../directory/meta_properties.ts";
import { repairPartition, replaceLog, setAside } from "./repair_partition.ts";
import { dataFolderOf, type DataFolderReport } from "./verify_data_folder.ts";

/**
 * Whether a file or folder cannot be repaired automatically: the owner of the data folder and its
 * topics are not stored anywhere else.
 */
export function isBeyondRepair(path: string): boolean {
  return path.endsWith(`/${META_PROPERTIES_FILE_NAME}`) || /\/__cluster_metadata-0$/.test(path);
}

/**
 * Repairs a data folder or a partition's folder, which must not be in use. The next start checks
 * its logs from their recovery points on, as after a crash.
 *
 * @param path The verified folder.
 * @throws {FileSystemError} If a file cannot be read or written.
 */
export async function repairDataFolder(
  fs: FileSystem,
  path: string,
  report: DataFolderReport,
  nowMs: number,
): Promise<void> {
  const dataFolder = dataFolderOf(fs, path);
  if (dataFolder !== undefined) {
    fs.removeSync(`${dataFolder}/${CLEAN_SHUTDOWN_FILE_NAME}`);
    for (const wrong of report.wrongFiles) {
      if (!isBeyondRepair(wrong)) setAside(fs, wrong);
    }
    await fs.syncDir(dataFolder);
  }
  for (const log of report.missing) {
    if (log.isCertain && !isBeyondRepair(log.folder)) await replaceLog(fs, log, nowMs);
  }
  for (const partition of report.partitions) {
    if (partition.findings.length > 0) await repairPartition(fs, partition, nowMs);
  }
}
