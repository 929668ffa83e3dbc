/**
 * Waits for a transactional id to settle.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";
import type { TransactionCoordinators } from "./transaction_request.ts";

/** How long to wait. */
export interface PauseOptions {
  /** Milliseconds to wait at most. */
  readonly ms: number;
  readonly clock: Clock;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/**
 * Waits until nothing is being written for a transactional id, and its last transaction has ended. Nothing
 * of the wait is kept after it, however long the transaction takes: clients may ask again and again.
 *
 * @returns `false` at once if there is nothing to wait for.
 */
export async function pauseUntilSettled(
  coordinators: Pick<TransactionCoordinators, "whenSettled">,
  transactionalId: string,
  { ms, clock, signal }: PauseOptions,
): Promise<boolean> {
  const ended = new AbortController();
  const end = () => ended.abort();
  const settled = coordinators.whenSettled(transactionalId, ended.signal);
  if (settled === undefined) return false;
  settled.then(end);
  // `AbortSignal.any` would keep a reference for each wait as long as the signal lives.
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  await pause(clock, ms, ended.signal);
  signal.removeEventListener("abort", end);
  end();
  return true;
}
