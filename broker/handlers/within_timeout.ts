/**
 * Applies the timeout of a client to a metadata change.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { RequestContext } from "../handler.ts";

/**
 * Waits for work, which continues after the timeout. A timeout of 0 ms or less sets no limit: the
 * client waits until the work is done.
 *
 * @throws {ApiError} REQUEST_TIMED_OUT if the work takes longer than `timeoutMs`.
 */
export async function withinTimeout<T>(
  work: Promise<T>,
  timeoutMs: number,
  { broker: { clock } }: RequestContext,
): Promise<T> {
  if (timeoutMs <= 0) return await work;
  const timedOut = Promise.withResolvers<never>();
  const timer = clock.setTimeout(() => {
    timedOut.reject(
      new ApiError(
        ErrorCode.REQUEST_TIMED_OUT,
        `Request was not completed within ${timeoutMs} ms; it continues and may yet succeed`,
      ),
    );
  }, timeoutMs);
  try {
    return await Promise.race([work, timedOut.promise]);
  } finally {
    clock.clearTimeout(timer);
  }
}
