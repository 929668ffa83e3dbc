/**
 * Loses files that are rebuilt from others: indexes, snapshots, checkpoints.
 *
 * @module
 */

import type { Random } from "../../protocol/random_testing.ts";
import type { MemoryFileSystem } from "../../storage/mod.ts";

/** Files that are rebuilt from the batches, or not needed. */
const DISPENSABLE =
  /\.index$|\.timeindex$|\.snapshot$|^leader-epoch-checkpoint$|^\.kafka_cleanshutdown$|^cleaner-offset-checkpoint$/;

/** The file that distinguishes gaps left by a power failure from those of compaction. */
export const RECOVERY_POINTS = "recovery-point-offset-checkpoint";

const MAX_LOST = 4;

/** Removes some files of a data folder, possibly the recovery points too; returns their paths. */
export function loseFiles(
  disk: MemoryFileSystem,
  folder: string,
  random: Random,
  withRecoveryPoints: boolean,
): string[] {
  const paths = filesIn(disk, folder).filter((path) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return DISPENSABLE.test(name) || (withRecoveryPoints && name === RECOVERY_POINTS);
  });
  const lost: string[] = [];
  for (let i = 1 + random.below(MAX_LOST); i > 0 && paths.length > 0; i--) {
    const [path] = paths.splice(random.below(paths.length), 1);
    disk.removeSync(path!);
    lost.push(path!);
  }
  return lost;
}

function filesIn(disk: MemoryFileSystem, folder: string): string[] {
  if (disk.statSync(folder) === undefined) return [];
  return disk.readDirSync(folder).flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? filesIn(disk, path) : [path];
  });
}
