/**
 * What an answer is to take in memory, known from counts before any of it is made.
 *
 * @module
 */

import { ErrorCode } from "../protocol/errors.ts";
import { TimeSlice } from "../storage/mod.ts";
import { ApiError } from "./api_error.ts";
import type { RequestContext } from "./handler.ts";

/** Bytes of memory that a byte of an answer comes to, about: each field is a value before it is encoded. */
const MEMORY_PER_BYTE = 4;
/** Answers that take no more memory are made without a claim; they are counted when they are encoded. */
const UNCLAIMED_BYTES = 64 * 1024;

/** Room for one answer, out of what is left of `queued.max.response.bytes`. */
export class AnswerRoom {
  readonly #context: RequestContext;
  readonly #limit: number;
  #size = 0;

  constructor(context: RequestContext) {
    this.#context = context;
    this.#limit = context.broker.responseMemory.limit;
  }

  /**
   * Sets room aside for a part of the answer.
   *
   * @param bytes What it takes encoded, at most.
   * @returns Whether there is room; if not, the part is to be left out.
   */
  take(bytes: number): boolean {
    const size = this.#size + bytes * MEMORY_PER_BYTE;
    if (size > this.#limit) return false;
    this.#size = size;
    return true;
  }

  /**
   * Sets room aside for a part of the answer.
   *
   * @throws {ApiError} INVALID_REQUEST if there is none.
   */
  require(bytes: number): void {
    if (!this.take(bytes)) throw this.refusal();
  }

  /** What is answered for a part that is left out. */
  refusal(): ApiError {
    return new ApiError(
      ErrorCode.INVALID_REQUEST,
      "The answer would exceed queued.max.response.bytes: ask for less at a time",
    );
  }

  /**
   * Waits until there is memory for all that was taken, and for its turn: one large answer is made in a
   * turn of the loop, however many are asked for. To be called once, before the answer is made.
   */
  claim(): Promise<void> | undefined {
    return this.#size <= UNCLAIMED_BYTES ? undefined : this.#claimInTurn();
  }

  async #claimInTurn(): Promise<void> {
    await this.#context.claim(this.#size);
    await new TimeSlice().pause();
  }
}
