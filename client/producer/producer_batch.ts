/**
 * A record batch of the producer: open, waiting, in flight or waiting for a retry.
 *
 * @module
 */

import type { Record as BatchRecord } from "../../protocol/records/record.ts";
import { RecordBatch } from "../../protocol/records/record_batch.ts";
import {
  RecordBatchBuilder,
  type RecordData,
  type RecordHeaderInput,
} from "../../protocol/records/record_batch_builder.ts";
import type { BatchMemory } from "./batch_memory.ts";
import type { BatchResult, Delivery } from "./delivery.ts";
import type { DqueueError } from "../errors.ts";
import type { ResolvedProducerOptions } from "./producer_options.ts";
import { RefusedBatchError } from "./refused_batch.ts";

/** The producer options that a batch needs. */
export type BatchOptions =
  & Pick<ResolvedProducerOptions, "batchSize" | "compression" | "compressionLevel">
  & Partial<Pick<ResolvedProducerOptions, "transactionalId">>;

/** A batch of one partition. */
export class ProducerBatch {
  /**
   * When the first message was sent, on the clock of `performance.now()`; its timeouts count from
   * here.
   */
  readonly createdAt: number;
  readonly deliveries: Delivery[] = [];
  /** How often it was sent. */
  attempts = 0;
  /** Its share of the producer's buffer memory. */
  accountedBytes = 0;
  /** Numbers the batches of a partition in the order of their sequence numbers. */
  ordinal = -1;
  /** Whether it is in flight. */
  isInFlight = false;
  /** Why the last attempt failed. */
  lastError: DqueueError | undefined;
  /** The earliest time of the next attempt at the same broker. */
  retryAt = 0;
  /** The node id of the broker that it was sent to last. */
  sentTo = -1;
  producerId = -1;
  producerEpoch = -1;
  baseSequence = -1;
  readonly #options: BatchOptions;
  readonly #memory: BatchMemory;
  readonly #builder: RecordBatchBuilder;
  #batch: RecordBatch | undefined;
  #isClosed = false;
  #isSettled = false;
  #settled: PromiseWithResolvers<void> | undefined;

  /**
   * @param memory The pool to take memory from.
   * @param expectedSize The likely final size, for the first allocation.
   */
  constructor(
    createdAt: number,
    options: BatchOptions,
    memory: BatchMemory,
    expectedSize = 0,
  ) {
    this.createdAt = createdAt;
    this.#options = options;
    this.#memory = memory;
    this.#builder = new RecordBatchBuilder({
      compression: options.compression,
      compressionLevel: options.compressionLevel,
      isTransactional: options.transactionalId !== undefined,
      sizeLimit: options.batchSize,
      memory: memory.take(Math.max(INITIAL_CAPACITY, expectedSize + SPARE_CAPACITY)),
    });
  }

  /** The number of records. */
  get recordCount(): number {
    return this.#builder.recordCount;
  }

  /** The size before compression. */
  get sizeInBytes(): number {
    return this.#builder.estimatedSizeInBytes;
  }

  /** Whether it is closed for records. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether its outcome was reported. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /**
   * Appends a record, unless the batch is closed or has no room; closes the batch when it is full.
   */
  tryAppend(
    timestamp: number | bigint,
    key: RecordData,
    value: RecordData,
    headers: readonly RecordHeaderInput[],
  ): boolean {
    if (this.#isClosed) return false;
    const added = this.#builder.tryAppend(timestamp, key, value, headers);
    if (!added || this.#builder.estimatedSizeInBytes >= this.#options.batchSize) {
      this.#isClosed = true;
    }
    return added;
  }

  /** Closes the batch for records. */
  close(): void {
    this.#isClosed = true;
  }

  /** Sets the sequence numbers, also after the batch was sent, while it is not in flight. */
  setProducerState(producerId: number, producerEpoch: number, baseSequence: number): void {
    this.producerId = producerId;
    this.producerEpoch = producerEpoch;
    this.baseSequence = baseSequence;
    if (this.#batch === undefined) {
      this.#builder.setProducerState(producerId, producerEpoch, baseSequence);
    } else this.#batch.setProducerState(producerId, producerEpoch, baseSequence);
  }

  /** The bytes to send. */
  build(): Uint8Array {
    this.#isClosed = true;
    this.#batch ??= new RecordBatch(this.#builder.build());
    return this.#batch.bytes;
  }

  /** Returns its memory to the pool. Its bytes must not be used or sent afterwards. */
  recycle(): void {
    const memory = this.#builder.release();
    this.#batch = undefined;
    if (memory !== undefined) this.#memory.give(memory);
  }

  /** Reports that the records were written. */
  succeed(result: BatchResult): void {
    if (this.#isSettled) return;
    this.#settle();
    let first = 0;
    for (const delivery of this.deliveries) {
      delivery.delivered(result, first);
      first += delivery.count;
    }
  }

  /** Reports that the records failed, or that their outcome is unknown. */
  fail(error: DqueueError): void {
    if (this.#isSettled) return;
    this.#settle();
    const errorOf = error instanceof RefusedBatchError
      ? (place: number) => error.errorOf(place)
      : () => error;
    let first = 0;
    for (const delivery of this.deliveries) {
      delivery.failed(errorOf, first);
      first += delivery.count;
    }
  }

  /** Resolves when the batch has succeeded or failed. */
  whenSettled(): Promise<void> {
    if (this.#isSettled) return Promise.resolve();
    this.#settled ??= Promise.withResolvers<void>();
    return this.#settled.promise;
  }

  /**
   * Splits the records into two batches, for a broker that rejects this one as too large. The
   * halves take over the deliveries and the sequence numbers.
   */
  split(): [ProducerBatch, ProducerBatch] {
    const half = Math.ceil(this.recordCount / 2);
    const parts: [ProducerBatch, ProducerBatch] = [this.#part(), this.#part()];
    let place = 0;
    for (const record of new RecordBatch(this.build()).records()) {
      const part = parts[place++ < half ? 0 : 1];
      part.#builder.append(timestampOf(record), record.key, record.value, record.headers);
    }
    this.#splitDeliveries(half, parts);
    for (const part of parts) part.#isClosed = true;
    if (this.baseSequence >= 0) {
      const { producerId, producerEpoch, baseSequence } = this;
      parts[0].setProducerState(producerId, producerEpoch, baseSequence);
      parts[1].setProducerState(producerId, producerEpoch, addSequence(baseSequence, half));
    }
    parts[0].accountedBytes = this.accountedBytes;
    this.#isSettled = true;
    if (this.#settled !== undefined) {
      Promise.all(parts.map((part) => part.whenSettled())).then(() => this.#settled!.resolve());
    }
    return parts;
  }

  #part(): ProducerBatch {
    return new ProducerBatch(this.createdAt, this.#options, this.#memory);
  }

  #splitDeliveries(half: number, [head, tail]: [ProducerBatch, ProducerBatch]): void {
    let count = 0;
    for (const delivery of this.deliveries) {
      const room = half - count;
      if (delivery.count <= room) head.deliveries.push(delivery);
      else if (room <= 0) tail.deliveries.push(delivery);
      else {
        const [first, rest] = delivery.split(room);
        head.deliveries.push(first);
        tail.deliveries.push(rest);
      }
      count += delivery.count;
    }
  }

  #settle(): void {
    this.#isSettled = true;
    this.#settled?.resolve();
  }
}

/** The initial size of a batch whose final size is unknown. */
const INITIAL_CAPACITY = 2048;

/** Room for text that turns out not to fit, which is detected by writing it. */
const SPARE_CAPACITY = 1024;

/** Sequence numbers wrap around to 0 after 2147483647. */
export function addSequence(sequence: number, count: number): number {
  return (sequence + count) % 2 ** 31;
}

/** The timestamp of a record as a number, if it can represent it exactly. */
function timestampOf(record: BatchRecord): number | bigint {
  const { timestamp } = record;
  return Number.isSafeInteger(timestamp) ? timestamp : record.exactTimestamp;
}
