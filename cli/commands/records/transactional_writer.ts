/**
 * Writes messages in transactions, for `produce --transactional-id`.
 *
 * @module
 */

import type { OutgoingMessage, Producer, Transaction } from "../../../client/mod.ts";
import type { Deliveries } from "./produce_deliveries.ts";

/** Writes messages in one transaction, or in one after another. */
export class TransactionalWriter {
  readonly #producer: Producer;
  readonly #deliveries: Deliveries;
  readonly #per: number;
  readonly #signal: AbortSignal;
  #transaction: Transaction | undefined;
  #count = 0;

  /** @param per The number of messages of a transaction; Infinity for all in one. */
  constructor(producer: Producer, deliveries: Deliveries, per: number, signal: AbortSignal) {
    this.#producer = producer;
    this.#deliveries = deliveries;
    this.#per = per;
    this.#signal = signal;
  }

  /** Writes messages, and commits each transaction that is full. */
  async write(messages: readonly OutgoingMessage[]): Promise<void> {
    for (let from = 0; from < messages.length && !this.#deliveries.isHopeless;) {
      this.#transaction ??= await this.#producer.begin({ signal: this.#signal });
      const part = messages.slice(from, from + this.#per - this.#count);
      await this.#deliveries.add(part.length, this.#transaction.sendBatch(part));
      from += part.length;
      this.#count += part.length;
      if (this.#count === this.#per) await this.commit();
    }
  }

  /**
   * Commits what was written since the last commit.
   *
   * @throws The reason of the signal if it was aborted, even if the transaction may be committed.
   */
  async commit(): Promise<void> {
    const transaction = this.#transaction;
    if (transaction === undefined) return;
    await this.#deliveries.finish();
    try {
      await transaction.commit({ signal: this.#signal });
    } catch (error) {
      // `abort()` says that it may be committed.
      if (transaction.state === "unknown") this.#signal.throwIfAborted();
      throw error;
    }
    this.#deliveries.commit();
    this.#transaction = undefined;
    this.#count = 0;
  }

  /**
   * Aborts what was written since the last commit.
   *
   * @returns What became of it: it may be committed if the coordinator has not answered a commit.
   * Undefined if there was nothing.
   */
  async abort(): Promise<"aborted" | "unknown" | undefined> {
    const transaction = this.#transaction;
    if (transaction === undefined) return undefined;
    this.#transaction = undefined;
    const isUnknown = transaction.state === "unknown";
    await transaction[Symbol.asyncDispose]();
    await this.#deliveries.finish();
    this.#deliveries.abort();
    return isUnknown ? "unknown" : "aborted";
  }
}
