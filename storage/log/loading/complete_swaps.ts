/**
 * Completes swaps of cleaned segments that were interrupted by a crash.
 * `../cleaner/segment_swap.ts` describes the steps and file names.
 *
 * @module
 */

import { CorruptRecordError } from "../../../protocol/records/mod.ts";
import { isNotFound } from "../../file_system/file_system.ts";
import { BatchScanner } from "../../segment/batch_scanner.ts";
import type { SegmentContext } from "../../segment/segment.ts";
import {
  CLEANED_SUFFIX,
  fileNameOf,
  LOG_SUFFIX,
  offsetOf,
  SEGMENT_SUFFIXES,
  SWAP_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from "../../segment/segment_file_name.ts";
import { TimeSlice } from "../../time_slice.ts";

/** What was found and done. */
export interface CompletedSwaps {
  /** Whether names changed. */
  readonly isChanged: boolean;
  /**
   * Base offsets of segments whose transaction index may be lost. Unlike other indexes, it is not missed
   * when it is not there.
   */
  readonly unindexed: readonly number[];
}

/**
 * Completes interrupted swaps, and removes files of cleanings that had not reached the swap.
 *
 * @param names Names of the files in the folder.
 */
export async function completeSwaps(
  context: SegmentContext,
  folder: string,
  names: ReadonlySet<string>,
): Promise<CompletedSwaps> {
  const { fs } = context;
  const unindexed: number[] = [];
  let isChanged = false;
  for (const name of names) {
    if (name.endsWith(CLEANED_SUFFIX)) await fs.remove(`${folder}/${name}`);
    const baseOffset = offsetOf(name, LOG_SUFFIX + SWAP_SUFFIX);
    if (baseOffset === undefined) continue;
    await completeSwap(context, folder, names, baseOffset);
    unindexed.push(baseOffset);
    isChanged = true;
  }
  // Indexes whose batch file is already in place, or was never renamed.
  for (const name of names) {
    if (!name.endsWith(SWAP_SUFFIX)) continue;
    const baseOffset = offsetOf(name, TRANSACTION_INDEX_SUFFIX + SWAP_SUFFIX);
    if (baseOffset !== undefined) unindexed.push(baseOffset);
    await fs.remove(`${folder}/${name}`);
    isChanged = true;
  }
  if (isChanged) await fs.syncDir(folder);
  return { isChanged, unindexed };
}

async function completeSwap(
  context: SegmentContext,
  folder: string,
  names: ReadonlySet<string>,
  baseOffset: number,
): Promise<void> {
  const { fs } = context;
  const nextOffset = await nextOffsetOf(context, folder, baseOffset);
  for (const name of names) {
    const offset = SEGMENT_SUFFIXES.map((suffix) => offsetOf(name, suffix))
      .find((offset) => offset !== undefined);
    if (offset === undefined || offset < baseOffset || offset >= nextOffset) continue;
    await fs.remove(`${folder}/${name}`);
  }
  await fs.syncDir(folder);
  for (const suffix of SEGMENT_SUFFIXES.toReversed()) {
    const path = `${folder}/${fileNameOf(baseOffset, suffix)}`;
    try {
      fs.renameSync(`${path}${SWAP_SUFFIX}`, path);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** The offset after the last batch of a segment that is about to be swapped in. */
async function nextOffsetOf(
  { fs, pool }: SegmentContext,
  folder: string,
  baseOffset: number,
): Promise<number> {
  const path = `${folder}/${fileNameOf(baseOffset, LOG_SUFFIX)}${SWAP_SUFFIX}`;
  const file = pool.file(path);
  const scanner = new BatchScanner(file, 0, fs.statSync(path)!.size, false);
  const slice = new TimeSlice();
  let nextOffset = baseOffset + 1;
  try {
    while (scanner.next()) {
      nextOffset = scanner.header.nextOffset;
      if (slice.isOver) await slice.pause();
    }
  } catch (error) {
    // Later reads report the damage; the segments up to it are known to be replaced.
    if (!(error instanceof CorruptRecordError)) throw error;
  } finally {
    file.close();
  }
  return nextOffset;
}
