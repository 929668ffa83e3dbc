/**
 * A batch that a broker refused because of some of its records.
 *
 * @module
 */

import { KafkaError } from "../errors.ts";

/** An invalid record, in the words of a Produce response (KIP-467). */
export interface RefusedRecord {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string | null;
}

/**
 * No record of the batch was written. Each message gets its own error: the invalid ones their
 * reason, the others that they were valid.
 */
export class RefusedBatchError extends KafkaError {
  override name = "KafkaError";
  readonly #action: string;
  readonly #detail: string | null;
  readonly #refused: ReadonlyMap<number, string | null>;
  #otherError: KafkaError | undefined;

  /**
   * @param action What failed.
   * @param errorCode The code of the batch.
   * @param detail The broker's message about the batch.
   * @param refused The invalid records, at least one.
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

  /** The error of the message at an index of the batch. */
  errorOf(place: number): KafkaError {
    const message = this.#refused.get(place);
    if (message !== undefined) {
      return new KafkaError(this.#action, this.errorCode, message ?? this.#detail);
    }
    return this.#otherError ??= new KafkaError(
      this.#action,
      this.errorCode,
      "this message is valid, but other messages of its batch are not",
    );
  }
}
