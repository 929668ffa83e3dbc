/**
 * Helpers for tests of replication: a follower's log, filled from the leader's.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import type { Log } from "./log.ts";
import type { LogConfig } from "./log/log_config.ts";
import { NOW_MS, openDirectory } from "./log_testing.ts";

/** Limits of a copy. */
export interface CopyOptions {
  /** The epoch of the leader. Default: the latest in its log. */
  readonly leaderEpoch?: number;
  /** How much is read at a time, in bytes. */
  readonly maxBytes?: number;
  /** Where to stop. Default: the log end offset of the leader. */
  readonly endOffset?: number;
}

/** The bytes of a log from an offset on, as a follower fetches them. */
export async function fetchBytes(
  log: Log,
  offset: number,
  maxBytes = 1 << 20,
  maxOffset = Infinity,
): Promise<Uint8Array> {
  const { chunks, sizeInBytes, release } = await log.read(offset, {
    maxBytes,
    maxOffset,
    withEmptyBatches: true,
  });
  const bytes = new Uint8Array(sizeInBytes);
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.length;
  }
  release?.();
  return bytes;
}

/** All bytes of a log, from its log start offset on. */
export async function allBytes(log: Log, endOffset: number = log.logEndOffset): Promise<string> {
  let hex = "";
  for (let offset = log.logStartOffset; offset < endOffset;) {
    const { chunks, nextOffset, release } = await log.read(offset, {
      maxBytes: 1 << 20,
      maxOffset: endOffset,
      withEmptyBatches: true,
    });
    if (chunks.length === 0) break;
    for (const chunk of chunks) hex += chunk.toHex();
    release?.();
    offset = nextOffset;
  }
  return hex;
}

/** Copies what a follower lacks of the leader's log. */
export async function copyLog(
  leader: Log,
  follower: Log,
  options: CopyOptions = {},
): Promise<void> {
  const { leaderEpoch = leader.latestEpoch, maxBytes, endOffset = leader.logEndOffset } = options;
  while (follower.logEndOffset < endOffset) {
    const before = follower.logEndOffset;
    const bytes = await fetchBytes(leader, before, maxBytes, endOffset);
    if (bytes.length === 0) return;
    follower.appendReplicated(bytes, { leaderEpoch, nowMs: NOW_MS });
    assert(follower.logEndOffset > before);
  }
}

/**
 * Checks that everything derived from the batches of a log is as in one that has just copied them:
 * leader epochs, producers, open transactions, lookups by timestamp.
 */
export async function assertDerived(log: Log, config: LogConfig): Promise<void> {
  const { logStartOffset, logEndOffset } = log;
  await using directory = await openDirectory(new MemoryFileSystem(), { config });
  const copy = directory.create("copy-0", { nowMs: NOW_MS, config });
  if (logStartOffset > 0) await copy.truncateFullyAndStartAt(logStartOffset, NOW_MS);
  await copyLog(log, copy, { leaderEpoch: 2 ** 31 - 1 });
  assertEquals([copy.logStartOffset, copy.logEndOffset], [logStartOffset, logEndOffset]);
  if (logEndOffset > logStartOffset) assertEquals(epochsOf(log), epochsOf(copy));
  assertEquals(producersOf(log), producersOf(copy));
  assertEquals(log.firstOpenTransactionOffset, copy.firstOpenTransactionOffset);
  for (let offset = logStartOffset; offset < logEndOffset; offset++) {
    const [found, expected] = [await fetchBytes(log, offset, 1), await fetchBytes(copy, offset, 1)];
    assertEquals(found, expected, `batch at offset ${offset}`);
  }
  assertEquals(
    (await log.offsetForTimestamp(0))?.offset,
    (await copy.offsetForTimestamp(0))?.offset,
  );
}

/** The end offset of each epoch of a log, as far as it has its batches. */
function epochsOf(log: Log) {
  return Array.from({ length: log.latestEpoch + 1 }, (_, epoch) => log.endOffsetForEpoch(epoch)!)
    .filter(({ offset }) => offset > log.logStartOffset);
}

/** What snapshots keep of the producers of a log that have batches in it. */
function producersOf(log: Log) {
  return Array.from(log.producers.values())
    .filter((state) => state.lastOffset >= log.logStartOffset)
    .map(({ producerId, producerEpoch, lastSequence, lastOffset, coordinatorEpoch }) => ({
      producerId,
      producerEpoch,
      lastSequence,
      lastOffset,
      coordinatorEpoch,
    }))
    .toSorted((a, b) => a.producerId - b.producerId);
}
