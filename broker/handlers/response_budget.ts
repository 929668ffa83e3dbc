/**
 * Bounds the memory of a response, estimated from counts before any of it is built.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { TimeSlice } from "../../storage/time_slice.ts";
import { ApiError } from "../api_error.ts";
import type { RequestContext } from "../handler.ts";

/**
 * Approximate memory per byte of an encoded response: each field is a value before it is encoded.
 */
const MEMORY_PER_BYTE = 4;
/** Responses that need less memory are built without a claim; they are counted when encoded. */
const UNCLAIMED_BYTES = 64 * 1024;

/** Room for one response within the limit of `queued.max.response.bytes`. */
export class ResponseBudget {
  readonly #context: RequestContext;
  readonly #limit: number;
  #size = 0;
  #isClaimed = false;

  constructor(context: RequestContext) {
    this.#context = context;
    this.#limit = context.broker.responseMemory.limit;
  }

  /**
   * Reserves room for a part of the response.
   *
   * @param bytes Upper bound of its encoded size.
   * @returns Whether there is room. If not, the part must be left out.
   */
  reserve(bytes: number): boolean {
    this.#ensureUnclaimed();
    const size = this.#size + bytes * MEMORY_PER_BYTE;
    if (size > this.#limit) return false;
    this.#size = size;
    return true;
  }

  /**
   * Reserves room for a part of the response.
   *
   * @throws {ApiError} INVALID_REQUEST if there is no room.
   */
  require(bytes: number): void {
    if (!this.reserve(bytes)) throw this.refusal();
  }

  /** The error for a part that is left out. */
  refusal(): ApiError {
    return new ApiError(
      ErrorCode.INVALID_REQUEST,
      "The response would exceed queued.max.response.bytes: request fewer items at a time",
    );
  }

  /**
   * Waits until memory is available for everything reserved. Large responses are built one per turn
   * of the event loop. Must be called once, before the response is built.
   */
  claim(): Promise<void> | undefined {
    this.#ensureUnclaimed();
    this.#isClaimed = true;
    return this.#size <= UNCLAIMED_BYTES ? undefined : this.#claimInTurn();
  }

  #ensureUnclaimed(): void {
    if (this.#isClaimed) throw new Error("Cannot reserve memory for a response: it is claimed");
  }

  async #claimInTurn(): Promise<void> {
    await this.#context.claim(this.#size);
    await new TimeSlice().pause();
  }
}
