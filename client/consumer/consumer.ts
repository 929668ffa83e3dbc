/**
 * The consumer: reads messages of topics, without a group.
 *
 * A consumer reads all partitions of the topics it is subscribed to, and keeps its position in each
 * (`partition_reader.ts`). A fetcher prefetches for them (`fetcher.ts`, `fetch_request.ts`,
 * `fetched_batches.ts`); `poll()` and the iterators return the fetched messages, partition by
 * partition in turn.
 *
 * @module
 */

import {
  CONSUMER_NAMES,
  FETCH_FROM_NAMES,
  SUBSCRIBE_NAMES,
  SUBSCRIBE_PARTITION_NAMES,
} from "./consumer_options.ts";
import { OPERATION_NAMES } from "../connection/option_names.ts";
import { ensureKnown } from "../ensure_known.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import type { ClientCore, FailureListener, OperationOptions } from "../connection/client_core.ts";
import {
  type ConsumerOptions,
  type FetchFromOptions,
  type FetchFromResult,
  type MessageHandler,
  type PollOptions,
  resolveConsumerOptions,
  type ResolvedConsumerOptions,
  type StartOffset,
  type SubscribeOptions,
  type SubscribePartitionOptions,
} from "./consumer_options.ts";
import { type ConsumerStatus, StatusReporter } from "./consumer_status.ts";
import { ClosedError, type DqueueError, KafkaError, UsageError } from "../errors.ts";
import { fetchOnce, LanePool } from "./fetch_once.ts";
import { Fetcher } from "./fetcher.ts";
import type { TopicPartition } from "../topic_partition.ts";
import type { Message } from "./message.ts";
import { MessageLoop, type MessageSource } from "./message_loop.ts";
import { resolveOffset } from "./offset_lookup.ts";
import { ensureNotBeyond } from "./offset_range.ts";
import { handlePartition } from "./partition_handler.ts";
import { PartitionControls } from "./partition_controls.ts";
import type { PartitionReader } from "./partition_reader.ts";
import { Subscription } from "./subscription.ts";
import { WakeSignal } from "../connection/wake_signal.ts";

/**
 * Reads messages of topics, without a group: every consumer reads all partitions of its topics, and
 * keeps its own position in each.
 *
 * @example Reading messages as they come
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * await client.admin().createTopic({ name: "orders" });
 * await client.producer().send({ topic: "orders", value: "first" });
 *
 * await using consumer = client.consumer();
 * await consumer.subscribe("orders");
 * for await (const message of consumer) {
 *   assertEquals(message.text(), "first");
 *   break;
 * }
 * ```
 *
 * @example Reading many at once
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * await client.admin().createTopic({ name: "orders" });
 * await client.producer().sendBatch([
 *   { topic: "orders", value: "first" },
 *   { topic: "orders", value: "second" },
 * ]);
 *
 * await using consumer = client.consumer();
 * await consumer.subscribe("orders");
 * const messages = await consumer.poll(1000, { timeoutMs: 5000 });
 * assertEquals(messages.map((message) => message.text()), ["first", "second"]);
 * ```
 */
export class Consumer implements AsyncDisposable, AsyncIterable<Message> {
  readonly #core: ClientCore;
  readonly #options: ResolvedConsumerOptions;
  readonly #status: StatusReporter;
  readonly #fetcher: Fetcher;
  readonly #lanes: LanePool;
  readonly #subscription: Subscription;
  readonly #controls: PartitionControls;
  readonly #loop: MessageLoop;
  /** Notified when a partition has new messages, or has failed. */
  readonly #news = new WakeSignal();
  readonly #closing = new AbortController();
  /** Partitions read by handlers, outside the subscription. */
  readonly #handled = new Map<string, Promise<void>>();
  /** Changes of the subscription run one at a time. */
  #changing: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  /** @ignore Use `client.consumer()`. */
  constructor(core: ClientCore, options: ConsumerOptions = {}) {
    ensureKnown("consumer()", options, CONSUMER_NAMES);
    this.#options = resolveConsumerOptions(options);
    this.#core = core;
    this.#core.addUser(this);
    this.#status = new StatusReporter(options.onStatus);
    this.#fetcher = new Fetcher(this.#core, this.#options, {
      onRetry: (waitingFor, error) => this.#status.set("retrying", waitingFor, error),
      onRecovered: () => this.#onSubscribed(),
      onReset: (notice) => this.#status.onReset(notice),
    });
    this.#lanes = new LanePool(this.#core);
    this.#subscription = new Subscription(
      this.#core,
      this.#options,
      this.#fetcher,
      () => this.#news.notify(),
    );
    this.#controls = new PartitionControls(this.#subscription, this.#fetcher, this.#news);
    this.#loop = new MessageLoop(this.#source());
  }

  /** What the consumer is doing, and what it is waiting for. */
  get status(): ConsumerStatus {
    return this.#status.status;
  }

  /** The subscribed topics. */
  get topics(): readonly string[] {
    return this.#subscription.topics;
  }

  /** The partitions it reads: all partitions of its topics. */
  get assignment(): readonly TopicPartition[] {
    return this.#controls.assignment;
  }

  /** An alias of {@linkcode assignment}, as in other clients. */
  getAssignment(): readonly TopicPartition[] {
    return this.assignment;
  }

  /** The paused partitions. */
  get paused(): readonly TopicPartition[] {
    return this.#controls.paused;
  }

  /**
   * Subscribes to topics, replacing the previous subscription. Positions in topics that remain
   * subscribed are kept. When the call returns, the positions in new topics are determined, so
   * messages written from then on will be read.
   *
   * @param topics The topics to read.
   * @param options Where to start in new topics.
   * @throws {KafkaError} If a topic does not exist; the subscription is then unchanged.
   */
  subscribe(topics: string | readonly string[], options?: SubscribeOptions): Promise<void>;
  /**
   * Reads one partition with a handler until the signal is aborted. Messages are handled one at a
   * time: if the handler returns a promise, it is awaited before the next message.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @param handler Called with each message.
   * @param options Where to start, and the signal that ends it.
   * @returns A promise that resolves after the signal was aborted or the consumer closed, and the
   * handler has finished.
   * @throws {KafkaError} If the partition does not exist, or can no longer be read.
   * @throws {UsageError} If this consumer already reads the partition.
   */
  subscribe(
    topic: string,
    partition: number,
    handler: MessageHandler,
    options?: SubscribePartitionOptions,
  ): Promise<void>;
  async subscribe(
    topics: string | readonly string[],
    optionsOrPartition: SubscribeOptions | number = {},
    handler?: MessageHandler,
    options: SubscribePartitionOptions = {},
  ): Promise<void> {
    if (typeof optionsOrPartition === "number") {
      ensureKnown("subscribe()", options, SUBSCRIBE_PARTITION_NAMES);
      return await this.#subscribePartition(
        topics as string,
        optionsOrPartition,
        handler!,
        options,
      );
    }
    ensureKnown("subscribe()", optionsOrPartition, SUBSCRIBE_NAMES);
    const waiting = this.#waiting(optionsOrPartition);
    await this.#change(() => this.#subscription.replace(list(topics), waiting));
  }

  /**
   * Subscribes to additional topics.
   *
   * @param topics The topics to add; those already subscribed are unchanged.
   * @param options Where to start in them.
   * @throws {KafkaError} If a topic does not exist; the subscription is then unchanged.
   */
  async addTopics(
    topics: string | readonly string[],
    options: SubscribeOptions = {},
  ): Promise<void> {
    ensureKnown("addTopics()", options, SUBSCRIBE_NAMES);
    const waiting = this.#waiting(options);
    await this.#change(() => this.#subscription.add(list(topics), waiting));
  }

  /**
   * Unsubscribes from topics. The positions in them are discarded.
   *
   * @param topics The topics to remove.
   */
  removeTopics(topics: string | readonly string[]): Promise<void> {
    return this.#change(() => Promise.resolve(this.#subscription.remove(list(topics))));
  }

  /**
   * Sets the position in a partition.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @param offset The offset of the next message to read, or a place to look up; for a timestamp
   * after the last message it is the end.
   * @param options Time limit and signal.
   * @returns The new position.
   * @throws {UsageError} If this consumer is not subscribed to the topic, or the offset is negative.
   * @throws {KafkaError} If the partition does not exist, with `UNKNOWN_TOPIC_OR_PARTITION`; if the
   * offset is beyond the end, with `OFFSET_OUT_OF_RANGE` and the valid range.
   */
  async seek(
    topic: string,
    partition: number,
    offset: StartOffset,
    options: OperationOptions = {},
  ): Promise<number> {
    ensureKnown("seek()", options, OPERATION_NAMES);
    this.#ensureOpen();
    await this.#changing;
    const reader = await this.#reader("seek in", topic, partition, options);
    const { isolationLevel } = this.#options;
    const found = await resolveOffset(this.#core, reader, offset, isolationLevel, options);
    if (typeof offset === "number") {
      const action = `seek in "${topic}-${partition}"`;
      await ensureNotBeyond(this.#core, action, reader, offset, options);
    }
    reader.seek(found);
    this.#fetcher.wake();
    return found;
  }

  /**
   * The position in a partition: the offset of the next message to return.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @returns The offset; undefined if the partition is not read or has no position yet.
   */
  position(topic: string, partition: number): number | undefined {
    return this.#controls.position(topic, partition);
  }

  /**
   * The high watermark of a partition as of the last fetch: the offset after the last committed
   * message.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @returns The offset; undefined before the first fetch.
   */
  highWatermark(topic: string, partition: number): number | undefined {
    return this.#controls.highWatermark(topic, partition);
  }

  /**
   * The end of a partition for this consumer as of the last fetch: the high watermark, or with
   * isolation `"read_committed"` the last stable offset. Its lag is the distance from the position;
   * the last message may be well before the end, after which there are only skipped ones.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @returns The offset; undefined before the first fetch.
   */
  endOffset(topic: string, partition: number): number | undefined {
    return this.#controls.endOffset(topic, partition);
  }

  /**
   * Pauses a topic until `resume()`: its messages are not returned.
   *
   * @param topic The topic.
   * @param partition The partition. Default: all of the topic.
   * @throws {UsageError} If this consumer does not read it.
   */
  pause(topic: string, partition?: number): void {
    this.#controls.pause(topic, partition);
  }

  /**
   * Resumes a paused topic.
   *
   * @param topic The topic.
   * @param partition The partition. Default: all of the topic.
   * @throws {UsageError} If this consumer does not read it.
   */
  resume(topic: string, partition?: number): void {
    this.#controls.resume(topic, partition);
  }

  /**
   * Returns messages that were fetched, or waits for the first. Takes from all partitions in turn,
   * so that each gets its share, and preserves the order within each.
   *
   * @param max The maximum number of messages. Default: 500.
   * @param options How long to wait.
   * @returns The messages; empty if none arrived in time.
   * @throws {KafkaError} If a partition cannot be read, after all messages before the failure were
   * returned.
   * @throws {UsageError} If the consumer is not subscribed.
   * @throws {ClosedError} If the consumer is closed.
   */
  poll(max?: number, options?: PollOptions): Promise<Message[]> {
    return this.#loop.poll(max, options);
  }

  /**
   * Iterates over messages as they arrive, without end: leave the loop with `break` or by closing
   * the consumer. The position advances only past messages that the loop has received.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Message> {
    return this.#loop[Symbol.asyncIterator]();
  }

  /**
   * A stream of messages without end. The position advances only past messages read from the
   * stream.
   */
  get readable(): ReadableStream<Message> {
    return this.#loop.readable;
  }

  /**
   * Fetches from one partition once, independently of the subscription.
   *
   * @param topic The topic.
   * @param partition The partition.
   * @param offset The offset of the first message to fetch, or a place.
   * @param options How much to fetch, and how long to wait.
   * @returns The messages, and the offset to continue at.
   * @throws {KafkaError} If the partition does not exist, or with `OFFSET_OUT_OF_RANGE` if the
   * offset does not.
   *
   * @example Reading a partition from its start
   * ```ts
   * import { Broker } from "@dqueue/dqueue/broker";
   * import { Client } from "@dqueue/dqueue/client";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = await Broker.start({ storage: "memory" });
   * await using client = new Client({ broker });
   * await client.admin().createTopic({ name: "orders" });
   * await client.producer().send({ topic: "orders", value: "first" });
   *
   * const consumer = client.consumer();
   * const { messages, nextOffset } = await consumer.fetchFrom("orders", 0, "earliest");
   * assertEquals(messages[0]?.text(), "first");
   * assertEquals(nextOffset, 1);
   * ```
   */
  async fetchFrom(
    topic: string,
    partition: number,
    offset: StartOffset,
    options: FetchFromOptions = {},
  ): Promise<FetchFromResult> {
    ensureKnown("fetchFrom()", options, FETCH_FROM_NAMES);
    this.#ensureOpen();
    const { isolationLevel } = this.#options;
    const place = { topic, partition };
    const start = await resolveOffset(this.#core, place, offset, isolationLevel, options);
    const target = { ...place, offset: start };
    return await fetchOnce(this.#core, this.#lanes, this.#options, target, options);
  }

  /** Closes the consumer, which ends its iterators, streams and handlers. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  /** Closes the consumer. See {@linkcode Consumer.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    this.#news.notify();
    this.#subscription.close();
    await Promise.all([this.#fetcher.close(), this.#lanes.close()]);
    await Promise.allSettled([...this.#handled.values()]);
    this.#core.removeUser(this);
  }

  async #change(change: () => Promise<void>): Promise<void> {
    this.#ensureOpen();
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {});
    try {
      await changed;
    } finally {
      this.#onSubscribed();
    }
    this.#news.notify();
  }

  #onSubscribed(): void {
    if (this.#subscription.isEmpty && this.#handled.size === 0) {
      this.#status.set("idle", "subscribe()");
    } else {
      this.#status.set("reading", "messages");
    }
  }

  /**
   * While a broker is unreachable the consumer waits, unless it has a time limit, and reports it.
   */
  #waiting<T extends OperationOptions>(options: T): T & FailureListener {
    const timeoutMs = options.timeoutMs ?? this.#core.options.patienceMs;
    return { ...options, timeoutMs, onFailure: this.#onFailure };
  }

  readonly #onFailure = (error: DqueueError): void => {
    if (!this.#isClosing) this.#status.set("retrying", "a reachable broker", error);
  };

  #source(): MessageSource {
    const closing = this.#closing.signal;
    const subscription = this.#subscription;
    return {
      get isEnded() {
        return closing.aborted;
      },
      ensureReadable: () => {
        this.#ensureOpen();
        if (subscription.isEmpty) return this.#untilSubscribed();
      },
      take: (max) => subscription.take(max),
      next: () => subscription.next(),
      wait: (ms, signal) => this.#news.wait(ms, signal),
    };
  }

  /** Waits for a pending subscription. @throws {UsageError} If there is none. */
  async #untilSubscribed(): Promise<void> {
    await this.#changing;
    if (this.#subscription.isEmpty) {
      throw new UsageError("Cannot read: this consumer is not subscribed to a topic");
    }
  }

  #subscribePartition(
    topic: string,
    partition: number,
    handler: MessageHandler,
    options: SubscribePartitionOptions,
  ): Promise<void> {
    const key = `${topic}-${partition}`;
    if (this.#isClosing) return Promise.reject(closed());
    if (this.#handled.has(key) || this.#subscription.reader(topic, partition) !== undefined) {
      return Promise.reject(
        new UsageError(`Cannot subscribe to "${key}": this consumer already reads it`),
      );
    }
    const context = {
      core: this.#core,
      options: this.#options,
      fetcher: this.#fetcher,
      closing: this.#closing.signal,
      onFailure: this.#onFailure,
      onStarted: () => this.#onSubscribed(),
    };
    const handled = handlePartition(context, { topic, partition }, handler, options)
      .finally(() => {
        this.#handled.delete(key);
        this.#onSubscribed();
      });
    this.#handled.set(key, handled);
    return handled;
  }

  async #reader(
    action: string,
    topic: string,
    partition: number,
    options: OperationOptions,
  ): Promise<PartitionReader> {
    if (!this.#subscription.topics.includes(topic)) throw this.#subscription.missing(action, topic);
    let reader = this.#subscription.reader(topic, partition);
    if (reader === undefined) {
      // It may have been added since the topic was last described.
      this.#core.metadata.invalidate(topic);
      const { partitions } = await this.#core.topic(topic, options);
      reader = this.#subscription.reader(topic, partition);
      if (reader === undefined) {
        throw new KafkaError(
          `${action} "${topic}-${partition}"`,
          ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
          `topic "${topic}" has ${partitions.length} partitions, there is no partition ${partition}`,
        );
      }
    }
    return reader;
  }

  #ensureOpen(): void {
    if (this.#isClosing) throw closed();
  }
}

function list(topics: string | readonly string[]): readonly string[] {
  return typeof topics === "string" ? [topics] : topics;
}

function closed(): ClosedError {
  return new ClosedError("Cannot read: the consumer is closed");
}
