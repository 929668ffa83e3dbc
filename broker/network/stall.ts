/**
 * Detects clients that make the broker hold memory without making progress: they have sent part of
 * a large request, or do not read their responses.
 *
 * @module
 */

/** Bytes that must move for a client to count as making progress. */
const LEAST_BYTES = 16 * 1024;
/** How long a client may take to move `LEAST_BYTES`. */
const PATIENCE_MS = 30_000;
/** The same while memory is short. */
const SHORT_PATIENCE_MS = 5000;

/** Tracks the progress of one client. */
export class Stall {
  #movedBytes = 0;
  #sinceMs: number | undefined;

  /**
   * Checks the client again.
   *
   * @param heldAt Bytes moved so far, or `undefined` if no memory is held.
   * @param isMemoryShort Whether other clients wait for memory.
   * @returns Whether the client has moved too little for too long.
   */
  isOver(heldAt: number | undefined, isMemoryShort: boolean, nowMs: number): boolean {
    if (heldAt === undefined) {
      this.#sinceMs = undefined;
      return false;
    }
    if (this.#sinceMs === undefined || heldAt - this.#movedBytes >= LEAST_BYTES) {
      this.#sinceMs = nowMs;
      this.#movedBytes = heldAt;
      return false;
    }
    return nowMs - this.#sinceMs >= (isMemoryShort ? SHORT_PATIENCE_MS : PATIENCE_MS);
  }
}
