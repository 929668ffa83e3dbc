// Concurrent operations on a log, with delayed reads and syncs, in random steps from a seed.
//
// Invariants: a read returns consecutive whole batches from the one that contains its offset, with
// values that were appended at these offsets at some time, or fails because the offset is out of
// range; when a flush resolves, everything appended before the call survives a power failure;
// closing and reopening the log changes nothing.

import { assert, assertEquals } from "@std/assert";
import { Random } from "../protocol/random_testing.ts";
import { eachSeed } from "../protocol/seeds_testing.ts";
import { OffsetOutOfRangeError } from "./errors.ts";
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
} from "./log_testing.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import { WatchedFileSystem } from "./file_system/watched_file_system_testing.ts";

const NAME = "busy-0";

const CONFIG = configOf({
  segmentBytes: 2000,
  indexIntervalBytes: 200,
  retentionBytes: 8000,
  retentionMs: -1,
  fileDeleteDelayMs: 0,
});

class Simulation {
  readonly #random: Random;
  readonly #memory = new MemoryFileSystem({ now: () => NOW_MS });
  readonly #pending: Promise<unknown>[] = [];
  /** All values ever appended at an offset, because a truncation may replace one. */
  readonly #values = new Map<number, Set<string>>();
  #directory!: LogDirectory;
  #log!: Log;
  #truncations = 0;
  #count = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async run(steps: number): Promise<void> {
    const fs = new WatchedFileSystem(this.#memory);
    fs.onSync = () => this.#delay();
    fs.onRead = () => this.#delay();
    this.#directory = await openDirectory(fs, {
      batchCacheBytes: this.#random.below(2) === 0 ? 0 : 5000,
      maxOpenFiles: this.#random.below(2) === 0 ? 12 : 1000,
      indexCacheBytes: 0,
    });
    this.#log = this.#directory.create(NAME, { nowMs: NOW_MS, config: CONFIG });
    for (let i = 0; i < steps; i++) {
      const pending = this.#step();
      // A failure is reported at the end of the run, not as an unhandled rejection before.
      pending?.catch(() => {});
      if (pending !== undefined) this.#pending.push(pending);
      if (this.#random.below(10) === 0) await this.#delay();
    }
    await Promise.all(this.#pending);
    const records = await readAll(this.#log);
    assertEquals(records.length, this.#log.logEndOffset - this.#log.logStartOffset);
    await this.#directory.close();
    await using again = await openDirectory(this.#memory);
    assertEquals(again.wasCleanShutdown, true);
    assertEquals(await readAll(again.get(NAME)!), records);
  }

  #step(): Promise<unknown> | undefined {
    const dice = this.#random.below(100);
    if (dice < 45) return this.#append();
    if (dice < 70) return this.#read();
    if (dice < 80) return this.#flush();
    if (dice < 85) return this.#directory.checkpoint();
    if (dice < 90) return this.#deleteSegments();
    if (dice < 93) return this.#truncate();
    if (dice < 96) return this.#deleteRecords();
    return this.#log.offsetForTimestamp(NOW_MS);
  }

  #append(): undefined {
    const values = Array.from(
      { length: 1 + this.#random.below(4) },
      () => `${this.#count++}`.padEnd(this.#random.below(150), "."),
    );
    const { firstOffset } = this.#log.append(batchOf(values), { leaderEpoch: 0, nowMs: NOW_MS });
    for (const [i, value] of values.entries()) {
      const known = this.#values.get(firstOffset + i);
      if (known === undefined) this.#values.set(firstOffset + i, new Set([value]));
      else known.add(value);
    }
  }

  async #read(): Promise<void> {
    const { logStartOffset, logEndOffset } = this.#log;
    const offset = logStartOffset + this.#random.below(logEndOffset - logStartOffset + 1);
    try {
      const { chunks, nextOffset, release } = await this.#log.read(offset, {
        maxBytes: this.#random.below(3000),
      });
      // Other reads run in the meantime, but not into this memory.
      for (let i = this.#random.below(20); i > 0; i--) await Promise.resolve();
      const records = recordsOf(chunks);
      release?.();
      for (const [i, record] of records.entries()) {
        assertEquals(record.offset, records[0]!.offset + i);
        assert(this.#values.get(record.offset)?.has(record.value), `value at ${record.offset}`);
      }
      assert(records.length === 0 || (records[0]!.offset <= offset && offset < nextOffset));
    } catch (error) {
      if (!(error instanceof OffsetOutOfRangeError)) throw error;
    }
  }

  async #flush(): Promise<void> {
    const endOffset = this.#log.logEndOffset;
    const truncations = this.#truncations;
    await this.#log.flush();
    if (truncations !== this.#truncations || endOffset === 0) return;
    assert(this.#log.flushedOffset >= endOffset);
    await using survivor = await openDirectory(this.#memory.clone({ unsynced: "lost" }));
    assert(survivor.get(NAME)!.logEndOffset >= endOffset);
  }

  async #deleteSegments(): Promise<void> {
    await applyRetention(this.#directory, NOW_MS);
    await this.#directory.removeDeleted(NOW_MS);
  }

  async #truncate(): Promise<void> {
    const { logStartOffset, logEndOffset } = this.#log;
    const span = Math.min(30, logEndOffset - logStartOffset);
    const offset = logEndOffset - this.#random.below(span + 1);
    await this.#log.truncateTo(offset, NOW_MS, () => {
      this.#truncations++;
      return true;
    });
  }

  #deleteRecords(): undefined {
    const { logStartOffset, logEndOffset } = this.#log;
    const span = Math.min(5, logEndOffset - logStartOffset);
    this.#log.deleteRecordsBefore(logStartOffset + this.#random.below(span + 1));
  }

  async #delay(): Promise<void> {
    for (let i = this.#random.below(6); i > 0; i--) await Promise.resolve();
    if (this.#random.below(10) === 0) await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("Log is correct under concurrent operations, in random steps", async (t) => {
  await eachSeed(t, 8, (seed) => new Simulation(seed).run(300));
});
