/**
 * What tests of partitions share.
 *
 * @module
 */

import { assertRejects, assertThrows } from "@std/assert";
import { errorCodeOf } from "../api_error.ts";
import { batchOf } from "../broker_testing.ts";
import { silentLogger } from "../logger.ts";
import type { Partition } from "./partition.ts";

export const NOW_MS = 1_700_000_000_000;
export const ANY = { maxBytes: 1 << 20, minOneBatch: true, isolationLevel: 0 };

/** Appends a batch of records with these values. */
export function append(partition: Partition, acks: -1 | 0 | 1, ...values: string[]) {
  return partition.append(batchOf(values), { acks, nowMs: NOW_MS });
}

/** Returns the error code that clients get for what is thrown. */
export function codeThrown(fn: () => unknown): number {
  return errorCodeOf(assertThrows(fn), silentLogger);
}

/** Returns the error code that clients get for what a promise rejects with. */
export async function codeRejected(promise: Promise<unknown>): Promise<number> {
  return errorCodeOf(await assertRejects(() => promise), silentLogger);
}
