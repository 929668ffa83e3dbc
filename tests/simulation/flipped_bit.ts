/**
 * Flips a bit of an old batch on disk, as an aging disk does.
 *
 * @module
 */

import type { Random } from "../../protocol/random_testing.ts";
import { recordBatches } from "../../protocol/records/mod.ts";
import type { MemoryFileSystem } from "../../storage/mod.ts";

/**
 * The base offset, length, leader epoch and magic. The CRC does not cover them, and if they are damaged the
 * next batch may not be found before the end of the segment.
 */
const UNFRAMED_BYTES = 17;

/** The damaged offsets: one batch or, if its framing is damaged, possibly more of the segment. */
export interface Damage {
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/**
 * Flips a bit in a closed segment of a partition, before its recovery point. Batches after it are checked
 * after a crash, where damage cannot be distinguished from an unfinished write.
 *
 * @returns The damaged offsets; nothing if the partition has no such segment.
 */
export function flipBit(
  disk: MemoryFileSystem,
  dataFolder: string,
  partition: string,
  random: Random,
): Damage | undefined {
  const folder = `${dataFolder}/${partition}`;
  if (disk.statSync(folder) === undefined) return undefined;
  const recoveryPoint = recoveryPointOf(disk, dataFolder, partition);
  const files = disk.readDirSync(folder).map(({ name }) => name)
    .filter((name) => /^\d{20}\.log$/.test(name)).sort();
  const closed = files.filter((_, i) => Number(files[i + 1]?.slice(0, 20) ?? NaN) < recoveryPoint);
  if (closed.length === 0) return undefined;
  const name = random.pick(closed);
  const path = `${folder}/${name}`;
  const bytes = disk.readFileSync(path);
  const batches = [...recordBatches(bytes)];
  if (batches.length === 0) return undefined;
  const batch = random.pick(batches);
  const { baseOffset: firstOffset, lastOffset } = batch;
  const within = random.below(batch.sizeInBytes);
  const position = batch.bytes.byteOffset - bytes.byteOffset + within;
  const flipped = bytes[position]! ^ 1 << random.below(8);
  disk.overwriteSync(path, position, new Uint8Array([flipped]));
  if (within >= UNFRAMED_BYTES) return { firstOffset, lastOffset };
  const next = files[files.indexOf(name) + 1]!;
  return { firstOffset: Number(name.slice(0, 20)), lastOffset: Number(next.slice(0, 20)) - 1 };
}

function recoveryPointOf(disk: MemoryFileSystem, dataFolder: string, partition: string): number {
  const path = `${dataFolder}/recovery-point-offset-checkpoint`;
  if (disk.statSync(path) === undefined) return 0;
  const dash = partition.lastIndexOf("-");
  const prefix = `${partition.slice(0, dash)} ${partition.slice(dash + 1)} `;
  const lines = new TextDecoder().decode(disk.readFileSync(path)).split("\n");
  const line = lines.find((line) => line.startsWith(prefix));
  return line === undefined ? 0 : Number(line.slice(prefix.length));
}
