/**
 * Waits for the high watermark of a partition.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { Partition } from "./partition.ts";

/**
 * Resolves when the records of a partition before an offset are committed.
 *
 * @throws {ApiError} NOT_LEADER_OR_FOLLOWER when this broker does not lead it any more, in its epoch.
 * @throws {unknown} The signal's reason.
 */
export async function whenCommitted(
  partition: Partition,
  offset: number,
  signal: AbortSignal,
): Promise<void> {
  const epoch = partition.leaderEpoch;
  while (partition.highWatermark < offset) {
    signal.throwIfAborted();
    const isLost = !partition.isLeader || partition.leaderEpoch !== epoch || partition.isOffline;
    if (isLost) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const { promise, resolve } = Promise.withResolvers<void>();
    const onAbort = () => resolve();
    const unsubscribe = partition.subscribe(resolve);
    signal.addEventListener("abort", onAbort);
    await promise;
    signal.removeEventListener("abort", onAbort);
    unsubscribe();
  }
}
