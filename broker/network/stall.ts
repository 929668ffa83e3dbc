/**
 * Notices clients that have a broker hold memory for them and do nothing about it: they have sent half
 * of a large request, or do not take what was answered.
 *
 * @module
 */

/** What a client has to move, in bytes, to count as alive. */
const LEAST_BYTES = 16 * 1024;
/** How long it may take for that. */
const PATIENCE_MS = 30_000;
/** The same where others could use the memory. */
const SHORT_PATIENCE_MS = 5000;

/** Watches one client. */
export class Stall {
  #movedBytes = 0;
  #sinceMs: number | undefined;

  /**
   * Looks at the client once more.
   *
   * @param heldAt Bytes moved so far, or undefined if no memory is held.
   * @param isMemoryShort Whether others could use it.
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
