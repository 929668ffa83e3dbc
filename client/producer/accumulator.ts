/**
 * Collects messages into batches: chooses the partition of each, appends it to that partition's
 * open batch, and enforces the producer's memory limit.
 *
 * Appending is synchronous. A message waits if its topic is unknown or no memory is available, and
 * with it all later messages to the same topic, in order.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { INT64_MAX } from "../../protocol/primitives/int64.ts";
import { BatchMemory } from "./batch_memory.ts";
import type { ClientCore } from "../connection/client_core.ts";
import { type DqueueError, KafkaError, TimeoutError, UsageError } from "../errors.ts";
import { NO_HEADERS, recordData, recordHeaders } from "../message_headers.ts";
import { PartitionQueue } from "./partition_queue.ts";
import { partitionForKey, StickyPartition } from "./partitioner.ts";
import { ProducerBatch } from "./producer_batch.ts";
import type { OutgoingMessage, ResolvedProducerOptions, TopicMessage } from "./producer_options.ts";
import { TextRun } from "./text_run.ts";
import { ensureNoTypo } from "./outgoing_message.ts";

/** Messages waiting to be appended. */
export interface Waiter {
  /** When they were sent, on the clock of `performance.now()`. */
  readonly createdAt: number;
  /** Resolves once they are appended or have failed. */
  readonly appended: Promise<void>;
  /** Appends as many as possible. @returns Whether all were appended. */
  run(): boolean;
  /** Fails the remaining messages. */
  fail(error: DqueueError): void;
}

/** The producer's state of a topic. */
export interface TopicState {
  readonly name: string;
  /** The number of partitions; 0 while unknown. */
  partitionCount: number;
  readonly queues: PartitionQueue[];
  readonly sticky: StickyPartition;
  readonly waiters: Waiter[];
  isLoading: boolean;
  /** Why the last attempt to describe it failed. */
  lastError: DqueueError | undefined;
  /** When it was last requested: a missing partition may have been added since. */
  loadedAt: number;
}

/** Collects messages into batches. */
export class Accumulator {
  readonly #core: ClientCore;
  readonly #options: ResolvedProducerOptions;
  readonly #onReady: (queue: PartitionQueue) => void;
  readonly #onFailure: (error: DqueueError) => void;
  readonly #topics = new Map<string, TopicState>();
  /** Topics with waiting messages, in the order in which they began to wait. */
  readonly #blocked = new Set<TopicState>();
  readonly #incomplete = new Set<ProducerBatch>();
  readonly #memory = new BatchMemory();
  #lastTopic: TopicState | undefined;
  #bufferedBytes = 0;

  /**
   * @param onReady Called when a partition has a new or a full batch.
   * @param onFailure Called when messages fail.
   */
  constructor(
    core: ClientCore,
    options: ResolvedProducerOptions,
    onReady: (queue: PartitionQueue) => void,
    onFailure: (error: DqueueError) => void,
  ) {
    this.#core = core;
    this.#options = options;
    this.#onReady = onReady;
    this.#onFailure = onFailure;
  }

  /** Bytes of messages that are not written yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Whether the memory is exhausted. */
  get isFull(): boolean {
    return this.#bufferedBytes >= this.#options.bufferMemory;
  }

  /**
   * Whether messages wait for memory, in which case batches should be sent before they are full.
   */
  get hasBlocked(): boolean {
    return this.#blocked.size > 0 && this.isFull;
  }

  /** The topic with the given name. */
  topic(name: string): TopicState {
    if (this.#lastTopic?.name === name) return this.#lastTopic;
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      if (typeof name !== "string" || name === "") {
        throw new UsageError(`Cannot send message: its topic is ${JSON.stringify(name)}`);
      }
      topic = {
        name,
        partitionCount: 0,
        queues: [],
        sticky: new StickyPartition(
          this.#options.batchSize,
          (partition) => this.#core.metadata.leader(name, partition) !== undefined,
        ),
        waiters: [],
        isLoading: false,
        lastError: undefined,
        loadedAt: -Infinity,
      };
      this.#topics.set(name, topic);
    }
    return this.#lastTopic = topic;
  }

  /**
   * Appends a message if possible, before any waiting ones.
   *
   * @param now The timestamp of a message without one.
   * @param createdAt When the message was sent, on the clock of `performance.now()`; undefined for
   * now.
   * @returns The batch whose last message it is; undefined if it has to wait.
   * @throws {DqueueError} If the message can never be sent.
   */
  tryAppend(
    topic: TopicState,
    message: TopicMessage,
    now: number,
    createdAt?: number,
  ): ProducerBatch | undefined {
    if (topic.partitionCount === 0) {
      ensureNoTypo(message);
      this.#load(topic);
      return undefined;
    }
    if (this.isFull) return undefined;
    const key = recordData("key", message.key);
    const value = recordData("value", message.value);
    if (dataSize(key) + dataSize(value) > this.#options.bufferMemory) {
      throw new UsageError(
        `Cannot send message to "${topic.name}": it is ${dataSize(key) + dataSize(value)} bytes, ` +
          `bufferMemory is ${this.#options.bufferMemory}`,
      );
    }
    const timestamp = message.timestamp ?? now;
    if (timestamp !== now && !isTimestamp(timestamp)) {
      throw new UsageError(
        `Cannot send message to "${topic.name}": timestamp is ${timestamp}, it must be an integer ` +
          "from -1 to below 2^63",
      );
    }
    const headers = recordHeaders(message.headers);

    const partition = this.#partition(topic, message, key, createdAt);
    if (partition === undefined) return undefined;
    const queue = topic.queues[partition] ??= this.#openQueue(topic, partition);
    let batch = queue.filling;
    let sizeBefore = batch?.sizeInBytes ?? 0;
    if (batch === undefined || !batch.tryAppend(timestamp, key, value, headers)) {
      // Batches of a partition tend to have similar sizes.
      batch = new ProducerBatch(
        createdAt ?? performance.now(),
        this.#options,
        this.#memory,
        queue.lastSizeInBytes,
      );
      sizeBefore = 0;
      batch.tryAppend(timestamp, key, value, headers);
      queue.add(batch);
      this.#incomplete.add(batch);
      this.#onReady(queue);
    } else if (batch.isClosed) this.#onReady(queue);

    const size = batch.sizeInBytes - sizeBefore;
    batch.accountedBytes += size;
    this.#bufferedBytes += size;
    if (key === null && message.partition === undefined) topic.sticky.add(size);
    return batch;
  }

  /**
   * Appends messages from index `from` to the batch of the one before them, until one does not
   * belong there or needs another check: the fast path for most messages of a list.
   *
   * @param now The timestamp of the messages.
   * @returns The index of the first message that was not appended.
   */
  extend(
    topic: TopicState,
    batch: ProducerBatch,
    messages: readonly TopicMessage[],
    from: number,
    now: number,
  ): number {
    if (from === messages.length || !isPlain(messages[from]!)) return from;
    const { partitioner, bufferMemory } = this.#options;
    const { sticky } = topic;
    const queue = topic.queues[sticky.next(topic.partitionCount)];
    if (partitioner !== undefined || queue === undefined || queue.filling !== batch) return from;
    const sizeBefore = batch.sizeInBytes;
    const limit = sizeBefore + Math.min(sticky.bytesLeft, bufferMemory - this.#bufferedBytes);
    const texts = new TextRun(messages);
    let next = from;
    for (; next < messages.length && batch.sizeInBytes < limit; next++) {
      const message = messages[next]!;
      const { value } = message;
      if (!isPlain(message) || value === null || value.length > bufferMemory) break;
      const data = typeof value === "string" ? texts.at(next, value) : value;
      if (!batch.tryAppend(now, null, data, NO_HEADERS)) break;
    }
    const size = batch.sizeInBytes - sizeBefore;
    batch.accountedBytes += size;
    this.#bufferedBytes += size;
    sticky.add(size);
    if (batch.isClosed) this.#onReady(queue);
    return next;
  }

  /** Queues messages that have to wait. */
  wait(topic: TopicState, waiter: Waiter): void {
    topic.waiters.push(waiter);
    this.#blocked.add(topic);
  }

  /** Replaces a batch by its two halves. */
  replace(batch: ProducerBatch, parts: readonly ProducerBatch[]): void {
    this.#incomplete.delete(batch);
    for (const part of parts) this.#incomplete.add(part);
  }

  /** Reports that a batch has failed, unless its outcome was reported. */
  fail(batch: ProducerBatch, error: DqueueError): void {
    if (batch.isSettled) return;
    batch.fail(error);
    this.#onFailure(error);
  }

  /** Releases the memory of a batch that was written or has failed. */
  complete(batch: ProducerBatch): void {
    if (!this.#incomplete.delete(batch)) return;
    this.#bufferedBytes -= batch.accountedBytes;
    for (const topic of this.#blocked) {
      if (this.isFull) break;
      this.#run(topic);
    }
  }

  /** Resolves when all messages accepted so far were written or have failed. */
  async settled(): Promise<void> {
    const waiters: Promise<unknown>[] = [];
    for (const topic of this.#blocked) {
      for (const waiter of topic.waiters) waiters.push(waiter.appended);
    }
    if (waiters.length > 0) await Promise.all(waiters);
    await Promise.all(Array.from(this.#incomplete, (batch) => batch.whenSettled()));
  }

  /**
   * Fails messages that have waited since before `since`. Returns the time of the oldest remaining
   * one.
   */
  expire(since: number): number {
    let next = Infinity;
    for (const topic of this.#blocked) {
      let late = 0;
      while (late < topic.waiters.length && topic.waiters[late]!.createdAt <= since) late++;
      this.#failWaiters(topic, late, () => this.#late(topic));
      const first = topic.waiters[0];
      if (first === undefined) this.#blocked.delete(topic);
      else next = Math.min(next, first.createdAt);
    }
    return next;
  }

  /** Fails all messages, of one topic or of all. Returns whether there were any. */
  failAll(error: DqueueError, only?: string): boolean {
    let hasFailed = false;
    for (const topic of this.#topics.values()) {
      if (only !== undefined && topic.name !== only) continue;
      this.#blocked.delete(topic);
      if (topic.waiters.length > 0) hasFailed = true;
      this.#failWaiters(topic, topic.waiters.length, () => error);
      for (const queue of topic.queues) {
        // Partitions without messages have no queue.
        for (const batch of queue?.clear() ?? []) {
          hasFailed = true;
          this.fail(batch, error);
          this.complete(batch);
        }
      }
    }
    return hasFailed;
  }

  /** Updates the number of partitions of topics. */
  updatePartitions(): void {
    for (const topic of this.#topics.values()) {
      const known = this.#core.metadata.topic(topic.name);
      if (known !== undefined && topic.partitionCount > 0) {
        topic.partitionCount = known.partitions.length;
      }
    }
  }

  #late(topic: TopicState): TimeoutError {
    const { bufferMemory, deliveryTimeoutMs } = this.#options;
    const { lastError } = topic;
    const failure = lastError === undefined ? "" : `: ${lastError.message}`;
    const reason = topic.partitionCount === 0
      ? `its partitions are not known yet${failure}`
      : `${this.#bufferedBytes} bytes wait to be sent, bufferMemory is ${bufferMemory}`;
    return new TimeoutError(
      `Cannot send message to "${topic.name}" within ${deliveryTimeoutMs} ms: ${reason}`,
      { cause: lastError },
    );
  }

  #partition(
    topic: TopicState,
    message: TopicMessage,
    key: Uint8Array | string | null,
    createdAt: number | undefined,
  ): number | undefined {
    const { partitionCount } = topic;
    const { partitioner } = this.#options;
    let partition = message.partition;
    if (partition === undefined && partitioner !== undefined) {
      partition = partitioner({ ...message, topic: topic.name } as OutgoingMessage, partitionCount);
    }
    if (partition === undefined) {
      if (key !== null) return partitionForKey(key, partitionCount);
      return topic.sticky.next(partitionCount);
    }
    if (!Number.isInteger(partition) || partition < 0) {
      throw new UsageError(`Cannot send message to "${topic.name}": partition is ${partition}`);
    }
    if (partition < partitionCount) return partition;
    if (createdAt === undefined || topic.loadedAt < createdAt) {
      this.#core.metadata.invalidate(topic.name);
      this.#load(topic);
      return undefined;
    }
    throw new KafkaError(
      `send message to "${topic.name}"`,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `it has ${partitionCount} partitions, there is no partition ${partition}`,
    );
  }

  #openQueue(topic: TopicState, partition: number): PartitionQueue {
    return new PartitionQueue(topic.name, partition, this.#options.idempotence);
  }

  /** Requests the partitions of a topic, then appends the messages that wait for them. */
  #load(topic: TopicState): void {
    if (topic.isLoading) return;
    topic.isLoading = true;
    const startedAt = performance.now();
    const { allowAutoTopicCreation } = this.#options;
    const unwanted = new AbortController();
    // The sender enforces the deadline of each message; without any, the request is obsolete.
    const onFailure = (error: DqueueError) => {
      topic.lastError = error;
      if (topic.waiters.length === 0) unwanted.abort(error);
    };
    const options = { signal: unwanted.signal, timeoutMs: Infinity, onFailure };
    this.#core.topic(topic.name, { allowAutoTopicCreation, ...options }).then(
      ({ partitions }) => {
        topic.isLoading = false;
        topic.lastError = undefined;
        topic.partitionCount = partitions.length;
        topic.loadedAt = startedAt;
        this.#run(topic);
      },
      (error) => {
        topic.isLoading = false;
        if (unwanted.signal.aborted && topic.waiters.length > 0) return this.#load(topic);
        this.#blocked.delete(topic);
        this.#failWaiters(topic, topic.waiters.length, () => error);
      },
    );
  }

  /** Fails the first `count` of the messages that wait for a topic. */
  #failWaiters(topic: TopicState, count: number, errorOf: () => DqueueError): void {
    for (const waiter of topic.waiters.splice(0, count)) {
      const error = errorOf();
      waiter.fail(error);
      this.#onFailure(error);
    }
  }

  #run(topic: TopicState): void {
    const { waiters } = topic;
    let done = 0;
    while (done < waiters.length && waiters[done]!.run()) done++;
    // Removed all together, since there may be many.
    waiters.splice(0, done);
    if (waiters.length === 0) this.#blocked.delete(topic);
  }
}

/** Returns whether a timestamp is an integer that fits into an int64, from -1 up. */
function isTimestamp(timestamp: unknown): boolean {
  return typeof timestamp === "bigint"
    ? timestamp >= -1n && timestamp < 2n ** 63n
    : Number.isInteger(timestamp) && (timestamp as number) >= -1 &&
      (timestamp as number) < INT64_MAX;
}

/** Returns whether a message has only a value, of a type that can be sent. */
function isPlain({ key, value, partition, headers, timestamp }: TopicMessage): boolean {
  return (key === undefined || key === null) && partition === undefined &&
    timestamp === undefined && (headers === undefined || headers === null) &&
    (typeof value === "string" || value instanceof Uint8Array);
}

/** The minimum size of a key or value: encoded text may have more bytes than it has code units. */
function dataSize(data: Uint8Array | string | null): number {
  return data === null ? 0 : data.length;
}
