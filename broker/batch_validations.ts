/**
 * Validates batches that take long: large compressed ones, those that are compressed otherwise than
 * the topic wants, and those of requests that have had their time.
 *
 * Few are under way at once, in slices of a few milliseconds, and what they hold in memory counts as
 * requests do (`queued.max.request.bytes`), so that sockets are not read while it is much.
 *
 * @module
 */

import { CompressionType } from "../protocol/compression/mod.ts";
import { compressInSlices } from "../protocol/compression/slices.ts";
import { hasNativeZstd } from "../protocol/compression/zstd.ts";
import type { RecordBatch } from "../protocol/records/mod.ts";
import type { LogConfig } from "../storage/log/log_config.ts";
import { TimeSlice } from "../storage/time_slice.ts";
import { type BatchWork, validateBatchInSlices } from "../storage/validation/validate_batch.ts";
import { CompressionWorker } from "./compression_worker.ts";
import type { MemoryBudget } from "./memory_budget.ts";

/** Validations under way at once. Each may hold about twice what a batch may expand to. */
const MAX_UNDER_WAY = 2;

/** How long to work at a stretch. */
const SLICE_MS = 4;

/** Validations of one broker. */
export class BatchValidations {
  readonly #memory: MemoryBudget;
  readonly #worker = new CompressionWorker();
  readonly #slice = new TimeSlice(SLICE_MS);
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  /** @param memory Where the memory that is held counts. */
  constructor(memory: MemoryBudget) {
    this.#memory = memory;
  }

  /**
   * Validates a batch as `validateBatch` does, when its turn has come. Its bytes must not be changed
   * until then.
   *
   * @throws {Error} What `validateBatch` throws.
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
    const work = new Work(this.#slice, this.#memory, this.#worker);
    try {
      if (work.isOver) await work.pause();
      return await validateBatchInSlices(log, batch, config, nowMs, work);
    } finally {
      work.hold(0);
      // The next takes the place over.
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay--;
      else next();
    }
  }

  /** Ends the worker, if there is one. */
  close(): void {
    this.#worker.close();
  }
}

class Work implements BatchWork {
  readonly #slice: TimeSlice;
  readonly #memory: MemoryBudget;
  readonly #worker: CompressionWorker;
  #held = 0;

  constructor(slice: TimeSlice, memory: MemoryBudget, worker: CompressionWorker) {
    this.#slice = slice;
    this.#memory = memory;
    this.#worker = worker;
  }

  get isOver(): boolean {
    return this.#slice.isOver;
  }

  pause(): Promise<void> {
    return this.#slice.pause();
  }

  hold(bytes: number): void {
    this.#memory.adjust(this.#held, bytes);
    this.#held = bytes;
  }

  compress(
    type: CompressionType,
    bytes: Uint8Array,
    level: number | undefined,
  ): Promise<Uint8Array> {
    // The bytes, their copy in the worker, and what comes of them.
    this.hold(3 * bytes.length);
    const isForWorker = type === CompressionType.gzip ||
      type === CompressionType.zstd && hasNativeZstd();
    return isForWorker
      ? this.#worker.compress(type, bytes, level)
      : compressInSlices(type, bytes, this, level);
  }
}
