// Compares a compacted log with a model of it, in random steps from a seed, with crashes at
// every step of a cleaning.
//
// Invariants: the log has the last record of each key, at its offset, except for expired tombstones;
// every record was appended at its offset, and records are in order; the cleaned part has one record
// per key; a consumer of committed records sees no aborted one, and all others; log start and end offset
// do not change; reads from any offset and lookups by timestamp
// agree with a scan; producers do not change. The same holds after a crash, whether unsynced changes
// are kept, lost or a part of each, and after another cleaning.

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../protocol/random_testing.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";
import { CompressionType } from "../../protocol/compression/mod.ts";
import type { Log } from "../log.ts";
import type { LogDirectory } from "../log_directory.ts";
import { NOW_MS, openDirectory, verificationFor } from "../log_testing.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { WatchedFileSystem } from "../file_system/watched_file_system_testing.ts";
import { assertTransactions } from "../transactions_testing.ts";
import {
  appendMarker,
  batchesOf,
  compactedConfig,
  foundIn,
  type FoundRecord,
  keyedBatch,
} from "./cleaner_testing.ts";

const NAME = "model-0";
const KEYS = 12;
const CODECS = Object.values(CompressionType);
const DELETE_RETENTION_MS = 1000;

interface ModelRecord extends FoundRecord {
  /** Whether its transaction is open, or was aborted. Changed by the marker. */
  outcome: "open" | "aborted" | "committed";
}

/** A key like that of an abort marker, which must not be taken for one, nor supersede it. */
const MARKER_KEY = "\0\0\0\0";

class Simulation {
  readonly #random: Random;
  #fs = new MemoryFileSystem({ now: () => NOW_MS });
  #watched = new WatchedFileSystem(this.#fs);
  #nowMs = NOW_MS;
  #directory!: LogDirectory;
  #log!: Log;
  #records: ModelRecord[] = [];
  readonly #nextSequences = new Map<number, number>();
  readonly #epochs = new Map<number, number>();
  /** First offset and producer of each batch. */
  readonly #producers: [firstOffset: number, producerId: number][] = [];
  /** Records of open transactions, by producer. */
  readonly #undecided = new Map<number, ModelRecord[]>();
  #flushedOffset = 0;
  #cleanings = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async run(steps: number): Promise<void> {
    [this.#directory, this.#log] = await this.#open(this.#watched);
    for (let i = 0; i < steps; i++) await this.#step();
    // A transaction that is open from early on would keep everything from being cleaned.
    for (const producerId of Array.from(this.#undecided.keys())) this.#endTransaction(producerId);
    for (let i = 0; i < 10; i++) this.#append();
    await this.#clean();
    await this.#verify(this.#log);
    assert(this.#cleanings > 0);
    await this.#directory.close();
  }

  async #open(fs: WatchedFileSystem | MemoryFileSystem): Promise<[LogDirectory, Log]> {
    const config = compactedConfig({ deleteRetentionMs: DELETE_RETENTION_MS });
    const directory = await openDirectory(fs, {
      batchCacheBytes: 0,
      indexCacheBytes: this.#random.pick([0, 1 << 20]),
      maxOpenFiles: this.#random.pick([3, 1000]),
      nowMs: this.#nowMs,
      config,
    });
    const log = directory.get(NAME) ?? directory.create(NAME, { nowMs: NOW_MS, config });
    return [directory, log];
  }

  async #step(): Promise<void> {
    const dice = this.#random.below(100);
    if (dice < 45) this.#append();
    else if (dice < 66) this.#appendTransaction();
    else if (dice < 70) await this.#flush();
    else if (dice < 75) this.#nowMs += this.#random.below(DELETE_RETENTION_MS);
    else if (dice < 80) await this.#restart();
    else if (dice < 83) await this.#verify(this.#log);
    else if (dice < 95) await this.#clean();
    else await this.#cleanWithCrashes();
  }

  #append(producer?: { producerId: number; isTransactional: boolean }): ModelRecord[] {
    const records = Array.from({ length: 1 + this.#random.below(5) }, () => {
      const timestamp = this.#nowMs + this.#random.below(50);
      const value = this.#random.below(5) === 0
        ? null
        : `${this.#random.below(1e6)}`.padEnd(this.#random.below(80), ".");
      const key = this.#random.chance(0.1) ? MARKER_KEY : `k${this.#random.below(KEYS)}`;
      return [key, value, timestamp] as const;
    });
    const {
      producerId = this.#random.below(2) === 0 ? -1 : this.#random.below(3),
      isTransactional = false,
    } = producer ?? {};
    const baseSequence = this.#nextSequences.get(producerId) ?? 0;
    const batch = keyedBatch(records, {
      compression: this.#random.pick(CODECS),
      ...(producerId < 0 ? {} : {
        producerId,
        producerEpoch: this.#epochs.get(producerId) ?? 0,
        baseSequence,
        isTransactional,
      }),
    });
    const nowMs = this.#nowMs;
    const verification = verificationFor(this.#log, batch);
    const { firstOffset } = this.#log.append(batch, { leaderEpoch: 0, nowMs, verification });
    assertEquals(firstOffset, this.#log.logEndOffset - records.length);
    if (producerId >= 0) this.#nextSequences.set(producerId, baseSequence + records.length);
    this.#producers.push([firstOffset, producerId]);
    const outcome = isTransactional ? "open" : "committed";
    const added = records.map(([key, value, timestamp], i): ModelRecord => {
      return { offset: firstOffset + i, key, value, timestamp, outcome };
    });
    this.#records.push(...added);
    return added;
  }

  /** Adds to a producer's transaction, or ends it. */
  #appendTransaction(): void {
    const producerId = 3 + this.#random.below(3);
    const open = this.#undecided.get(producerId) ?? [];
    if (open.length === 0 || this.#random.chance(0.5)) {
      open.push(...this.#append({ producerId, isTransactional: true }));
      this.#undecided.set(producerId, open);
      return;
    }
    this.#endTransaction(producerId);
  }

  #endTransaction(producerId: number): void {
    const outcome = this.#random.pick(["aborted", "committed"] as const);
    for (const record of this.#undecided.get(producerId)!) record.outcome = outcome;
    this.#undecided.delete(producerId);
    // As a transaction of version 1 or 2.
    const epoch = this.#epochs.get(producerId) ?? 0;
    const markerEpoch = epoch + this.#random.below(2);
    if (markerEpoch > epoch) this.#nextSequences.set(producerId, 0);
    this.#epochs.set(producerId, markerEpoch);
    const type = outcome === "aborted" ? "abort" : "commit";
    appendMarker(this.#log, producerId, type, 0, markerEpoch);
  }

  async #flush(): Promise<void> {
    await this.#log.flush();
    this.#flushedOffset = this.#log.logEndOffset;
  }

  async #clean(): Promise<void> {
    const { logStartOffset, logEndOffset } = this.#log;
    const dedupeBytes = this.#random.pick([0, 24 * 4, 24 * 8, 1 << 16]);
    for (let passes = this.#random.below(4); passes >= 0; passes--) {
      const { firstDirtyOffset } = this.#log;
      const cleaning = await this.#log.clean({
        nowMs: this.#nowMs,
        maxOffset: logEndOffset,
        dedupeBytes,
      });
      if (cleaning === undefined) break;
      this.#cleanings++;
      assert(this.#log.firstDirtyOffset > firstDirtyOffset);
      this.#flushedOffset = Math.max(this.#flushedOffset, this.#log.flushedOffset);
    }
    assertEquals(this.#log.logStartOffset, logStartOffset);
    assertEquals(this.#log.logEndOffset, logEndOffset);
    await this.#verify(this.#log);
  }

  /** Cleans, and checks the state after a crash before each change of the file system. */
  async #cleanWithCrashes(): Promise<void> {
    const crashes: [MemoryFileSystem, flushedOffset: number][] = [];
    const onChange = () => {
      const flushedOffset = Math.max(this.#flushedOffset, this.#log.flushedOffset);
      crashes.push([this.#fs.clone({ unsynced: "kept" }), Infinity]);
      crashes.push([this.#fs.clone({ unsynced: "lost" }), flushedOffset]);
      const random = () => this.#random.next();
      crashes.push([this.#fs.clone({ unsynced: "mixed", random }), flushedOffset]);
    };
    this.#watched.onAppend = onChange;
    this.#watched.onSync = onChange;
    this.#watched.onCreate = onChange;
    this.#watched.onTruncate = onChange;
    this.#watched.onRename = onChange;
    this.#watched.onRemove = onChange;
    await this.#clean();
    onChange();
    this.#watched.onAppend = this.#watched.onSync = this.#watched.onCreate = () => {};
    this.#watched.onTruncate = this.#watched.onRename = this.#watched.onRemove = () => {};
    for (const [fs, flushedOffset] of crashes) {
      const [directory, log] = await this.#open(fs);
      assert(log.logEndOffset >= Math.min(flushedOffset, this.#log.logEndOffset));
      assert(log.logStartOffset === 0 || flushedOffset === 0);
      await this.#verify(log);
      this.#verifyProducers(log);
      if (this.#random.below(4) === 0) {
        await log.clean({ nowMs: this.#nowMs, maxOffset: Infinity, dedupeBytes: 1 << 16 });
        await this.#verify(log);
      }
      await directory.close();
    }
  }

  async #restart(): Promise<void> {
    const kind = this.#random.pick(["clean", "kill", "snapshots lost"] as const);
    const fs = kind === "clean" ? this.#fs : this.#fs.clone({ unsynced: "kept" });
    await this.#directory.close();
    if (kind === "snapshots lost") {
      for (const { name } of fs.readDirSync(`/data/${NAME}`)) {
        if (name.endsWith(".snapshot")) fs.removeSync(`/data/${NAME}/${name}`);
      }
    }
    const { logEndOffset } = this.#log;
    this.#fs = fs;
    this.#watched = new WatchedFileSystem(fs);
    [this.#directory, this.#log] = await this.#open(this.#watched);
    assertEquals(this.#log.logEndOffset, logEndOffset);
    this.#verifyProducers(this.#log);
  }

  /** Producers whose last batch exists, without those that wrote after the crash. */
  #verifyProducers(log: Log): void {
    if (log.logEndOffset < this.#log.logEndOffset || log.logStartOffset > 0) return;
    for (const [producerId, nextSequence] of this.#nextSequences) {
      assertEquals(log.producers.get(producerId)?.lastSequence, nextSequence - 1);
    }
    const open = this.#records.find(({ outcome }) => outcome === "open");
    assertEquals(log.oldestOpenTransaction()?.firstOffset, open?.offset);
  }

  async #verify(log: Log): Promise<void> {
    const found = await foundIn(log);
    this.#verifyRecords(log, found);
    await assertTransactions(log, true);
    this.#verifyReadCommitted(log, found);
    let previous = -1;
    for (const batch of await batchesOf(log)) {
      assert(batch.baseOffset > previous);
      previous = batch.lastOffset;
    }
    const { logStartOffset, logEndOffset } = log;
    const offset = logStartOffset + this.#random.below(logEndOffset - logStartOffset + 1);
    const rest = found.filter((record) => record.offset >= offset);
    assertEquals(await foundIn(log, offset, 1 + this.#random.below(500)), rest);
    const timestamp = NOW_MS + this.#random.below(this.#nowMs - NOW_MS + 60);
    const first = found.find((record) => record.timestamp >= timestamp);
    const byTime = await log.offsetForTimestamp(timestamp);
    if (byTime?.offset !== first?.offset) {
      // Markers have timestamps too.
      const offsets = found.map(({ offset }) => offset);
      assert(byTime !== undefined && !offsets.includes(byTime.offset));
      assert(first === undefined || byTime.offset < first.offset);
    }
  }

  /**
   * A consumer of committed records sees exactly those, below the last stable offset: skipping by the list
   * of aborted transactions, whatever was cleaned.
   */
  #verifyReadCommitted(log: Log, found: readonly FoundRecord[]): void {
    const { logStartOffset, logEndOffset } = log;
    const stableOffset = log.firstUnstableOffset(logEndOffset) ?? logEndOffset;
    const from = logStartOffset + this.#random.below(stableOffset - logStartOffset + 1);
    const aborted = log.abortedTransactions(from, stableOffset);
    const appended = new Map(this.#records.map((record) => [record.offset, record]));
    for (const { offset } of found) {
      if (offset < from || offset >= stableOffset) continue;
      const producerId = this.#producerOf(offset);
      const isSkipped = aborted.some((each) => {
        return each.producerId === producerId && each.firstOffset <= offset &&
          offset < each.lastOffset;
      });
      assertEquals(isSkipped, appended.get(offset)!.outcome === "aborted", `record ${offset}`);
    }
  }

  #producerOf(offset: number): number {
    return this.#producers.findLast(([firstOffset]) => firstOffset <= offset)![1];
  }

  #verifyRecords(log: Log, found: readonly FoundRecord[]): void {
    const appended = new Map(this.#records.map((record) => [record.offset, record]));
    const expected = new Map<string, ModelRecord>();
    for (const record of this.#records) {
      if (record.outcome !== "committed" || record.offset < log.logStartOffset) continue;
      if (record.offset < log.logEndOffset) expected.set(record.key, record);
    }
    const last = new Map<string, FoundRecord>();
    const cleaned = new Map<string, number>();
    for (const record of found) {
      const { outcome, ...original } = appended.get(record.offset)!;
      assertEquals(record, original);
      if (outcome !== "committed") {
        assert(record.offset >= log.firstDirtyOffset, `${record.offset} was ${outcome}`);
        continue;
      }
      last.set(record.key, record);
      if (record.offset >= log.firstDirtyOffset) continue;
      assertEquals(cleaned.get(record.key), undefined, `${record.key} is there twice`);
      cleaned.set(record.key, record.offset);
    }
    for (const [key, { offset, value, timestamp }] of expected) {
      const record = last.get(key);
      // It is removed no earlier than this time after the first pass over it.
      const mayBeGone = value === null && offset < log.firstDirtyOffset &&
        this.#nowMs >= timestamp - 50 + DELETE_RETENTION_MS;
      if (record === undefined) assert(mayBeGone, `${key} at ${offset} is gone`);
      else assertEquals(record.offset, offset);
    }
  }
}

Deno.test("Log.clean() agrees with a model of it, in random steps with crashes", async (t) => {
  await eachSeed(t, 3, (seed) => new Simulation(seed).run(60));
});
