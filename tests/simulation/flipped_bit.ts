/**
 * Flips a bit of a batch that was on disk long ago, as a disk does that ages.
 *
 * @module
 */

import type { Random } from "../../protocol/random_testing.ts";
import { recordBatches } from "../../protocol/records/mod.ts";
import type { MemoryFileSystem } from "../../storage/mod.ts";

/**
 * The base offset, length, leader epoch and magic: what the CRC does not cover, and without what the
 * next batch may not be found before the end of the segment.
 */
const UNFRAMED_BYTES = 17;

/** What was damaged: one batch or, if its framing was, maybe more of the segment. */
export interface Damage {
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/**
 * Flips a bit in a closed segment of a partition, before its recovery point: what lies behind that is
 * checked after a crash, and what is damaged there cannot be told from what was never written.
 *
 * @returns What is damaged; nothing if the partition has no such segment.
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
