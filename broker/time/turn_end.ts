/**
 * Waits for work that arrived in the same turn of the event loop.
 *
 * @module
 */

/**
 * Upper bound on the microtask rounds between bytes from a socket and the handler of their request.
 */
const ROUNDS = 24;

/**
 * Resolves when the handlers of all requests that arrived in this turn of the event loop have
 * started, before the next turn. Delaying shared work that long costs a microsecond and lets one
 * run serve them all.
 */
export async function turnEnd(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await undefined;
}
