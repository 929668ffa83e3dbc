/**
 * Where a consumer is in one partition, and what it has fetched ahead.
 *
 * `position` is the offset of the next message to hand out, `fetchOffset` that of the next to fetch;
 * between them lie the batches fetched and not read yet. When either is set anew, what is on its way is
 * out of date: `generation` tells.
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
  /** Records not read yet. */
  remaining: number;
}

/** What to do about batches that cannot be read. */
export type CorruptionOptions = Pick<ResolvedConsumerOptions, "checkCrcs" | "onCorruptBatch">;

/** A consumer's place in one partition. */
export class PartitionReader {
  readonly topic: string;
  readonly partition: number;
  readonly #options: CorruptionOptions;
  readonly #onData: () => void;
  #batches: FetchedBatch[] = [];
  /** The place in `#batches` of the next to open. */
  #head = 0;
  #open: OpenBatch | undefined;
  /** The batch that was opened last, or could not be. */
  #last: FetchedBatch | undefined;
  #position = -1;
  #fetchOffset = -1;
  #generation = 0;
  #bufferedBytes = 0;
  /** Whether its messages are held back for now. */
  isPaused = false;
  /** Whether a fetch is on its way. */
  isFetching = false;
  /** Not before this time may it be fetched from again. */
  retryAt = 0;
  /** Fetches in a row that failed. */
  failures = 0;
  /** Since when they have failed. */
  failingSince = 0;
  /** Where to look up its position, when it has none. */
  resetTo: "earliest" | "latest" | undefined;
  /** The offset that was not there any more, for which it has to be looked up. */
  lostOffset: number | undefined;
  /** The offset after the last message that all in-sync replicas have, −1 if not known. */
  highWatermark = -1;
  /** Why it cannot be read, for the reader to be told. */
  #error: DqueueError | undefined;

  /** @param onData Called when there is something new to read, or to be told. */
  constructor(topic: string, partition: number, options: CorruptionOptions, onData: () => void) {
    this.topic = topic;
    this.partition = partition;
    this.#options = options;
    this.#onData = onData;
  }

  /** The offset of the next message to hand out, −1 if there is no position yet. */
  get position(): number {
    return this.#position;
  }

  /** The offset of the next message to fetch. */
  get fetchOffset(): number {
    return this.#fetchOffset;
  }

  /** Counts how often the position was set. */
  get generation(): number {
    return this.#generation;
  }

  /** Bytes fetched and not read yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Whether there are messages to read now. */
  get hasMessages(): boolean {
    return !this.isPaused && (this.#open !== undefined || this.#head < this.#batches.length);
  }

  /** Whether reading has failed, which `takeError()` tells. */
  get hasFailed(): boolean {
    return this.#error !== undefined;
  }

  /** Goes on at `offset`; what was fetched is dropped. */
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
   * Goes on at a place that has to be looked up first.
   *
   * @param lostOffset The offset that is not there any more, if that is why.
   */
  reset(to: "earliest" | "latest", lostOffset?: number): void {
    this.#drop();
    this.resetTo = to;
    this.lostOffset = lostOffset;
  }

  /** Takes in what was fetched from `fetchOffset`. */
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

  /** Has the reader told that reading fails. */
  fail(error: DqueueError): void {
    this.#error = error;
    this.#onData();
  }

  /** Why reading has failed. Told once: after that, it is tried again. */
  takeError(): DqueueError | undefined {
    const error = this.#error;
    this.#error = undefined;
    this.failures = 0;
    return error;
  }

  /** The next message, undefined if there is none now. */
  next(): Message | undefined {
    try {
      return this.#read();
    } catch (error) {
      this.#onCorrupt(error);
      return undefined;
    }
  }

  /**
   * Adds up to `max` messages to `messages`.
   *
   * @returns How many.
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
      // What was read must not be kept in memory until something comes.
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

  /** Ends a batch; if that fails, what was read of it counts all the same. */
  #close(open: OpenBatch): void {
    try {
      // The reader of records checks that nothing follows the last.
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
    // What is on its way is of no use any more, and need not be waited for.
    this.isFetching = false;
  }
}
