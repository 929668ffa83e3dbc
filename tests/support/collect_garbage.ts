/**
 * Garbage collection on demand, without a flag on the command line.
 *
 * @module
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let gc: (() => void) | undefined;

/** Collects all garbage, so that what memory is in use is needed. */
export function collectGarbage(): void {
  if (gc === undefined) {
    setFlagsFromString("--expose-gc");
    // Only contexts made from now on have the function.
    gc = runInNewContext("gc") as () => void;
  }
  gc();
}
