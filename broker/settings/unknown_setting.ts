/**
 * Error texts for unknown settings and invalid values, at a cost independent of the size of the
 * request.
 *
 * @module
 */

import { didYouMean } from "../../protocol/suggest.ts";

/** Longer texts are truncated in messages. */
const MAX_TEXT_LENGTH = 200;
/**
 * A suggestion takes about ten microseconds: a request with thousands of typos gets only the first.
 */
const MAX_SUGGESTIONS = 100;
/** Period in milliseconds for which `MAX_SUGGESTIONS` applies. */
const PERIOD_MS = 1000;

let periodEndMs = 0;
let suggestions = 0;

/** Returns `name` and the most similar known name. */
export function unknownName(name: string, known: readonly string[]): string {
  const nowMs = performance.now();
  if (nowMs >= periodEndMs) {
    periodEndMs = nowMs + PERIOD_MS;
    suggestions = 0;
  }
  return ++suggestions > MAX_SUGGESTIONS ? brief(name) : brief(name) + didYouMean(name, known);
}

/** Truncates client input for a message. */
export function brief(text: string): string {
  return text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH)}…`;
}
