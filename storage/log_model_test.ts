// Compares a log with a model of it, in random steps from a seed.
//
// Invariants: appended batches are read back whole and in order, from any offset and with any limits;
// lookups by timestamp agree with a search of all records; duplicates get their first offset, gaps
// are rejected; a clean restart and a kill change nothing; after a power failure the log has
// everything that was flushed and a prefix of the rest.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Random } from "../protocol/random_testing.ts";
import { eachSeed } from "../protocol/seeds_testing.ts";
import { OffsetOutOfRangeError, OutOfOrderSequenceError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { LogDirectory } from "./log_directory.ts";
import {
  applyRetention,
  batchOf,
  configOf,
  NOW_MS,
  openDirectory,
  readAll,
  recordsOf,
  type TestRecord,
} from "./log_testing.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";

interface ModelBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly sizeInBytes: number;
  readonly records: readonly Required<Pick<TestRecord, "value" | "timestamp">>[];
  readonly producer: { id: number; baseSequence: number; nextSequence: number } | undefined;
}

const NAME = "model-0";

const CONFIG = configOf({
  segmentBytes: 3000,
  indexIntervalBytes: 200,
  retentionBytes: 8000,
  retentionMs: -1,
  fileDeleteDelayMs: 0,
});

class Simulation {
  readonly #random: Random;
  #fs = new MemoryFileSystem({ now: () => NOW_MS });
  #directory!: LogDirectory;
  #log!: Log;
  /** All batches since the log was last started over, including deleted ones. */
  #batches: ModelBatch[] = [];
  #startOffset = 0;
  #flushedOffset = 0;
  /** The log start offset that a power failure may restore. */
  #durableStartOffset = 0;
  #count = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async run(steps: number): Promise<void> {
    await this.#open();
    this.#directory.create(NAME, { nowMs: NOW_MS, config: CONFIG });
    this.#log = this.#directory.get(NAME)!;
    for (let i = 0; i < steps; i++) await this.#step();
    assertEquals(await readAll(this.#log), this.#recordsFrom(this.#startOffset));
    await this.#directory.close();
  }

  get #endOffset(): number {
    return this.#batches.at(-1)?.nextOffset ?? this.#startOffset;
  }

  async #open(): Promise<void> {
    this.#directory = await openDirectory(this.#fs, {
      batchCacheBytes: this.#random.pick([0, 3000, 1 << 20]),
      indexCacheBytes: this.#random.pick([0, 1 << 20]),
      maxOpenFiles: this.#random.pick([3, 1000]),
      config: CONFIG,
    });
  }

  async #step(): Promise<void> {
    const dice = this.#random.below(100);
    if (dice < 45) this.#append();
    else if (dice < 70) await this.#read();
    else if (dice < 78) await this.#findTimestamp();
    else if (dice < 84) await this.#flush();
    else if (dice < 87) await this.#checkpoint();
    else if (dice < 90) this.#deleteRecords();
    else if (dice < 93) await this.#applyRetention();
    else if (dice < 95) await this.#truncate();
    else await this.#restart();
  }

  #append(): void {
    const records = Array.from({ length: 1 + this.#random.below(4) }, () => ({
      value: `${this.#count++}`.padEnd(1 + this.#random.below(120), "."),
      timestamp: NOW_MS + this.#random.below(1000) + this.#count,
    }));
    let producer: ModelBatch["producer"];
    if (this.#random.below(2) === 0) {
      const id = this.#random.below(3);
      // A restart drops producers whose batches are all deleted; they may start with any sequence.
      const last = this.#batches.findLast((batch) => batch.producer?.id === id);
      const known = this.#log.producers.has(id);
      const baseSequence = known ? last!.producer!.nextSequence : this.#count;
      producer = { id, baseSequence, nextSequence: baseSequence + records.length };
      if (known && this.#random.below(4) === 0) this.#appendWrongly(last!);
    }
    const batch = batchOf(records, {
      producerId: producer?.id,
      producerEpoch: producer === undefined ? -1 : 0,
      baseSequence: producer?.baseSequence,
    });
    const info = this.#log.append(batch, { leaderEpoch: 0, nowMs: NOW_MS });
    assertEquals(info.firstOffset, this.#endOffset);
    assertEquals(info.lastOffset, info.firstOffset + records.length - 1);
    assertEquals(info.isDuplicate, false);
    this.#batches.push({
      baseOffset: info.firstOffset,
      nextOffset: info.lastOffset + 1,
      sizeInBytes: batch.sizeInBytes,
      records,
      producer,
    });
  }

  #appendWrongly(last: ModelBatch): void {
    const { id, baseSequence, nextSequence } = last.producer!;
    const again = batchOf(last.records, { producerId: id, producerEpoch: 0, baseSequence });
    const info = this.#log.append(again, { leaderEpoch: 0, nowMs: NOW_MS });
    assertEquals(info.isDuplicate, true);
    assertEquals(info.firstOffset, last.baseOffset);
    const gap = batchOf(["gap"], {
      producerId: id,
      producerEpoch: 0,
      baseSequence: nextSequence + 1,
    });
    assertThrows(
      () => this.#log.append(gap, { leaderEpoch: 0, nowMs: NOW_MS }),
      OutOfOrderSequenceError,
    );
    assertEquals(this.#log.logEndOffset, this.#endOffset);
  }

  async #read(): Promise<void> {
    const offset = this.#startOffset + this.#random.below(this.#endOffset - this.#startOffset + 2);
    if (offset > this.#endOffset) {
      assertThrows(() => this.#log.read(offset, { maxBytes: 1 }), OffsetOutOfRangeError);
      return;
    }
    const maxBytes = this.#random.below(4000);
    const minOneBatch = this.#random.below(2) === 0;
    const maxOffset = this.#random.below(2) === 0 ? undefined : offset + this.#random.below(20);
    const read = await this.#log.read(offset, { maxBytes, maxOffset, minOneBatch });
    const limit = maxOffset ?? Infinity;
    const slot = this.#batches.findIndex((batch) => batch.nextOffset > offset);
    const first = this.#batches[slot];
    let size = 0;
    let nextOffset = offset;
    for (const batch of slot < 0 ? [] : this.#batches.slice(slot)) {
      if (nextOffset >= read.nextOffset) break;
      size += batch.sizeInBytes;
      nextOffset = batch.nextOffset;
    }
    assertEquals(read.nextOffset, nextOffset);
    assertEquals(read.sizeInBytes, size);
    assertEquals(
      recordsOf(read.chunks, offset),
      size === 0 ? [] : this.#recordsFrom(offset, read.nextOffset),
    );
    read.release?.();
    assert(read.nextOffset <= Math.max(offset, limit));
    assert(size <= maxBytes || (minOneBatch && read.nextOffset === first?.nextOffset));
    if (first !== undefined && first.nextOffset <= limit) {
      assert(size > 0 || (!minOneBatch && first.sizeInBytes > maxBytes), "nothing was read");
    }
  }

  async #findTimestamp(): Promise<void> {
    const timestamp = NOW_MS + this.#random.below(this.#count + 1200);
    let expected: { offset: number; timestamp: number; leaderEpoch: number } | undefined;
    let largest: typeof expected;
    for (const batch of this.#batches) {
      for (const [i, record] of batch.records.entries()) {
        const offset = batch.baseOffset + i;
        if (batch.nextOffset <= this.#log.segments[0]!.baseOffset) continue;
        const found = { timestamp: record.timestamp, offset, leaderEpoch: 0 };
        if (record.timestamp > (largest?.timestamp ?? -1)) largest = found;
        if (offset >= this.#startOffset && record.timestamp >= timestamp) expected ??= found;
      }
    }
    assertEquals(await this.#log.offsetForTimestamp(timestamp), expected);
    assertEquals(await this.#log.maxTimestampOffset(), largest);
  }

  async #flush(): Promise<void> {
    await this.#log.flush();
    this.#flushedOffset = this.#endOffset;
    assertEquals(this.#log.flushedOffset, this.#endOffset);
  }

  async #checkpoint(): Promise<void> {
    await this.#directory.checkpoint();
    this.#flushedOffset = this.#endOffset;
    this.#durableStartOffset = this.#startOffset;
    assertEquals(this.#log.recoveryPoint, this.#endOffset);
  }

  #deleteRecords(): void {
    this.#startOffset += this.#random.below(Math.min(10, this.#endOffset - this.#startOffset + 1));
    assertEquals(this.#log.deleteRecordsBefore(this.#startOffset), this.#startOffset);
  }

  async #applyRetention(): Promise<void> {
    await applyRetention(this.#directory, NOW_MS);
    assert(this.#log.logStartOffset >= this.#startOffset);
    assert(this.#log.sizeInBytes < 8000 + 3000);
    this.#startOffset = this.#log.logStartOffset;
    await this.#directory.removeDeleted(NOW_MS);
  }

  async #truncate(): Promise<void> {
    const span = this.#endOffset - this.#startOffset;
    const offset = Math.max(
      this.#startOffset,
      this.#endOffset - this.#random.below(Math.min(span, 40) + 1),
    );
    const isCut = await this.#log.truncateTo(offset, NOW_MS);
    this.#batches = this.#batches.filter((batch) => batch.nextOffset <= offset);
    const endOffset = this.#log.logEndOffset;
    assert(endOffset <= offset);
    this.#startOffset = Math.min(this.#startOffset, endOffset);
    this.#durableStartOffset = Math.min(this.#durableStartOffset, this.#startOffset);
    if (this.#batches.length > 0) assertEquals(endOffset, this.#endOffset);
    else this.#startOffset = endOffset;
    if (!isCut) return;
    this.#flushedOffset = this.#endOffset;
    assertEquals(this.#log.flushedOffset, this.#endOffset);
  }

  async #restart(): Promise<void> {
    const kind = this.#random.pick(["clean", "kill", "power"] as const);
    if (kind === "clean") {
      await this.#directory.close();
    } else {
      const fs = this.#fs.clone({ unsynced: kind === "kill" ? "kept" : "lost" });
      await this.#directory.close();
      this.#fs = fs;
    }
    await this.#open();
    if (kind === "power" && this.#directory.get(NAME) === undefined) {
      assertEquals(this.#flushedOffset, 0);
      this.#directory.create(NAME, { nowMs: NOW_MS, config: CONFIG });
    }
    this.#log = this.#directory.get(NAME)!;
    assertEquals(this.#directory.wasCleanShutdown, kind === "clean");
    const { logEndOffset, logStartOffset } = this.#log;
    if (kind === "power") {
      assert(logEndOffset >= this.#flushedOffset, `${logEndOffset} < ${this.#flushedOffset}`);
      assert(logStartOffset >= this.#durableStartOffset);
      assert(logStartOffset <= this.#startOffset);
      this.#batches = this.#batches.filter((batch) => batch.nextOffset <= logEndOffset);
    } else {
      if (kind === "clean") assertEquals(logStartOffset, this.#startOffset);
      assert(logStartOffset <= this.#startOffset);
      assertEquals(logEndOffset, this.#endOffset);
    }
    // The log start offset is persisted only by checkpoints.
    this.#startOffset = logStartOffset;
    assertEquals(this.#endOffset, logEndOffset);
    assertEquals(await readAll(this.#log), this.#recordsFrom(logStartOffset));
    if (kind === "clean") this.#durableStartOffset = logStartOffset;
    if (kind !== "kill") this.#flushedOffset = logEndOffset;
  }

  #recordsFrom(offset: number, endOffset = Infinity) {
    const records = [];
    for (const batch of this.#batches) {
      if (batch.nextOffset <= offset || batch.baseOffset >= endOffset) continue;
      for (const [i, { value }] of batch.records.entries()) {
        if (batch.baseOffset + i >= offset) records.push({ offset: batch.baseOffset + i, value });
      }
    }
    return records;
  }
}

Deno.test("Log agrees with a model of it, in random steps", async (t) => {
  await eachSeed(t, 12, (seed) => new Simulation(seed).run(400));
});
