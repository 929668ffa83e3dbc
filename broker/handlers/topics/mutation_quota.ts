/**
 * The quota of changes of topics, `controller_mutation_rate` (KIP-599).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError } from "../../api_error.ts";
import type { RequestContext } from "../../handler.ts";

/** Counts the partitions that one request creates or deletes. */
export class MutationQuota {
  readonly #context: RequestContext;
  readonly #isStrict: boolean;
  /** Milliseconds that the client should wait before its next request. */
  throttleTimeMs = 0;

  /** @param firstStrict The first version in which items beyond the quota are refused. */
  constructor(context: RequestContext, firstStrict: number) {
    this.#context = context;
    this.#isStrict = context.apiVersion >= firstStrict;
  }

  /**
   * Does a change of `partitions` partitions. One that fails does not count.
   *
   * @throws {ApiError} THROTTLING_QUOTA_EXCEEDED; the change was not begun.
   */
  async spend<T>(partitions: number, change: () => Promise<T>): Promise<T> {
    const { quotas } = this.#context.broker;
    if (!quotas.isActive) return await change();
    const { isAllowed, throttleMs } = quotas.mutated(this.#context, partitions, this.#isStrict);
    this.throttleTimeMs = Math.max(this.throttleTimeMs, throttleMs);
    if (!isAllowed) throw new ApiError(ErrorCode.THROTTLING_QUOTA_EXCEEDED);
    try {
      return await change();
    } catch (error) {
      quotas.mutated(this.#context, -partitions, false);
      throw error;
    }
  }
}
