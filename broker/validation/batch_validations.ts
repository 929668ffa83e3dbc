/**
 * Validates batches that take long: large compressed ones, those to be recompressed, and those of
 * requests that have used up their time slice.
 *
 * A small number run concurrently, in slices of a few milliseconds. The memory they hold counts as
 * request memory (`queued.max.request.bytes`), so that sockets are not read while it is high. The
 * size a batch expands to is not known in advance and may exceed what is left. Therefore one
 * validation at a time may exceed its share; the others pause when they would.
 *
 * @module
 */

import { CompressionType } from "../../protocol/compression/mod.ts";
import { compressInSlices } from "../../protocol/compression/slices.ts";
import { hasNativeZstd } from "../../protocol/compression/zstd/mod.ts";
import type { RecordBatch } from "../../protocol/records/mod.ts";
import type { LogConfig } from "../../storage/log/log_config.ts";
import { TimeSlice } from "../../storage/time_slice.ts";
import { type BatchWork, validateBatchInSlices } from "../../storage/validation/validate_batch.ts";
import { CompressionWorker } from "./compression_worker.ts";
import type { MemoryBudget } from "../memory_budget.ts";

/** Number of concurrent validations. */
const MAX_UNDER_WAY = 2;

/**
 * Bytes that each validation may hold. Only one at a time continues beyond that: it may hold three
 * times the size that a batch may expand to.
 */
const HELD_BY_EACH = 32 * 1024 * 1024;

/** Time slice of a validation. */
const SLICE_MS = 4;

/** The validations of one broker. */
export class BatchValidations {
  readonly #memory: MemoryBudget;
  readonly #worker = new CompressionWorker();
  readonly #slice = new TimeSlice(SLICE_MS);
  readonly #large = new Place();
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  /** @param memory The budget that held memory counts against. */
  constructor(memory: MemoryBudget) {
    this.#memory = memory;
  }

  /**
   * Validates a batch as `validateBatch` does, in its turn. Its bytes must not change until then.
   *
   * @throws {Error} Whatever `validateBatch` throws.
   */
  async validate(
    log: string,
    batch: RecordBatch,
    config: LogConfig,
    nowMs: number,
  ): Promise<RecordBatch> {
    if (this.#underWay >= MAX_UNDER_WAY) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#underWay++;
    const work = new Work(this.#slice, this.#memory, this.#worker, this.#large);
    try {
      if (work.isOver) await work.pause();
      return await validateBatchInSlices(log, batch, config, nowMs, work);
    } finally {
      work.end();
      // The next validation takes over this slot.
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay--;
      else next();
    }
  }

  /** Stops the compression worker, if it is running. */
  close(): void {
    this.#worker.close();
  }
}

/** A slot for one validation. */
class Place {
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  async take(): Promise<void> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#isTaken = false;
    else next();
  }
}

class Work implements BatchWork {
  readonly #slice: TimeSlice;
  readonly #memory: MemoryBudget;
  readonly #worker: CompressionWorker;
  readonly #large: Place;
  #isLarge = false;
  #held = 0;

  constructor(slice: TimeSlice, memory: MemoryBudget, worker: CompressionWorker, large: Place) {
    this.#slice = slice;
    this.#memory = memory;
    this.#worker = worker;
    this.#large = large;
  }

  get isOver(): boolean {
    return this.#mustWait || this.#slice.isOver;
  }

  async pause(): Promise<void> {
    if (this.#mustWait) {
      await this.#large.take();
      this.#isLarge = true;
    }
    await this.#slice.pause();
  }

  hold(bytes: number): void {
    this.#memory.adjust(this.#held, bytes);
    this.#held = bytes;
  }

  /** Releases the held memory. */
  end(): void {
    this.hold(0);
    if (this.#isLarge) this.#large.leave();
    this.#isLarge = false;
  }

  async compress(
    type: CompressionType,
    bytes: Uint8Array,
    level: number | undefined,
  ): Promise<Uint8Array> {
    // The bytes, their copy in the worker, and the result.
    this.hold(3 * bytes.length);
    if (this.isOver) await this.pause();
    const isForWorker = type === CompressionType.gzip ||
      type === CompressionType.zstd && hasNativeZstd();
    return await (isForWorker
      ? this.#worker.compress(type, bytes, level)
      : compressInSlices(type, bytes, this, level));
  }

  get #mustWait(): boolean {
    return this.#held > HELD_BY_EACH && !this.#isLarge;
  }
}
