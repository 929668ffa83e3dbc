/**
 * Waiting for what came in together.
 *
 * @module
 */

/** More rounds of reactions than lie between bytes from a socket and the handler of their request. */
const ROUNDS = 24;

/**
 * Resolves when the handlers of requests that came in the same turn of the event loop have begun,
 * before the next turn: so late costs a microsecond, and lets work that serves many begin for all.
 */
export async function turnEnd(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await undefined;
}
