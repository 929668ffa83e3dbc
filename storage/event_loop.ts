/**
 * The event loop's polls of sockets.
 *
 * @module
 */

/**
 * The loop of Deno (tokio's) polls sockets in every 61st of its ticks while there is something to do in
 * each. Work that comes back after one tick, or after a timer, would run many times between two polls.
 */
const POLL_TICKS = 62;

/** Calls `callback` once sockets and timers have been polled. */
export function afterPoll(callback: () => void): void {
  afterTicks(POLL_TICKS, callback);
}

function afterTicks(count: number, callback: () => void): void {
  globalThis.setImmediate(count === 1 ? callback : () => afterTicks(count - 1, callback));
}
