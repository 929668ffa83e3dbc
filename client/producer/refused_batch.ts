/**
 * A batch that a broker refused for some of its records.
 *
 * @module
 */

import { KafkaError } from "../errors.ts";

/** What is wrong with a record, in the words of a Produce response (KIP-467). */
export interface RefusedRecord {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string | null;
}

/**
 * None of the batch was written. To each message it is another error: those that are to blame are told
 * why, and the others that it was not for them.
 */
export class RefusedBatchError extends KafkaError {
  override name = "KafkaError";
  readonly #action: string;
  readonly #detail: string | null;
  readonly #refused: ReadonlyMap<number, string | null>;
  #otherError: KafkaError | undefined;

  /**
   * @param action What was tried.
   * @param errorCode Of the batch.
   * @param detail The broker's words about the batch.
   * @param refused The records that are to blame, at least one.
   */
  constructor(
    action: string,
    errorCode: number,
    detail: string | null,
    refused: readonly RefusedRecord[],
  ) {
    super(action, errorCode, refused[0]!.batchIndexErrorMessage ?? detail);
    this.#action = action;
    this.#detail = detail;
    this.#refused = new Map(
      refused.map(({ batchIndex, batchIndexErrorMessage }) => [batchIndex, batchIndexErrorMessage]),
    );
  }

  /** The error of the message at a place of the batch. */
  errorOf(place: number): KafkaError {
    const message = this.#refused.get(place);
    if (message !== undefined) {
      return new KafkaError(this.#action, this.errorCode, message ?? this.#detail);
    }
    return this.#otherError ??= new KafkaError(
      this.#action,
      this.errorCode,
      "nothing is wrong with this message, it was in a batch with others that were refused",
    );
  }
}
