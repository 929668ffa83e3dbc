/**
 * What a request is answered about each of its items.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { errorCodeOf, errorMessageOf } from "../api_error.ts";
import type { RequestContext } from "../handler.ts";

/** What is answered about one item of a request. */
export interface Outcome {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** The outcome of what went well. */
export const SUCCESS: Outcome = { errorCode: ErrorCode.NONE, errorMessage: null };

/** The outcome of what went wrong. */
export function failure(error: unknown, { broker }: RequestContext): Outcome {
  return { errorCode: errorCodeOf(error, broker.logger), errorMessage: errorMessageOf(error) };
}

/** The outcome of an item that a request names twice. */
export function duplicate(what: string): Outcome {
  return {
    errorCode: ErrorCode.INVALID_REQUEST,
    errorMessage: `Cannot serve request: it names ${what} more than once`,
  };
}

/** The values that a list has more than once. */
export function duplicatesOf<T>(values: Iterable<T>): ReadonlySet<T> {
  const seen = new Set<T>();
  const duplicates = new Set<T>();
  for (const value of values) {
    if (seen.has(value)) duplicates.add(value);
    seen.add(value);
  }
  return duplicates;
}
