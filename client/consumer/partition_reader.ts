/**
 * A consumer's position in one partition, and its buffered batches.
 *
 * `position` is the offset of the next message to return, `fetchOffset` that of the next to fetch;
 * between them are the buffered batches. When either is set, the fetch in flight becomes outdated,
 * which `generation` detects.
 *
 * @module
 */

import { maxExpandedBytes } from "../../protocol/compression/mod.ts";
import type { RecordReader } from "../../protocol/records/record.ts";
import type { RecordBatch } from "../../protocol/records/record_batch.ts";
import type { ResolvedConsumerOptions } from "./consumer_options.ts";
import { CorruptBatchError, type DqueueError } from "../errors.ts";
import type { FetchedBatch, FetchedBatches } from "./fetched_batches.ts";
import { Message, type MessageOrigin } from "./message.ts";

/** The batch being read. */
interface OpenBatch {
  readonly records: RecordReader;
  readonly origin: MessageOrigin;
  readonly sizeInBytes: number;
  nextOffset: number;
  /** The number of unread records. */
  remaining: number;
}

/** Options of handling batches that cannot be read. */
export type CorruptionOptions = Pick<ResolvedConsumerOptions, "checkCrcs" | "onCorruptBatch">;

/** A consumer's position in one partition. */
export class PartitionReader {
  readonly topic: string;
  readonly partition: number;
  readonly #options: CorruptionOptions;
  readonly #onData: () => void;
  #batches: FetchedBatch[] = [];
  /** The index in `#batches` of the next one to open. */
  #head = 0;
  #open: OpenBatch | undefined;
  /** The batch that was opened last, or failed to open. */
  #last: FetchedBatch | undefined;
  #position = -1;
  #fetchOffset = -1;
  #generation = 0;
  #bufferedBytes = 0;
  /** Whether it is paused. */
  isPaused = false;
  /** Whether a fetch is in flight. */
  isFetching = false;
  /** The earliest time of the next fetch from the broker that the last one failed at. */
  retryAt = 0;
  /** The node id of that broker. */
  failedAt = -1;
  /** The number of consecutive failed fetches. */
  failures = 0;
  /** The time of the first of them. */
  failingSince = 0;
  /** Where to look up the position, if it has none. */
  resetTo: "earliest" | "latest" | undefined;
  /** The position that was out of range, and is the reason for the lookup. */
  lostOffset: number | undefined;
  /** The high watermark; −1 if unknown. */
  highWatermark = -1;
  /** The offset up to which messages are returned, by the isolation level; −1 if unknown. */
  endOffset = -1;
  /** Why it cannot be read, to be thrown to the reader. */
  #error: DqueueError | undefined;

  /** @param onData Called when there is a new message or error. */
  constructor(topic: string, partition: number, options: CorruptionOptions, onData: () => void) {
    this.topic = topic;
    this.partition = partition;
    this.#options = options;
    this.#onData = onData;
  }

  /** The offset of the next message to return; −1 if there is no position yet. */
  get position(): number {
    return this.#position;
  }

  /** The offset of the next message to fetch. */
  get fetchOffset(): number {
    return this.#fetchOffset;
  }

  /** The number of times the position was set. */
  get generation(): number {
    return this.#generation;
  }

  /** The number of buffered bytes. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Whether there are messages to return. */
  get hasMessages(): boolean {
    return !this.isPaused && (this.#open !== undefined || this.#head < this.#batches.length);
  }

  /** Whether reading has failed; see `takeError()`. */
  get hasFailed(): boolean {
    return this.#error !== undefined;
  }

  /** Continues at `offset`, discarding buffered batches. */
  seek(offset: number): void {
    this.#drop();
    this.#position = offset;
    this.#fetchOffset = offset;
    this.resetTo = undefined;
    this.lostOffset = undefined;
    this.#error = undefined;
    this.failures = 0;
    this.retryAt = 0;
  }

  /**
   * Continues at a place that has to be looked up.
   *
   * @param lostOffset The position that was out of range, if that is the reason.
   */
  reset(to: "earliest" | "latest", lostOffset?: number): void {
    this.#drop();
    this.resetTo = to;
    this.lostOffset = lostOffset;
  }

  /** Adds batches fetched from `fetchOffset`. */
  accept(fetched: FetchedBatches): void {
    this.failures = 0;
    this.#fetchOffset = fetched.nextOffset;
    const isAllOpened = this.#head === this.#batches.length;
    if (fetched.batches.length === 0) {
      const last = isAllOpened ? this.#open : this.#batches[this.#batches.length - 1];
      if (last !== undefined) last.nextOffset = fetched.nextOffset;
      else this.#position = fetched.nextOffset;
      return;
    }
    for (const { batch } of fetched.batches) this.#bufferedBytes += batch.sizeInBytes;
    this.#batches = isAllOpened
      ? fetched.batches
      : this.#batches.slice(this.#head).concat(fetched.batches);
    this.#head = 0;
    this.#onData();
  }

  /** Makes reading fail. */
  fail(error: DqueueError): void {
    this.#error = error;
    this.#onData();
  }

  /** Returns and clears why reading has failed; after that it is retried. */
  takeError(): DqueueError | undefined {
    const error = this.#error;
    this.#error = undefined;
    this.failures = 0;
    return error;
  }

  /** Returns the next message; undefined if there is none. */
  next(): Message | undefined {
    try {
      return this.#read();
    } catch (error) {
      this.#onCorrupt(error);
      return undefined;
    }
  }

  /**
   * Moves up to `max` messages to `messages`.
   *
   * @returns The number of messages.
   */
  take(max: number, messages: Message[]): number {
    let count = 0;
    try {
      for (; count < max; count++) {
        const message = this.#read();
        if (message === undefined) break;
        messages.push(message);
      }
    } catch (error) {
      this.#onCorrupt(error);
    }
    return count;
  }

  #read(): Message | undefined {
    for (;;) {
      const open = this.#open ?? this.#openNext();
      if (open === undefined) return undefined;
      const record = open.records.read();
      const offset = record === undefined ? -1 : record.offset;
      const isWanted = offset >= this.#position;
      if (isWanted) this.#position = offset + 1;
      if (--open.remaining <= 0) this.#close(open);
      if (isWanted) return new Message(open.origin, record!);
    }
  }

  #onCorrupt(cause: unknown): void {
    const { topic, partition, position } = this;
    const nextOffset = Math.max(position, this.#open?.nextOffset ?? this.#last!.nextOffset);
    const error = new CorruptBatchError({ topic, partition, offset: position, nextOffset }, cause);
    const { onCorruptBatch } = this.#options;
    if (onCorruptBatch !== undefined) {
      this.seek(nextOffset);
      onCorruptBatch(error);
      this.#onData();
      return;
    }
    this.seek(position);
    this.fail(error);
  }

  #openNext(): OpenBatch | undefined {
    const next = this.#batches[this.#head];
    if (next === undefined) return undefined;
    if (++this.#head === this.#batches.length) {
      // Read batches must not be kept in memory until the next one.
      this.#batches = [];
      this.#head = 0;
    }
    this.#last = next;
    const { batch, nextOffset } = next;
    if (this.#options.checkCrcs) batch.ensureValid();
    return this.#open = {
      records: batch.records(maxExpandedBytes(batch.sizeInBytes))[Symbol.iterator](),
      origin: this.#origin(batch),
      sizeInBytes: batch.sizeInBytes,
      nextOffset,
      remaining: batch.recordCount,
    };
  }

  #origin(batch: RecordBatch): MessageOrigin {
    return {
      topic: this.topic,
      partition: this.partition,
      leaderEpoch: batch.partitionLeaderEpoch,
      timestampType: batch.timestampType === 0 ? "CreateTime" : "LogAppendTime",
    };
  }

  /** Finishes a batch; if that fails, the messages returned from it still count. */
  #close(open: OpenBatch): void {
    try {
      // The record reader checks that no bytes follow the last record.
      open.records.read();
    } catch (error) {
      return this.#onCorrupt(error);
    }
    this.#open = undefined;
    this.#last = undefined;
    this.#bufferedBytes -= open.sizeInBytes;
    this.#position = Math.max(this.#position, open.nextOffset);
  }

  #drop(): void {
    this.#batches = [];
    this.#head = 0;
    this.#open = undefined;
    this.#last = undefined;
    this.#bufferedBytes = 0;
    this.#generation++;
    // The fetch in flight is outdated and need not be awaited.
    this.isFetching = false;
  }
}
