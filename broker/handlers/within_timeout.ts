/**
 * The time a client allows for a change of metadata.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { RequestContext } from "../handler.ts";

/**
 * Waits for work, which goes on even if the client's time is over.
 *
 * @throws {ApiError} REQUEST_TIMED_OUT if the work takes longer than `timeoutMs`.
 */
export async function withinTimeout<T>(
  work: Promise<T>,
  timeoutMs: number,
  { broker: { clock } }: RequestContext,
): Promise<T> {
  const timedOut = Promise.withResolvers<never>();
  const timer = clock.setTimeout(() => {
    timedOut.reject(
      new ApiError(
        ErrorCode.REQUEST_TIMED_OUT,
        `Request was not completed within ${timeoutMs} ms; it goes on and may yet succeed`,
      ),
    );
  }, Math.max(0, timeoutMs));
  try {
    return await Promise.race([work, timedOut.promise]);
  } finally {
    clock.clearTimeout(timer);
  }
}
