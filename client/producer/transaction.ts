/**
 * A transaction, as a program sees it.
 *
 * @module
 */

import type { OperationOptions } from "../connection/client_core.ts";
import { OPERATION_NAMES } from "../connection/option_names.ts";
import { describeValue } from "../describe_value.ts";
import { ensureKnown, type Names } from "../ensure_known.ts";
import { UsageError } from "../errors.ts";
import { GroupConsumer, offsetSourceOf } from "../group/group_consumer.ts";
import type { GroupOffset } from "../group/group_types.ts";
import type { ProducerTransactions } from "../transactions/producer_transactions.ts";
import type { TransactionPhase } from "../transactions/transaction_phase.ts";
import type { OutgoingMessage, RecordMetadata } from "./producer_options.ts";

/** What a transaction sends messages with. */
export interface TransactionSender {
  /** Sends a message. */
  send(message: OutgoingMessage): Promise<RecordMetadata>;
  /** Sends many messages. */
  sendBatch(messages: readonly OutgoingMessage[]): Promise<readonly RecordMetadata[]>;
}

/** Options of sending offsets in a transaction. */
export interface SendOffsetsOptions extends OperationOptions {
  /**
   * The offsets: of each partition the next one to read. Default: those after all messages that the
   * consumer has returned.
   */
  readonly offsets?: readonly GroupOffset[];
}

/**
 * The state of a transaction.
 *
 * - `open`: it takes messages
 * - `failed`: something could not be sent, so it can only be aborted
 * - `ending`: `commit()` or `abort()` is in progress
 * - `unknown`: a commit was not answered in time
 * - `committed`, `aborted`: it has ended
 */
export type TransactionState =
  | "open"
  | "failed"
  | "ending"
  | "unknown"
  | "committed"
  | "aborted";

const STATES: { readonly [P in TransactionPhase]?: TransactionState } = {
  open: "open",
  abortOnly: "failed",
  flushing: "ending",
  committing: "ending",
  aborting: "ending",
  undecided: "unknown",
};

/**
 * Messages to any number of partitions, and offsets of groups, that are committed as one: consumers
 * that read committed messages see all of them or none, whatever fails.
 *
 * Leaving the scope of `await using` without a commit aborts it.
 *
 * @example Two messages, or none
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * await client.admin().createTopic({ name: "bookings" });
 * await using producer = client.producer({ transactionalId: "transfers-1" });
 * await using tx = await producer.begin();
 * tx.send({ topic: "bookings", key: "ann", value: "-10" });
 * tx.send({ topic: "bookings", key: "bob", value: "+10" });
 * await tx.commit();
 * ```
 */
export class Transaction implements AsyncDisposable {
  readonly #transactions: ProducerTransactions;
  readonly #sender: TransactionSender;
  readonly #number: number;
  #outcome: "committed" | "aborted" | undefined;
  #ending: Promise<unknown> | undefined;

  /** @ignore Use `producer.begin()`. */
  constructor(transactions: ProducerTransactions, sender: TransactionSender) {
    this.#transactions = transactions;
    this.#sender = sender;
    this.#number = transactions.count;
  }

  /** The transactional id of the producer. */
  get transactionalId(): string {
    return this.#transactions.transactionalId;
  }

  /** What can be done with it. */
  get state(): TransactionState {
    if (this.#outcome !== undefined) return this.#outcome;
    if (this.#transactions.count !== this.#number) return "aborted";
    return STATES[this.#transactions.phase] ?? "aborted";
  }

  /**
   * Sends a message as part of the transaction. The promise need not be awaited: `commit()` waits for
   * all messages, and fails if one could not be sent.
   *
   * @param message The message to send.
   * @returns Where it was written; consumers of committed messages see it after the commit.
   * @throws {DqueueError} If it cannot be sent; then the transaction can only be aborted.
   * @throws {UsageError} If the transaction has ended.
   */
  send(message: OutgoingMessage): Promise<RecordMetadata> {
    try {
      this.#ensureCurrent("send");
      return handled(this.#sender.send(message));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends many messages as part of the transaction, with less overhead per message than `send()`.
   *
   * @param messages The messages to send. They must not be modified before the promise settles.
   * @returns Where each was written, in the order of the messages.
   * @throws {SendBatchError} If some were not written; then the transaction can only be aborted.
   * @throws {UsageError} If the transaction has ended.
   */
  sendBatch(messages: readonly OutgoingMessage[]): Promise<readonly RecordMetadata[]> {
    try {
      this.#ensureCurrent("send");
      return handled(this.#sender.sendBatch(messages));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Sends the offsets of a group consumer as part of the transaction, so that what it has read and
   * what was made of it are committed as one. The consumer needs `autoCommit: false`.
   *
   * If the partitions belong to another member by now, the transaction can only be aborted
   * (KIP-447). After an abort the consumer's positions are unchanged: `seekToCommitted()` reads
   * again what the transaction has read.
   *
   * @param consumer The consumer.
   * @param options Which offsets, time limit and signal.
   * @throws {TransactionAbortableError} If the group does not accept them.
   * @throws {UsageError} If the consumer commits by itself, or the transaction has ended.
   */
  async sendOffsets(consumer: GroupConsumer, options: SendOffsetsOptions = {}): Promise<void> {
    ensureKnown("sendOffsets()", options, SEND_OFFSETS_NAMES);
    this.#ensureCurrent("send offsets");
    if (!(consumer instanceof GroupConsumer)) {
      throw new UsageError(
        `Cannot send offsets of ${describeValue(consumer)}: it is not a group consumer`,
      );
    }
    const { offsets, ...rest } = options;
    await this.#transactions.sendOffsets(offsetSourceOf(consumer), offsets, rest);
  }

  /**
   * Commits the transaction, after all its messages are written.
   *
   * @param options Time limit and signal. Default: the messages have their `deliveryTimeoutMs`, and
   * the coordinator the client's `timeoutMs`.
   * @throws {TransactionAbortableError} If it cannot be committed: something could not be sent, or it
   * took longer than `transactionTimeoutMs`. Nothing of it becomes visible.
   * @throws {TransactionOutcomeError} If the coordinator has not answered in time. Call it again.
   * @throws {ProducerFencedError} If another producer with the transactional id has started since.
   */
  async commit(options: OperationOptions = {}): Promise<void> {
    ensureKnown("commit()", options, OPERATION_NAMES);
    this.#ensureCurrent("commit");
    await this.#end("committed", this.#transactions.commit(options));
  }

  /**
   * Aborts the transaction: nothing of it becomes visible. Messages that are not written yet fail.
   *
   * @param options Time limit and signal.
   * @throws {TransactionOutcomeError} If a commit was not answered before: it may have happened.
   * @throws {ProducerFencedError} If another producer with the transactional id has started since.
   */
  async abort(options: OperationOptions = {}): Promise<void> {
    ensureKnown("abort()", options, OPERATION_NAMES);
    // A commit that was refused has ended it.
    if (this.state === "aborted") return;
    this.#ensureCurrent("abort");
    await this.#end("aborted", this.#transactions.abort(options));
  }

  /**
   * Aborts the transaction unless it has ended. One that cannot be aborted now is by the next
   * `begin()`, or by the coordinator after `transactionTimeoutMs`.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ending?.catch(() => {});
    const { state } = this;
    if (state !== "open" && state !== "failed" && state !== "unknown") return;
    await this.#end("aborted", this.#transactions.abort({})).catch(() => {});
  }

  #end(outcome: "committed" | "aborted", ending: Promise<void>): Promise<void> {
    const ended = ending.then(() => {
      this.#outcome = outcome;
    });
    this.#ending = ended;
    return ended;
  }

  /** @throws {UsageError} If it has ended. */
  #ensureCurrent(action: string): void {
    const { state } = this;
    if (state !== "committed" && state !== "aborted") return;
    // Why it has failed says more than that it has ended.
    if (this.#outcome === undefined && this.#transactions.count === this.#number) {
      this.#transactions.ensureOpen();
    }
    throw new UsageError(
      `Cannot ${action} in the transaction of "${this.transactionalId}": it is ${state}`,
      "Begin another transaction",
    );
  }
}

/** Marks a promise as handled: the failure of a message is also that of the commit. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** The names of SendOffsetsOptions. */
const SEND_OFFSETS_NAMES: Names<SendOffsetsOptions> = { ...OPERATION_NAMES, offsets: true };
