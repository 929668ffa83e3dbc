/**
 * How much memory is in use that is needed: what garbage collection leaves.
 *
 * @module
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let gc: (() => void) | null | undefined;

/** Bytes of JavaScript objects and buffers that are in use, garbage not counted. */
export function memoryNeeded(): number {
  gc ??= exposedGc();
  if (gc === null) return leastUnderPressure();
  gc();
  return memoryInUse();
}

/** V8's own function, null where there is none: only newer versions of Deno give it to new contexts. */
function exposedGc(): (() => void) | null {
  setFlagsFromString("--expose-gc");
  return (runInNewContext("globalThis.gc") as (() => void) | undefined) ?? null;
}

/** Takes and drops memory until V8 must have collected garbage several times; after one there is least. */
function leastUnderPressure(): number {
  let least = Infinity;
  for (let count = 0; count < 4000; count++) {
    new Uint8Array(256 * 1024).fill(1);
    least = Math.min(least, memoryInUse());
  }
  return least;
}

function memoryInUse(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
