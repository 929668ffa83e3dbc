/**
 * Helpers for tests of replication: a follower's log, filled from the leader's.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { recordBatches } from "../protocol/records/mod.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import type { Log } from "./log.ts";
import type { LogConfig } from "./log/log_config.ts";
import { NOW_MS, openDirectory } from "./log_testing.ts";
import { assertTransactions } from "./transactions_testing.ts";

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

/** The batches of a log from its log start offset on: base offset, leader epoch, CRC and size. */
export async function batchesIn(log: Log): Promise<string[]> {
  const batches: string[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    const bytes = await fetchBytes(log, offset);
    if (bytes.length === 0) break;
    for (const batch of recordBatches(bytes)) {
      batch.ensureValid();
      const { baseOffset, partitionLeaderEpoch, crc, sizeInBytes } = batch;
      batches.push(`${baseOffset} epoch ${partitionLeaderEpoch} ${crc} ${sizeInBytes}`);
      offset = batch.nextOffset;
    }
  }
  return batches;
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
 * leader epochs, producers, open and aborted transactions, lookups by timestamp.
 */
export async function assertDerived(log: Log, config: LogConfig): Promise<void> {
  const { logStartOffset, logEndOffset } = log;
  await using directory = await openDirectory(new MemoryFileSystem(), { config });
  const copy = directory.create("copy-0", { nowMs: NOW_MS, config });
  if (logStartOffset > 0) await copy.truncateFullyAndStartAt(logStartOffset, NOW_MS);
  await copyLog(log, copy, { leaderEpoch: 2 ** 31 - 1 });
  assertEquals([copy.logStartOffset, copy.logEndOffset], [logStartOffset, logEndOffset]);
  assertEquals(epochsOf(log, copy.latestEpoch), epochsOf(copy, copy.latestEpoch));
  assertEquals(producersOf(log), producersOf(copy));
  // The first batches of a transaction may have been deleted.
  const { firstOffset = Infinity } = log.oldestOpenTransaction() ?? {};
  if (firstOffset >= logStartOffset) {
    assertEquals(log.oldestOpenTransaction(), copy.oldestOpenTransaction());
  }
  await assertTransactions(log);
  for (let offset = logStartOffset; offset < logEndOffset; offset++) {
    const [found, expected] = [await fetchBytes(log, offset, 1), await fetchBytes(copy, offset, 1)];
    assertEquals(found, expected, `batch at offset ${offset}`);
  }
  assertEquals(
    (await log.offsetForTimestamp(0))?.offset,
    (await copy.offsetForTimestamp(0))?.offset,
  );
}

/**
 * The end offsets of the epochs of a log, as far as it has their batches, up to that of its last batch: a
 * leader may have begun a later one.
 */
function epochsOf(log: Log, lastEpoch: number) {
  return Array.from({ length: lastEpoch + 1 }, (_, epoch) => log.endOffsetForEpoch(epoch)!)
    .filter(({ offset }) => offset > log.logStartOffset);
}

/** What snapshots keep of the producers of a log whose last batches are in it. */
function producersOf(log: Log) {
  return Array.from(log.producers.values())
    .filter((state) => state.lastOffset >= log.logStartOffset)
    .map(({ producerId, producerEpoch, lastSequence, lastOffset }) => {
      return { producerId, producerEpoch, lastSequence, lastOffset };
    })
    .toSorted((a, b) => a.producerId - b.producerId);
}
