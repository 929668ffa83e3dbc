/**
 * Helpers for tests of replication: a follower's log, filled from the leader's.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { Log } from "./log.ts";
import { NOW_MS } from "./log_testing.ts";

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
