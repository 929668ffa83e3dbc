/**
 * Consume, transform, produce: each message once, in spite of failures.
 *
 * A transaction holds what was made of some messages together with their offsets. Whatever fails,
 * either both are committed or neither is, and then the consumer returns to the committed offsets and
 * the work is done again. That holds for a commit without an answer too: the committed offsets, which
 * can be read only once the transaction has ended, tell how it has.
 *
 * A transaction is begun before there are messages: the first one fences a former run of this
 * instance, whose open transaction would keep its offsets from being read.
 *
 * @module
 */

import { backoffMs } from "../connection/backoff.ts";
import { type ClientCore, isUnknownTopic } from "../connection/client_core.ts";
import { delay } from "../connection/waiting.ts";
import type { Message } from "../consumer/message.ts";
import { DqueueError } from "../errors.ts";
import { GroupConsumer } from "../group/group_consumer.ts";
import type { GroupConsumerStatus } from "../group/group_consumer_options.ts";
import { Producer } from "../producer/producer.ts";
import type { OutgoingMessage } from "../producer/producer_options.ts";
import type { Transaction } from "../producer/transaction.ts";
import {
  outputsOf,
  type ResolvedTransformOptions,
  resolveTransformOptions,
  type TransformFunction,
  type TransformOptions,
} from "./transform_options.ts";

/** The number of messages sent in one call: the next ones are made while they are sent. */
const MAX_OUTPUTS = 500;

/** An error of the program's function, which is not this transform's to handle. */
class FunctionError extends Error {
  constructor(override readonly cause: unknown) {
    super("The function has failed");
  }
}

/**
 * Reads messages as a member of a group, makes others of them and writes those, exactly once: for
 * readers of committed messages each message was processed once, whatever fails.
 *
 * It runs until it is stopped, or until something happens that repeating would not change: the
 * function throws, another instance uses the transactional id, or the cluster refuses a message.
 *
 * @example Orders to invoices
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * await client.admin().createTopics([{ name: "orders" }, { name: "invoices" }]);
 * await client.producer().send({ topic: "orders", key: "42", value: "5 dates" });
 *
 * await using work = client.transform(
 *   { from: "orders", to: "invoices", group: "billing", transactionalId: "billing-1" },
 *   (order) => ({ key: order.key, value: `invoice for ${order.text()}` }),
 * );
 * const consumer = client.consumer({ isolation: "read_committed" });
 * await consumer.subscribe("invoices");
 * for await (const invoice of consumer) {
 *   assertEquals(invoice.text(), "invoice for 5 dates");
 *   break;
 * }
 * await work.stop();
 * ```
 */
export class Transform implements AsyncDisposable {
  readonly #core: ClientCore;
  readonly #options: ResolvedTransformOptions;
  readonly #run: TransformFunction;
  readonly #consumer: GroupConsumer;
  readonly #producer: Producer;
  readonly #stopping = new AbortController();
  readonly #finished: Promise<void>;
  #count = 0;
  /** Whether the program hears of an error without `asyncDispose`. */
  #isWatched = false;

  /** @ignore Use `client.transform()`. */
  constructor(core: ClientCore, options: TransformOptions, run: TransformFunction) {
    this.#options = resolveTransformOptions(options);
    this.#core = core;
    this.#run = run;
    this.#producer = new Producer(core, this.#options.producer);
    try {
      this.#consumer = new GroupConsumer(core, this.#options.consumer);
    } catch (error) {
      this.#producer.close();
      throw error;
    }
    // They are closed by this, after the last transaction.
    core.removeUser(this.#producer);
    core.removeUser(this.#consumer);
    core.addUser(this);
    this.#finished = this.#work();
  }

  /**
   * Resolves when the transform has stopped.
   *
   * @throws The error of the function, of which the transaction was aborted.
   * @throws {ProducerFencedError} If another instance uses the transactional id.
   * @throws {DqueueError} If the cluster refuses something permanently.
   */
  get finished(): Promise<void> {
    this.#isWatched = true;
    return this.#finished;
  }

  /** The number of messages that were processed in committed transactions. */
  get processedCount(): number {
    return this.#count;
  }

  /** What its consumer is doing, and what it is waiting for. */
  get status(): GroupConsumerStatus {
    return this.#consumer.status;
  }

  /**
   * Stops after the transaction in progress, and leaves the group. Calling it again has no effect.
   *
   * @returns A promise like `finished`.
   */
  stop(): Promise<void> {
    this.#stopping.abort();
    return this.finished;
  }

  /** Stops the transform, without the error that it may have ended with: `finished` has it. */
  async close(): Promise<void> {
    await this.stop().catch(() => {});
  }

  /** Stops the transform; throws its error if nothing has asked for `finished`. */
  async [Symbol.asyncDispose](): Promise<void> {
    const isReported = this.#isWatched;
    await (isReported ? this.close() : this.stop());
  }

  async #work(): Promise<void> {
    const { signal } = this.#options;
    const onAbort = () => this.#stopping.abort();
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort);
    try {
      await this.#loop();
    } catch (error) {
      throw error instanceof FunctionError ? error.cause : error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      await this.#producer.close();
      await this.#consumer.close();
      this.#core.removeUser(this);
    }
  }

  async #loop(): Promise<void> {
    const { initialBackoffMs, maxBackoffMs } = this.#core.options;
    const stopping = this.#stopping.signal;
    for (let failures = 0; !stopping.aborted;) {
      try {
        if (failures > 0) {
          await delay(backoffMs(failures, initialBackoffMs, maxBackoffMs), stopping);
        }
        await this.#transact(failures > 0);
        failures = 0;
      } catch (error) {
        if (stopping.aborted && error === stopping.reason) return;
        // The client has looked an unknown topic up several times.
        const isTemporary = error instanceof DqueueError && error.retriable &&
          !isUnknownTopic(error);
        if (!isTemporary) throw error;
        failures++;
        this.#options.onRetry(error);
      }
    }
  }

  /** Processes some messages in a transaction. */
  async #transact(isRepeated: boolean): Promise<void> {
    const stopping = this.#stopping.signal;
    await using transaction = await this.#producer.begin({ signal: stopping });
    // Once what was open has ended: the coordinator of the group does not tell its offsets before.
    if (isRepeated) await this.#consumer.seekToCommitted({ signal: stopping });
    const messages = await this.#poll();
    await this.#process(transaction, messages);
    await transaction.sendOffsets(this.#consumer);
    await transaction.commit();
    this.#count += messages.length;
  }

  /** Waits for messages. @throws The reason of the signal when the transform is stopped. */
  async #poll(): Promise<Message[]> {
    const { signal } = this.#stopping;
    for (;;) {
      const messages = await this.#consumer.poll(this.#options.maxMessages, { signal });
      if (messages.length > 0) return messages;
    }
  }

  /** Sends what the function makes of messages; `commit()` fails if something could not be sent. */
  async #process(transaction: Transaction, messages: readonly Message[]): Promise<void> {
    let sending: Promise<unknown> = Promise.resolve();
    let outputs: OutgoingMessage[] = [];
    for (const message of messages) {
      if (transaction.state !== "open") break;
      outputs.push(...await this.#outputsOf(message));
      if (outputs.length < MAX_OUTPUTS) continue;
      await sending;
      sending = transaction.sendBatch(outputs).catch(() => {});
      outputs = [];
    }
    await sending;
    if (outputs.length > 0) transaction.sendBatch(outputs);
  }

  async #outputsOf(message: Message): Promise<OutgoingMessage[]> {
    try {
      return outputsOf(await this.#run(message), message, this.#options.to);
    } catch (error) {
      throw new FunctionError(error);
    }
  }
}
