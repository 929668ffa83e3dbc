/**
 * The memory in use after garbage collection.
 *
 * @module
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let gc: (() => void) | null | undefined;

/** Returns the bytes of JavaScript objects and buffers in use, without garbage. */
export function memoryNeeded(): number {
  gc ??= exposedGc();
  if (gc === null) return leastUnderPressure();
  gc();
  return memoryInUse();
}

/** V8's `gc()`, or null: only newer versions of Deno have it in new contexts. */
function exposedGc(): (() => void) | null {
  setFlagsFromString("--expose-gc");
  return (runInNewContext("globalThis.gc") as (() => void) | undefined) ?? null;
}

/** Allocates memory until V8 must have collected garbage several times; returns the lowest use seen. */
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
