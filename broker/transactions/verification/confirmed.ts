/**
 * Asks a coordinator about a batch until the answer holds.
 *
 * @module
 */

import type { Verification } from "../../../storage/log/producers/mod.ts";

/**
 * How often the coordinator is asked about one batch. Each time but the first a marker was appended, or
 * a batch with a transaction that was ended again.
 */
const MAX_ATTEMPTS = 5;

/**
 * Asks the coordinator of a transaction, again if something was appended for the producer meanwhile. That
 * may be the marker of the last transaction, for which the coordinator waits before it adds to the next
 * one. The answer that counts is about the time after it.
 *
 * @param first What `startVerification` returned.
 * @param start Calls `startVerification` again.
 * @param ask Asks the coordinator; rejects if it refuses.
 * @returns What the append requires; `undefined` if the transaction is open in the log by now.
 */
export async function confirmed(
  first: Verification,
  start: () => Verification | undefined,
  ask: () => Promise<void>,
): Promise<Verification | undefined> {
  let verification = first;
  for (let attempt = 1;; attempt++) {
    await ask();
    const current = start();
    if (current === undefined || current === verification) return current;
    // The append refuses it.
    if (attempt === MAX_ATTEMPTS) return verification;
    verification = current;
  }
}
