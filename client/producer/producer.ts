/**
 * The producer: sends messages to topics.
 *
 * `send()` and `sendBatch()` append messages to batches, one per partition (`accumulator.ts`,
 * `producer_batch.ts`, `text_run.ts`), and register who waits for the outcome (`delivery.ts`). The
 * sender sends the batches to the partition leaders (`sender.ts`, `produce_request.ts`), in order
 * and exactly once (`partition_queue.ts`). The memory of written batches is reused
 * (`batch_memory.ts`).
 *
 * @module
 */

import { CLOSE_NAMES, OPERATION_NAMES, WAIT_NAMES } from "../connection/option_names.ts";
import { ensureKnown } from "../ensure_known.ts";
import { Accumulator, type TopicState, type Waiter } from "./accumulator.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import type { ConnectionLane } from "../connection/connection_lane.ts";
import { CountedDelivery, DeliveryGroup, GroupDelivery, PromisedDelivery } from "./delivery.ts";
import {
  asDqueueError,
  ClosedError,
  type DqueueError,
  TimeoutError,
  UsageError,
} from "../errors.ts";
import type { ProducerBatch } from "./producer_batch.ts";
import {
  type OutgoingMessage,
  type ProducerOptions,
  type RecordMetadata,
  type ResolvedProducerOptions,
  resolveProducerOptions,
  type TopicMessage,
} from "./producer_options.ts";
import { Sender } from "./sender.ts";
import { ProducerTransactions } from "../transactions/producer_transactions.ts";
import { Transaction } from "./transaction.ts";
import { topicWriter, type WritableMessage } from "./topic_writer.ts";
import {
  abortable,
  type CloseOptions,
  type WaitOptions,
  withTimeout,
} from "../connection/waiting.ts";
import { describeValue } from "../describe_value.ts";
import { ensureMessage } from "./outgoing_message.ts";

/**
 * Sends messages to topics.
 *
 * Messages are sent in batches: `send()` appends a message to one and returns a promise of where it
 * was written. Messages to the same partition are written in the order of the calls, each exactly
 * once even if connections are lost.
 *
 * @example Sending a message
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * await client.admin().createTopic({ name: "orders" });
 * await using producer = client.producer();
 * const { offset } = await producer.send({ topic: "orders", key: "42", value: "paid" });
 * assertEquals(offset, 0);
 * ```
 */
export class Producer implements AsyncDisposable {
  readonly #core: ClientCore;
  readonly #lane: ConnectionLane;
  readonly #options: ResolvedProducerOptions;
  readonly #accumulator: Accumulator;
  readonly #sender: Sender;
  readonly #transactions: ProducerTransactions | undefined;
  #isClosing = false;
  #closed: Promise<void> | undefined;

  /** @ignore Use `client.producer()`. */
  constructor(core: ClientCore, options: ProducerOptions = {}) {
    this.#options = resolveProducerOptions(options);
    this.#core = core;
    this.#core.addUser(this);
    this.#lane = this.#core.openLane();
    this.#accumulator = new Accumulator(
      this.#core,
      this.#options,
      (queue) => this.#sender.wake(queue),
      (error) => this.#transactions?.fail(error),
    );
    this.#transactions = this.#openTransactions();
    this.#sender = new Sender(
      this.#core,
      this.#lane,
      this.#options,
      this.#accumulator,
      this.#transactions,
    );
  }

  /** Bytes of messages that are not yet confirmed. */
  get bufferedBytes(): number {
    return this.#accumulator.bufferedBytes;
  }

  /**
   * Sends a message.
   *
   * The promise may be awaited later, or together with others: calls do not wait for each other.
   * While more than `bufferMemory` is unconfirmed, further messages wait. A program that sends many
   * messages should therefore await some of the promises, or use `sendBatch()` or `writable()`.
   *
   * @param message The message to send.
   * @returns Where it was written.
   * @throws {KafkaError} If the broker refuses it permanently.
   * @throws {TimeoutError} If it was not confirmed in time; it may still have been written.
   * @throws {UsageError} If the message is invalid.
   * @throws {SerializationError} If key, value or a header is not bytes, text or null.
   * @throws {ClosedError} If the producer is closed.
   */
  send(message: OutgoingMessage): Promise<RecordMetadata> {
    try {
      this.#ensureOpen();
      return this.#sendTraced(message);
    } catch (error) {
      return Promise.reject(reasonOf(error, message));
    }
  }

  #sendTraced(message: OutgoingMessage): Promise<RecordMetadata> {
    const { tracing } = this.#core.options;
    if (tracing === undefined || typeof message?.topic !== "string") return this.#send(message);
    return tracing.send(message, (traced) => this.#send(traced));
  }

  #send(message: OutgoingMessage): Promise<RecordMetadata> {
    try {
      const topic = this.#accumulator.topic(message.topic);
      const now = Date.now();
      if (topic.waiters.length === 0) {
        const batch = this.#accumulator.tryAppend(topic, message, now);
        if (batch !== undefined) return promised(batch, Number(message.timestamp ?? now));
      }
      return new Promise((resolve, reject) => {
        this.#wait(topic, (createdAt) => {
          const batch = this.#accumulator.tryAppend(topic, message, now, createdAt);
          if (batch === undefined) return false;
          resolve(promised(batch, Number(message.timestamp ?? now)));
          return true;
        }, reject);
      });
    } catch (error) {
      const reason = reasonOf(error, message);
      this.#refused(reason);
      return Promise.reject(reason);
    }
  }

  /**
   * Sends many messages to one or more topics, with less overhead per message than `send()`.
   *
   * @param messages The messages to send. They must not be modified before the promise settles.
   * @returns Where each was written, in the order of the messages.
   * @throws {SendBatchError} If some were not written; it names them.
   * @throws {ClosedError} If the producer is closed.
   */
  sendBatch(messages: readonly OutgoingMessage[]): Promise<readonly RecordMetadata[]> {
    return new Promise<readonly RecordMetadata[]>((resolve) => {
      this.#ensureOpen();
      resolve(this.#sendBatchTraced(messages));
    });
  }

  #sendBatchTraced(messages: readonly OutgoingMessage[]): Promise<readonly RecordMetadata[]> {
    const { tracing } = this.#core.options;
    if (tracing === undefined || !Array.isArray(messages)) return this.#sendBatch(messages);
    return tracing.sendBatch(messages, (traced) => this.#sendBatch(traced));
  }

  #sendBatch(messages: readonly OutgoingMessage[]): Promise<readonly RecordMetadata[]> {
    return new Promise<readonly RecordMetadata[]>((resolve, reject) => {
      const refuse = (error: unknown) => {
        this.#refused(error);
        reject(error);
      };
      try {
        if (!Array.isArray(messages)) {
          throw new UsageError(`Cannot send batch: it is ${describeValue(messages)}, not a list`);
        }
        if (messages.length === 0) return resolve([]);
        const group = new DeliveryGroup(messages.length, resolve, refuse);
        for (const [name, indexes] of topicsOf(messages)) {
          this.#sendAll(name, messages, indexes, group);
        }
      } catch (error) {
        refuse(error);
      }
    });
  }

  /**
   * Begins a transaction. The first call fences the other producers with the same transactional id,
   * and aborts the transaction that one of them has left open.
   *
   * @param options Time limit and signal.
   * @returns The transaction; a producer has one at a time.
   * @throws {ProducerFencedError} If another producer with the transactional id has started since.
   * @throws {KafkaError} If the coordinator refuses the producer.
   * @throws {UsageError} If the last transaction has not ended, or the producer has no
   * transactional id.
   */
  async begin(options: OperationOptions = {}): Promise<Transaction> {
    ensureKnown("begin()", options, OPERATION_NAMES);
    if (this.#isClosing) {
      throw new ClosedError("Cannot begin a transaction: the producer is closed");
    }
    const transactions = this.#transactions;
    if (transactions === undefined) {
      throw new UsageError(
        "Cannot begin a transaction: the producer has no transactionalId",
        'Create it with one, as in client.producer({ transactionalId: "payments-1" })',
      );
    }
    await transactions.begin(options);
    const run = <T>(send: () => Promise<T>): Promise<T> => {
      transactions.ensureOpen();
      return send();
    };
    return new Transaction(transactions, {
      send: (message) => run(() => this.#sendTraced(message)),
      sendBatch: (messages) => run(() => this.#sendBatchTraced(messages)),
    });
  }

  /**
   * Creates a stream that sends everything written to it to a topic. Writing waits while
   * `bufferMemory` is full; closing waits until all messages are written. If a message fails, the
   * stream errors with its error.
   *
   * @param topic The topic to send to.
   * @returns The stream; it takes messages, or bare values.
   * @throws {ClosedError} If the producer is closed.
   *
   * @example Copying lines of text into a topic
   * ```ts
   * import { Broker } from "@dqueue/dqueue/broker";
   * import { Client } from "@dqueue/dqueue/client";
   *
   * await using broker = await Broker.start({ storage: "memory" });
   * await using client = new Client({ broker });
   * await client.admin().createTopic({ name: "words" });
   * const producer = client.producer();
   * await ReadableStream.from(["one", "two", "three"]).pipeTo(producer.writable("words"));
   * ```
   */
  writable(topic: string): WritableStream<WritableMessage> {
    this.#ensureOpen();
    const { tracing } = this.#core.options;
    // What is written belongs to the trace of the code that asked for the stream.
    const context = tracing?.active;
    return topicWriter({
      write: (message, onSettled) =>
        this.#write(
          topic,
          context === undefined ? message : tracing!.within(message, context),
          onSettled,
        ),
      flush: () => this.#flush(),
    });
  }

  /**
   * Sends waiting messages without lingering, and waits until all are written or have failed.
   * Failures are reported by the promises of `send()`.
   *
   * @param options How to abort the wait.
   * @throws {ClosedError} If the producer is closed.
   */
  async flush(options: WaitOptions = {}): Promise<void> {
    ensureKnown("flush()", options, WAIT_NAMES);
    if (this.#closed !== undefined) {
      throw new ClosedError("Cannot send message: the producer is closed");
    }
    await this.#flush(options.signal);
  }

  /**
   * Waits until all messages are written or have failed, then closes the producer. Calling it again
   * has no effect.
   *
   * @param options How long to wait.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    ensureKnown("close()", options, CLOSE_NAMES);
    await (this.#closed ??= this.#close(options));
  }

  /** Closes the producer. See {@linkcode Producer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(options: CloseOptions): Promise<void> {
    this.#isClosing = true;
    const { timeoutMs } = options;
    if (this.#transactions !== undefined) await this.#transactions.close({ timeoutMs });
    const flushed = this.#flush();
    try {
      if (timeoutMs === undefined) await flushed;
      else {
        const late = () => new TimeoutError(`Cannot send all messages within ${timeoutMs} ms`);
        await withTimeout(flushed, timeoutMs, late);
      }
    } catch {
      // The callers of `send()` get the error instead.
    } finally {
      this.#sender.stop();
      this.#accumulator.failAll(
        new ClosedError("The producer was closed before the message was sent"),
      );
      await this.#core.closeLane(this.#lane);
      this.#core.removeUser(this);
    }
  }

  #flush(signal?: AbortSignal): Promise<void> {
    return abortable(this.#sender.flush(this.#accumulator.settled()), signal);
  }

  #ensureOpen(): void {
    if (this.#isClosing) throw new ClosedError("Cannot send message: the producer is closed");
    if (this.#transactions === undefined) return;
    throw new UsageError(
      `Cannot send message outside of a transaction: the producer has transactionalId ` +
        `"${this.#transactions.transactionalId}"`,
      "Begin a transaction and send with it, or use a producer without transactionalId",
    );
  }

  #openTransactions(): ProducerTransactions | undefined {
    const { transactionalId, transactionTimeoutMs: timeoutMs } = this.#options;
    if (transactionalId === undefined) return undefined;
    return new ProducerTransactions(this.#core, { transactionalId, timeoutMs }, {
      flush: (signal) => this.#flush(signal),
      failAll: (error) => this.#accumulator.failAll(error),
      idle: () => this.#sender.idle(),
      wake: () => this.#sender.wake(),
    });
  }

  /** Records that a message cannot be sent, without which its transaction must not be committed. */
  #refused(error: unknown): void {
    this.#transactions?.fail(asDqueueError("send message", error));
  }

  /** Queues a message until `tryAppend` succeeds. */
  #wait(
    topic: TopicState,
    tryAppend: (createdAt: number) => boolean,
    reject: (error: unknown) => void,
  ): void {
    const createdAt = performance.now();
    const appended = Promise.withResolvers<void>();
    const waiter: Waiter = {
      createdAt,
      appended: appended.promise,
      run: () => {
        try {
          if (!tryAppend(createdAt)) return false;
        } catch (error) {
          this.#refused(error);
          reject(error);
        }
        appended.resolve();
        return true;
      },
      fail(error) {
        reject(error);
        appended.resolve();
      },
    };
    this.#accumulator.wait(topic, waiter);
    this.#sender.wake();
  }

  #sendAll(
    name: string,
    messages: readonly OutgoingMessage[],
    indexes: readonly number[] | undefined,
    group: DeliveryGroup,
  ): void {
    const count = indexes === undefined ? messages.length : indexes.length;
    const now = Date.now();
    let next = 0;
    let topic: TopicState;
    const run = (createdAt?: number): boolean => {
      for (; next < count; next++) {
        const index = indexes === undefined ? next : indexes[next]!;
        const message = messages[index]!;
        try {
          const batch = this.#accumulator.tryAppend(topic, message, now, createdAt);
          if (batch === undefined) return false;
          deliver(batch, group, index, 1, Number(message.timestamp ?? now));
          if (indexes !== undefined) continue;
          const end = this.#accumulator.extend(topic, batch, messages, next + 1, now);
          if (end > next + 1) deliver(batch, group, next + 1, end - next - 1, now);
          next = end - 1;
        } catch (error) {
          group.fail(index, error as DqueueError);
        }
      }
      return true;
    };
    const fail = (error: unknown) => {
      for (; next < count; next++) {
        group.fail(indexes === undefined ? next : indexes[next]!, error as DqueueError);
      }
    };
    try {
      topic = this.#accumulator.topic(name);
    } catch (error) {
      return fail(error);
    }
    if (topic.waiters.length > 0 || !run()) this.#wait(topic, run, fail);
  }

  /** Sends a message of a stream. Returns a promise if it has to wait for room. */
  #write(
    name: string,
    message: TopicMessage,
    onSettled: (count: number, error?: DqueueError) => void,
  ): Promise<void> | undefined {
    this.#ensureOpen();
    const topic = this.#accumulator.topic(name);
    const now = Date.now();
    if (topic.waiters.length === 0) {
      const batch = this.#accumulator.tryAppend(topic, message, now);
      if (batch !== undefined) {
        count(batch, onSettled);
        return undefined;
      }
    }
    return new Promise<void>((resolve, reject) => {
      this.#wait(topic, (createdAt) => {
        const batch = this.#accumulator.tryAppend(topic, message, now, createdAt);
        if (batch === undefined) return false;
        count(batch, onSettled);
        resolve();
        return true;
      }, reject);
    });
  }
}

/** Returns a promise of where the message just appended to `batch` is written. */
function promised(batch: ProducerBatch, timestamp: number): Promise<RecordMetadata> {
  const { deliveries } = batch;
  const last = deliveries[deliveries.length - 1];
  if (last instanceof PromisedDelivery) return last.add(timestamp);
  const delivery = new PromisedDelivery();
  deliveries.push(delivery);
  return delivery.add(timestamp);
}

/** Registers a list for its `count` messages from `place` on, just appended to `batch`. */
function deliver(
  batch: ProducerBatch,
  group: DeliveryGroup,
  place: number,
  count: number,
  timestamp: number,
): void {
  const { deliveries } = batch;
  const last = deliveries[deliveries.length - 1];
  if (last instanceof GroupDelivery && last.tryExtend(group, place, count, timestamp)) return;
  deliveries.push(new GroupDelivery(group, place, count, timestamp));
}

/** Counts a message just appended to `batch`, together with those of the same stream before it. */
function count(
  batch: ProducerBatch,
  onSettled: (count: number, error?: DqueueError) => void,
): void {
  const last = batch.deliveries[batch.deliveries.length - 1];
  if (last instanceof CountedDelivery && last.tryExtend(onSettled)) return;
  batch.deliveries.push(new CountedDelivery(onSettled));
}

/** The indexes of each topic's messages; undefined if all are of one topic. */
function byTopic(
  messages: readonly OutgoingMessage[],
): Iterable<[string, readonly number[] | undefined]> {
  const first = messages[0]!.topic;
  if (areAllOf(first, messages)) return [[first, undefined]];
  const places = new Map<string, number[]>();
  for (let index = 0; index < messages.length; index++) {
    const { topic } = messages[index]!;
    const known = places.get(topic);
    if (known === undefined) places.set(topic, [index]);
    else known.push(index);
  }
  return places;
}

/** Like `byTopic()`, but reports the first invalid message. */
function topicsOf(messages: readonly OutgoingMessage[]) {
  try {
    return byTopic(messages);
  } catch (error) {
    messages.forEach(ensureMessage);
    throw error;
  }
}

function areAllOf(topic: string, messages: readonly OutgoingMessage[]): boolean {
  for (let index = 0; index < messages.length; index++) {
    if (messages[index]!.topic !== topic) return false;
  }
  return true;
}

/** Why a call failed: an invalid message takes precedence over other errors. */
function reasonOf(error: unknown, message: unknown): unknown {
  try {
    ensureMessage(message);
    return error;
  } catch (reason) {
    return reason;
  }
}
