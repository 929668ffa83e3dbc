/**
 * The result of one item of a request.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { errorCodeOf, errorMessageOf } from "../api_error.ts";
import type { RequestContext } from "../handler.ts";

/** The result of one item of a request. */
export interface Outcome {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** A successful result. */
export const SUCCESS: Outcome = { errorCode: ErrorCode.NONE, errorMessage: null };

/** The result of a failed item. */
export function failure(error: unknown, { broker }: RequestContext): Outcome {
  return { errorCode: errorCodeOf(error, broker.logger), errorMessage: errorMessageOf(error) };
}

/** The result of an item that a request contains twice. */
export function duplicate(what: string): Outcome {
  return {
    errorCode: ErrorCode.INVALID_REQUEST,
    errorMessage: `Cannot process request: ${what} is listed more than once`,
  };
}

/** The values that occur more than once. */
export function duplicatesOf<T>(values: Iterable<T>): ReadonlySet<T> {
  const seen = new Set<T>();
  const duplicates = new Set<T>();
  for (const value of values) {
    if (seen.has(value)) duplicates.add(value);
    seen.add(value);
  }
  return duplicates;
}
