/**
 * Cluster metadata of a single broker, in a log of our own storage engine: `__cluster_metadata-0`.
 *
 * Each record is a change: the key, and the value or null. A header, "revision", has the number of
 * its commit as decimal digits, and "created" that of the commit that created the key, if earlier. A commit is one record batch, so a crash leaves all of it or nothing,
 * and it is on disk before it is acknowledged or seen; commits made at the same time share a flush.
 *
 * The log is kept in proportion to what is in it: when it has several times as many records as there
 * are keys, all keys are written anew at its end, and what lies before is deleted. Those records say
 * nothing that was not so already, so a crash at any point of this leaves a log that reads the same.
 * A record with an empty key comes first among them, for its revision: numbers of commits that have
 * left no other trace are not given again.
 *
 * The data folder's lock keeps other brokers away, so a session needs no clock: its holder cannot
 * outlive it, nor be cut off from it. Keys of a session that ends with the store stay, for the next
 * broker that opens the folder is the same one.
 *
 * @module
 */

import { RecordBatch, RecordBatchBuilder, recordBatches } from "../../protocol/records/mod.ts";
import {
  DEFAULT_LOG_CONFIG,
  FileSystemError,
  type Log,
  type LogConfig,
  StorageError,
} from "../../storage/mod.ts";
import type { Clock } from "../time/clock.ts";
import {
  CREATED_HEADER,
  metadataRecords,
  REVISION_HEADER,
  REVISION_KEY,
} from "./metadata_records.ts";
import {
  type AbortOptions,
  checkCommitSize,
  type CommitOptions,
  MAX_COMMIT_CHANGES,
  type MetadataChange,
  type MetadataEntry,
  type MetadataEvent,
  type MetadataExpectation,
  type MetadataLogState,
  type MetadataSession,
  type MetadataSnapshot,
  type MetadataStore,
  MetadataStoreClosedError,
  RevisionCompactedError,
  RevisionConflictError,
} from "./metadata_store.ts";

/** How the log is to be kept. */
export interface LocalMetadataStoreOptions {
  readonly clock: Clock;
  /** Records below which the log is not rewritten. Default: 1000. */
  readonly minRecordsToCompact?: number;
  /** Size of the log's segments, which are deleted whole. Default: 8 MiB. */
  readonly segmentBytes?: number;
}

/** Name of the log in the data folder; Kafka has its metadata under the same. */
export const METADATA_LOG_NAME = "__cluster_metadata-0";

const SEGMENT_BYTES = 8 * 1024 * 1024;

/** Only a rewrite deletes anything, and at once. */
const LOG_CONFIG: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  retentionMs: -1,
  retentionBytes: -1,
  fileDeleteDelayMs: 0,
};

/** The log is rewritten when it has this many times as many records as there are keys. */
const COMPACTION_RATIO = 4;
const MIN_RECORDS_TO_COMPACT = 1000;
/** Records are rewritten in batches of about this size. */
const REWRITE_BATCH_BYTES = 64 * 1024;
const READ_BYTES = 1024 * 1024;
/** Commits kept for those who watch. */
const MAX_HISTORY = 1024;
const LEADER_EPOCH = 0;

/** Metadata in a log. */
export class LocalMetadataStore implements MetadataStore {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #minRecordsToCompact: number;
  readonly #entries: Map<string, MetadataEntry> = new Map();
  readonly #sessions: Set<LocalSession> = new Set();
  /** Commits that are on disk, oldest first. */
  #history: MetadataEvent[] = [];
  /** Commits that are appended and not yet on disk. */
  #unflushed: MetadataEvent[] = [];
  /** The last commit appended. */
  #revision = 0;
  /** The last commit that is on disk. */
  #published = 0;
  #recordCount = 0;
  #compacting: Promise<void> | undefined;
  #failure: unknown;
  readonly #closing = new AbortController();
  readonly #watchers: Set<() => void> = new Set();

  private constructor(log: Log, options: LocalMetadataStoreOptions) {
    this.#log = log;
    this.#clock = options.clock;
    this.#minRecordsToCompact = options.minRecordsToCompact ?? MIN_RECORDS_TO_COMPACT;
  }

  /** Reads the log, which the store has to itself from then on, and whose settings it sets. */
  static async open(log: Log, options: LocalMetadataStoreOptions): Promise<LocalMetadataStore> {
    const { segmentBytes = SEGMENT_BYTES } = options;
    log.updateConfig({ ...LOG_CONFIG, segmentBytes });
    const store = new LocalMetadataStore(log, options);
    await store.#load();
    return store;
  }

  get logState(): MetadataLogState {
    const { latestEpoch, logEndOffset, flushedOffset } = this.#log;
    return { leaderEpoch: Math.max(latestEpoch, 0), logEndOffset, highWatermark: flushedOffset };
  }

  async read(): Promise<MetadataSnapshot> {
    this.#ensureOpen();
    if (this.#unflushed.length > 0) await this.#flush();
    return { revision: this.#revision, entries: new Map(this.#entries) };
  }

  async get(key: string): Promise<MetadataEntry | undefined> {
    this.#ensureOpen();
    if (this.#unflushed.length > 0) await this.#flush();
    return this.#entries.get(key);
  }

  async commit(
    changes: readonly MetadataChange[],
    { expect = [] }: CommitOptions = {},
  ): Promise<number> {
    this.#ensureOpen();
    checkCommitSize(changes, expect);
    const conflict = this.#conflictWith(expect);
    if (conflict !== undefined) {
      // It shows what is there, which must be on disk before.
      if (this.#unflushed.length > 0) await this.#flush();
      throw conflict;
    }
    const revision = this.#append(changes);
    if (revision === 0) return 0;
    await this.#flush();
    this.#startCompaction();
    return revision;
  }

  async *watch(from: number, { signal }: AbortOptions): AsyncGenerator<MetadataEvent, void> {
    const ended = signal === undefined
      ? this.#closing.signal
      : AbortSignal.any([signal, this.#closing.signal]);
    let wake = () => {};
    const onNews = () => wake();
    this.#watchers.add(onNews);
    ended.addEventListener("abort", onNews);
    try {
      for (let next = from + 1; !ended.aborted;) {
        const event = this.#eventAt(next);
        if (event === undefined) await new Promise<void>((resolve) => wake = resolve);
        else {
          yield event;
          next++;
        }
      }
    } finally {
      this.#watchers.delete(onNews);
      ended.removeEventListener("abort", onNews);
    }
  }

  session(_ttlMs: number): Promise<MetadataSession> {
    this.#ensureOpen();
    const session = new LocalSession(async () => {
      this.#sessions.delete(session);
      if (this.#closing.signal.aborted) return;
      const keys = [...session.keys].filter((key) => this.#entries.has(key));
      for (let i = 0; i < keys.length; i += MAX_COMMIT_CHANGES) {
        const changes = keys.slice(i, i + MAX_COMMIT_CHANGES).map((key) => ({ key, value: null }));
        await this.commit(changes);
      }
    });
    this.#sessions.add(session);
    return Promise.resolve(session);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    for (const session of [...this.#sessions]) await session.end();
    await this.#compacting;
  }

  async #load(): Promise<void> {
    const { logStartOffset, logEndOffset } = this.#log;
    for (let offset = logStartOffset; offset < logEndOffset;) {
      const { chunks, nextOffset } = await this.#log.read(offset, {
        maxBytes: READ_BYTES,
        maxOffset: logEndOffset,
        minOneBatch: true,
      });
      for (const chunk of chunks) {
        for (const batch of recordBatches(chunk)) this.#apply(batch, logStartOffset);
      }
      if (nextOffset <= offset) break;
      offset = nextOffset;
    }
    // What a crash has left may be in memory only, and must not be shown before it is on disk.
    if (this.#log.flushedOffset < logEndOffset) await this.#log.flush();
    this.#published = this.#revision;
  }

  #apply(batch: RecordBatch, logStartOffset: number): void {
    for (const { key, value, ...record } of metadataRecords(batch, logStartOffset)) {
      const { revision } = record;
      this.#recordCount++;
      this.#revision = Math.max(this.#revision, revision);
      if (key === REVISION_KEY) continue;
      // What is read is a view of more than is kept.
      if (value === null) this.#entries.delete(key);
      else {
        const created = record.created ?? this.#entries.get(key)?.created ?? revision;
        this.#entries.set(key, { value: value.slice(), revision, created });
      }
    }
  }

  #conflictWith(expect: readonly MetadataExpectation[]): RevisionConflictError | undefined {
    for (const expectation of expect) {
      const current = this.#entries.get(expectation.key);
      if ((current?.revision ?? 0) === expectation.revision) continue;
      return new RevisionConflictError(expectation, current, this.#revision);
    }
    return undefined;
  }

  /** Returns the revision; 0 if there is nothing to change. */
  #append(changes: readonly MetadataChange[]): number {
    const revision = this.#revision + 1;
    const made = new Map<string, MetadataEntry | undefined>();
    for (const change of changes) {
      for (const key of this.#keysOf(change)) {
        const current = this.#entries.get(key);
        const { value } = change;
        if (value === null && current === undefined) continue;
        const created = current?.created ?? revision;
        made.set(key, value === null ? undefined : { value, revision, created });
      }
    }
    if (made.size === 0) return 0;
    const builder = new RecordBatchBuilder();
    for (const [key, entry] of made) this.#addRecord(builder, key, entry, revision);
    this.#write(builder);
    this.#revision = revision;
    for (const [key, entry] of made) {
      if (entry === undefined) this.#entries.delete(key);
      else this.#entries.set(key, entry);
      for (const session of this.#sessions) session.keys.delete(key);
    }
    for (const change of changes) {
      if ("key" in change && change.session instanceof LocalSession) {
        change.session.keys.add(change.key);
      }
    }
    const events = Array.from(made, ([key, entry]) => ({ key, entry }));
    this.#unflushed.push({ revision, changes: events });
    return revision;
  }

  #keysOf(change: MetadataChange): Iterable<string> {
    return "prefix" in change
      ? this.#entries.keys().filter((key) => key.startsWith(change.prefix))
      : [change.key];
  }

  #addRecord(
    builder: RecordBatchBuilder,
    key: string,
    entry: MetadataEntry | undefined,
    revision: number,
  ): void {
    const headers = [{ key: REVISION_HEADER, value: String(revision) }];
    if (entry !== undefined && entry.created !== revision) {
      headers.push({ key: CREATED_HEADER, value: String(entry.created) });
    }
    builder.append(this.#clock.now(), key, entry?.value ?? null, headers);
  }

  #write(builder: RecordBatchBuilder): void {
    if (builder.recordCount === 0) return;
    const batch = new RecordBatch(builder.build());
    const nowMs = this.#clock.now();
    this.#log.append(batch, { leaderEpoch: LEADER_EPOCH, nowMs, origin: "coordinator" });
    this.#recordCount += builder.recordCount;
  }

  /** Resolves when all that is appended is on disk, and has been shown to those who watch. */
  async #flush(): Promise<void> {
    const revision = this.#revision;
    try {
      await this.#log.flush();
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
    this.#publish(revision);
  }

  #publish(revision: number): void {
    if (revision <= this.#published) return;
    const count = revision - this.#published;
    this.#history.push(...this.#unflushed.splice(0, count));
    if (this.#history.length > MAX_HISTORY) this.#history = this.#history.slice(-MAX_HISTORY);
    this.#published = revision;
    for (const wake of this.#watchers) wake();
  }

  /** @throws {RevisionCompactedError} If the commit is no longer in the history. */
  #eventAt(revision: number): MetadataEvent | undefined {
    if (revision > this.#published) return undefined;
    const event = this.#history[this.#history.length - 1 - (this.#published - revision)];
    if (event === undefined) {
      throw new RevisionCompactedError(
        revision - 1,
        this.#history[0]?.revision ?? this.#published + 1,
      );
    }
    return event;
  }

  #startCompaction(): void {
    const limit = Math.max(this.#minRecordsToCompact, this.#entries.size * COMPACTION_RATIO);
    if (this.#recordCount <= limit || this.#compacting !== undefined) return;
    this.#compacting = this.#compact()
      .catch((error) => {
        // A full disk passes, and any other failure of the log the next commit meets as well.
        const isOfStorage = error instanceof StorageError || error instanceof FileSystemError;
        if (!isOfStorage) this.#failure ??= error;
      })
      .finally(() => this.#compacting = undefined);
  }

  /** Commits may come in between; each key is written as it is at that moment. */
  async #compact(): Promise<void> {
    const startOffset = this.#log.logEndOffset;
    const recordsBefore = this.#recordCount;
    let builder = new RecordBatchBuilder();
    this.#addRecord(builder, REVISION_KEY, undefined, this.#revision);
    for (const key of [...this.#entries.keys()]) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) this.#addRecord(builder, key, entry, entry.revision);
      if (builder.estimatedSizeInBytes < REWRITE_BATCH_BYTES) continue;
      this.#write(builder);
      builder = new RecordBatchBuilder();
      await this.#clock.yield();
      if (this.#closing.signal.aborted) return;
    }
    this.#write(builder);
    await this.#log.flush();
    this.#log.deleteRecordsBefore(startOffset);
    this.#recordCount -= recordsBefore;
    const nowMs = this.#clock.now();
    await this.#log.applyRetention(nowMs);
    await this.#log.removeDeleted(nowMs);
  }

  #ensureOpen(): void {
    if (this.#failure !== undefined) {
      throw new MetadataStoreClosedError("Cannot use metadata: its log could not be written", {
        cause: this.#failure,
      });
    }
    if (this.#closing.signal.aborted) {
      throw new MetadataStoreClosedError("Cannot use metadata: the store is closed");
    }
  }
}

/** A session that ends by nothing but its end, or the store's. */
class LocalSession implements MetadataSession {
  /** Keys set with it. */
  readonly keys: Set<string> = new Set();
  readonly #lost: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #onEnd: () => Promise<void>;
  #hasEnded = false;

  constructor(onEnd: () => Promise<void>) {
    this.#onEnd = onEnd;
  }

  get deadline(): number {
    return this.#hasEnded ? -Infinity : Infinity;
  }

  get isCertain(): boolean {
    return !this.#hasEnded;
  }

  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  confirm(): Promise<boolean> {
    return Promise.resolve(!this.#hasEnded);
  }

  async end(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#lost.resolve();
    await this.#onEnd();
  }
}
