/**
 * The cluster metadata of a single broker, stored in a log of our own storage engine:
 * `__cluster_metadata-0`.
 *
 * Each record is a change: a key and its value, or null. A header, "revision", has the commit's
 * number in decimal, and "created" that of the commit that created the key, if it was an earlier
 * one. A commit is one record batch, so a crash keeps all of it or nothing. It is flushed before it
 * is acknowledged or visible; concurrent commits share a flush.
 *
 * When the log has several times as many records as keys, it is rewritten: all keys are appended
 * again and the records before are deleted. The new records only repeat the current state, so a
 * crash at any point leaves a log with the same content. The first of them has an empty key and
 * preserves the revision, so that the numbers of commits without a remaining record are not reused.
 *
 * The data folder's lock excludes other brokers, so a session needs no clock: it ends with its
 * holder. Keys of a session that ends with the store are kept, because the next broker that opens
 * the folder is the same one.
 *
 * @module
 */

import { LinkedSignal } from "../../protocol/linked_signal.ts";
import { RecordBatch, RecordBatchBuilder, recordBatches } from "../../protocol/records/mod.ts";
import { StorageError } from "../../storage/errors.ts";
import { FileSystemError } from "../../storage/file_system/file_system.ts";
import type { Log } from "../../storage/log.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../storage/log/log_config.ts";
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

/** Options of {@linkcode LocalMetadataStore.open}. */
export interface LocalMetadataStoreOptions {
  readonly clock: Clock;
  /** Number of records below which the log is not rewritten. Default: 1000. */
  readonly minRecordsToCompact?: number;
  /** Size of the log's segments, the unit of deletion. Default: 8 MiB. */
  readonly segmentBytes?: number;
}

/** Name of the log in the data folder, as in Kafka. */
export const METADATA_LOG_NAME = "__cluster_metadata-0";

const SEGMENT_BYTES = 8 * 1024 * 1024;

/** Segments are only deleted by rewrites, and then immediately. */
const LOG_CONFIG: LogConfig = {
  ...DEFAULT_LOG_CONFIG,
  retentionMs: -1,
  retentionBytes: -1,
  fileDeleteDelayMs: 0,
};

/** The log is rewritten when its records are this many times its keys. */
const COMPACTION_RATIO = 4;
const MIN_RECORDS_TO_COMPACT = 1000;
/** Approximate batch size of a rewrite. */
const REWRITE_BATCH_BYTES = 64 * 1024;
const READ_BYTES = 1024 * 1024;
/** Commits kept for watchers. */
const MAX_HISTORY = 1024;
const LEADER_EPOCH = 0;

/** A metadata store backed by a log. */
export class LocalMetadataStore implements MetadataStore {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #minRecordsToCompact: number;
  readonly #entries: Map<string, MetadataEntry> = new Map();
  readonly #sessions: Set<LocalSession> = new Set();
  /** Commits on disk, oldest first. */
  #history: MetadataEvent[] = [];
  /** Commits appended but not yet flushed. */
  #unflushed: MetadataEvent[] = [];
  /** Revision of the last appended commit. */
  #revision = 0;
  /** Revision of the last flushed commit. */
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

  /** Opens a store on a log, which the store then owns and configures. */
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
      // The error reveals the current state, which must be on disk first.
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
    using linked = new LinkedSignal(signal, this.#closing.signal);
    const ended = linked.signal;
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
    // Records left by a crash may be only in memory; they must be flushed before they are visible.
    if (this.#log.flushedOffset < logEndOffset) await this.#log.flush();
    this.#published = this.#revision;
  }

  #apply(batch: RecordBatch, logStartOffset: number): void {
    for (const { key, value, ...record } of metadataRecords(batch, logStartOffset)) {
      const { revision } = record;
      this.#recordCount++;
      this.#revision = Math.max(this.#revision, revision);
      if (key === REVISION_KEY) continue;
      // The record's value is a view of a larger buffer.
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

  /** Resolves when all appended commits are flushed and visible to watchers. */
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
        // The next commit reports any persistent failure; a full disk may recover.
        const isOfStorage = error instanceof StorageError || error instanceof FileSystemError;
        if (!isOfStorage) this.#failure ??= error;
      })
      .finally(() => this.#compacting = undefined);
  }

  /** Commits may happen concurrently; each key is written with its value at that time. */
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

/** A session that only ends with `end()` or with the store. */
class LocalSession implements MetadataSession {
  readonly name = "local";
  /** Keys set with this session. */
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
