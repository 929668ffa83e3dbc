/**
 * What clients are told of settings that there are not, and of values that will not do, at a cost that
 * does not grow with what they send.
 *
 * @module
 */

import { didYouMean } from "../../protocol/suggest.ts";

/** Longer texts are cut in messages. */
const MAX_TEXT_LENGTH = 200;
/** Suggestions take some ten microseconds each: a request with thousands of typos gets the first. */
const MAX_SUGGESTIONS = 100;
/** For how long, in milliseconds, that many are made. */
const PERIOD_MS = 1000;

let periodEndMs = 0;
let suggestions = 0;

/** `name`, and the known one that may be meant. */
export function unknownName(name: string, known: readonly string[]): string {
  const nowMs = performance.now();
  if (nowMs >= periodEndMs) {
    periodEndMs = nowMs + PERIOD_MS;
    suggestions = 0;
  }
  return ++suggestions > MAX_SUGGESTIONS ? brief(name) : brief(name) + didYouMean(name, known);
}

/** What came from a client, as much of it as a message shows. */
export function brief(text: string): string {
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH)}…`;
}
