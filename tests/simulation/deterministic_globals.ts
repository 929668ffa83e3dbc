/**
 * Replaces the runtime's clocks, timers and random numbers with the simulation's, so that a seed repeats
 * everything.
 *
 * @module
 */

import type { Random } from "../../protocol/random_testing.ts";

/** The replacements. */
export interface GlobalsOptions {
  readonly random: Random;
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds since any time, for durations. Default: `now`. */
  monotonic?(): number;
  /** Called with the callback of a timer; its delay does not matter. */
  onTimer(callback: () => void): void;
  /** Probability that a look at the clock ends a slice of long work. Default: 0.01. */
  readonly lateProbability?: number;
}

const LATE_PROBABILITY = 0.01;
const LATE_MS = 100;

/** Replaces the globals until it is disposed of. */
export function replaceGlobals(options: GlobalsOptions): Disposable {
  const { random, now, onTimer, lateProbability = LATE_PROBABILITY } = options;
  const monotonic = options.monotonic ?? now;
  let lateMs = 0;
  let timers = 0;
  const undo = [
    replace(Math, "random", () => random.next()),
    replace(Date, "now", now),
    replace(performance, "now", () => {
      if (lateProbability > 0 && random.chance(lateProbability)) lateMs += LATE_MS;
      return monotonic() + lateMs;
    }),
    replace(crypto, "getRandomValues", (array: Uint8Array) => {
      for (let i = 0; i < array.length; i++) array[i] = random.below(256);
      return array;
    }),
    replace(crypto, "randomUUID", () => {
      const hex = Array.from({ length: 32 }, () => random.below(16).toString(16)).join("");
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    }),
    replace(globalThis, "setTimeout", (callback: () => void) => {
      onTimer(callback);
      return ++timers;
    }),
    replace(globalThis, "setImmediate", (callback: () => void) => {
      onTimer(callback);
      return ++timers;
    }),
    replace(globalThis, "setInterval", () => {
      throw new TypeError("Nothing in a simulation may use setInterval");
    }),
  ];
  return {
    [Symbol.dispose]() {
      for (const restore of undo.toReversed()) restore();
    },
  };
}

function replace<T extends object>(object: T, name: keyof T, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, before);
  };
}
