/**
 * The new records of some partitions, read and made into text once for all their readers.
 *
 * Every 50 ms what has arrived becomes a chunk in a ring. Readers take chunks at their own speed; one that
 * is slower than the ring is told what it missed. So memory depends on the number of tails, not on that of
 * readers or on how slow they are.
 *
 * @module
 */

import type { Client, Consumer, IsolationLevel, Message } from "../../../client/mod.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import type { Clock } from "../../time/clock.ts";
import { pause } from "../../time/pause.ts";
import { HttpError } from "../http_error.ts";
import { formatEventId, type Positions } from "./positions.ts";
import type { Predicate } from "./cel_filter.ts";
import type { Condition } from "./record_filter.ts";
import { recordJson, type StreamFormat, type StreamRecord } from "./stream_event.ts";
import type { ValueMode } from "./stream_query.ts";

/** How long records are collected for one chunk. */
const TICK_MS = 50;
/** Most records of a chunk. */
const MAX_RECORDS = 2000;
/** How much of the past a ring keeps. */
const MAX_AGE_MS = 2000;
const MAX_BYTES = 4 * 1024 * 1024;
const PREFETCH_BYTES = 4 * 1024 * 1024;
/** How long to wait for records before a look at whether the topic is still there. */
const POLL_MS = 1000;
/** How long records are made into text at once. */
const SLICE_MS = 4;
/** Readers that are woken in one turn of the event loop. */
const WAKE_COUNT = 100;

/** What a tail reads. */
export interface TailSource {
  readonly topic: string;
  readonly topicId: string;
  /** Undefined for all, those that are added later too. */
  readonly partitions: readonly number[] | undefined;
  readonly conditions: readonly Condition[];
  readonly value: ValueMode;
  readonly isolation: IsolationLevel;
}

/** Records that arrived together. */
export class TailChunk {
  readonly sequence: number;
  readonly madeMs: number;
  /** The positions before and after it. */
  readonly before: Positions;
  readonly after: Positions;
  readonly records: readonly StreamRecord[];
  /** Number of records that were read for it, whether they match or not. */
  readonly scanned: number;
  /** Approximate memory. */
  readonly sizeInBytes: number;
  readonly #texts: Map<string, Uint8Array<ArrayBuffer>> = new Map();

  constructor(
    fields: Pick<
      TailChunk,
      "sequence" | "madeMs" | "before" | "after" | "records" | "scanned"
    >,
  ) {
    this.sequence = fields.sequence;
    this.madeMs = fields.madeMs;
    this.before = fields.before;
    this.after = fields.after;
    this.records = fields.records;
    this.scanned = fields.scanned;
    // The text and one or two forms of it.
    this.sizeInBytes = this.records.reduce((sum, { json }) => sum + 3 * json.length, 0);
  }

  /** Its records in a format, made once. */
  text(format: StreamFormat): Uint8Array<ArrayBuffer> {
    let text = this.#texts.get(format.name);
    if (text === undefined) this.#texts.set(format.name, text = format.records(this.records));
    return text;
  }
}

/** Bounds the memory of all rings. */
export interface RingMemory {
  /** Called when a ring has grown by so many bytes, or shrunk. */
  changed(bytes: number): void;
}

/** Reads new records. */
export class Tail {
  readonly source: TailSource;
  readonly #clock: Clock;
  readonly #memory: RingMemory;
  readonly #consumer: Consumer;
  readonly #isThere: () => boolean;
  readonly #isWanted: Predicate;
  readonly #closing = new AbortController();
  readonly #partitions: number[] = [];
  readonly #indexes: Map<number, number> = new Map();
  #ring: TailChunk[] = [];
  #sequence = 0;
  #bytes = 0;
  readonly #positions: number[] = [];
  #readers = 0;
  #waiting: Set<() => void> = new Set();
  #failure: unknown;
  #running: Promise<void> | undefined;
  #ready: Promise<void>;

  /**
   * @param isWanted Whether a record fulfils the conditions.
   * @param isThere Whether the topic still exists.
   */
  constructor(
    source: TailSource,
    isWanted: Predicate,
    client: Client,
    clock: Clock,
    memory: RingMemory,
    isThere: () => boolean,
  ) {
    this.source = source;
    this.#clock = clock;
    this.#memory = memory;
    this.#isThere = isThere;
    this.#isWanted = isWanted;
    this.#consumer = client.consumer({
      prefetchBytes: PREFETCH_BYTES,
      autoOffsetReset: "latest",
      isolation: source.isolation,
    });
    this.#ready = this.#start();
    this.#ready.catch((error) => this.#fail(error));
  }

  /** Number of readers. */
  get readerCount(): number {
    return this.#readers;
  }

  /** Memory of its ring. */
  get sizeInBytes(): number {
    return this.#bytes;
  }

  /** Its partitions, known when it is ready. Others are only ever added at the end. */
  get partitions(): readonly number[] {
    return this.#partitions;
  }

  /** Resolves when it has begun to read. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Adds a reader. */
  join(): void {
    this.#readers++;
  }

  /** Removes a reader. */
  leave(): void {
    this.#readers--;
  }

  /** The positions from which everything is in the ring. */
  get start(): Positions {
    return this.#ring[0]?.before ?? this.#positions;
  }

  /** The chunk after a sequence number, or the first one if that is gone; undefined if there is none. */
  after(sequence: number): TailChunk | undefined {
    const first = this.#ring[0];
    if (first === undefined) return undefined;
    return this.#ring[Math.max(0, sequence + 1 - first.sequence)];
  }

  /**
   * Resolves when there is a chunk after a sequence number.
   *
   * @throws {Error} What the tail failed with, or the signal's reason.
   */
  async waitAfter(sequence: number, signal: AbortSignal): Promise<void> {
    while (this.after(sequence) === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener("abort", wake);
      });
    }
  }

  /** Drops the oldest chunk, to save memory. */
  dropOldest(): void {
    const chunk = this.#ring.shift();
    if (chunk !== undefined) this.#grow(-chunk.sizeInBytes);
  }

  /** Stops reading. */
  async close(): Promise<void> {
    this.#closing.abort(new DOMException("The tail is closed", "AbortError"));
    await this.#consumer.close();
    await this.#running;
    while (this.#ring.length > 0) this.dropOldest();
  }

  async #start(): Promise<void> {
    const { topic, partitions } = this.source;
    const { signal } = this.#closing;
    await this.#consumer.subscribe(topic, { from: "latest", signal });
    const all = this.#consumer.assignment.map(({ partition }) => partition).sort((a, b) => a - b);
    const wanted = new Set(partitions ?? all);
    for (const partition of all) {
      if (!wanted.has(partition)) this.#consumer.pause(topic, partition);
    }
    for (const partition of wanted) {
      this.#add(partition, this.#consumer.position(topic, partition) ?? 0);
    }
    this.#running = this.#run().catch((error) => this.#fail(error));
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const messages = await this.#consumer.poll(MAX_RECORDS, { timeoutMs: POLL_MS, signal });
      if (messages.length > 0) await this.#publish(messages);
      else if (!this.#isThere()) {
        throw new HttpError(404, `Topic "${this.source.topic}" is deleted`, { errorCode: 40403 });
      }
      this.#dropOld();
      // Lets records collect.
      if (messages.length < MAX_RECORDS) await pause(this.#clock, TICK_MS, this.#closing.signal);
    }
  }

  async #publish(messages: readonly Message[]): Promise<void> {
    const { value } = this.source;
    for (const { partition } of messages) this.#discover(partition);
    const before = [...this.#positions];
    const records: StreamRecord[] = [];
    const slice = new TimeSlice(SLICE_MS);
    for (const message of messages) {
      const at = this.#indexes.get(message.partition);
      if (at === undefined) continue;
      this.#positions[at] = message.offset + 1;
      if (slice.isOver) await slice.pause();
      if (!this.#isWanted(message)) continue;
      const id = formatEventId(this.#partitions, this.#positions);
      records.push({ at, offset: message.offset, json: recordJson(message, value), id });
    }
    const chunk = new TailChunk({
      sequence: this.#sequence++,
      madeMs: this.#clock.monotonic(),
      before,
      after: [...this.#positions],
      records,
      scanned: messages.length,
    });
    this.#ring.push(chunk);
    this.#grow(chunk.sizeInBytes);
    await this.#wake();
  }

  /** Takes notice of a partition that was added to the topic. */
  #discover(partition: number): void {
    if (this.#indexes.has(partition)) return;
    const { topic, partitions } = this.source;
    if (partitions !== undefined) return this.#consumer.pause(topic, partition);
    // The consumer reads it from its start. Those before it were added together with it.
    while (this.#partitions.length <= partition) this.#add(this.#partitions.length, 0);
  }

  #add(partition: number, position: number): void {
    this.#indexes.set(partition, this.#partitions.length);
    this.#partitions.push(partition);
    this.#positions.push(position);
  }

  async #wake(): Promise<void> {
    let count = 0;
    for (const wake of [...this.#waiting]) {
      wake();
      if (++count % WAKE_COUNT === 0) await this.#clock.yield();
    }
  }

  #dropOld(): void {
    const oldestMs = this.#clock.monotonic() - MAX_AGE_MS;
    while (this.#ring.length > 1 && (this.#ring[0]!.madeMs < oldestMs || this.#bytes > MAX_BYTES)) {
      this.dropOldest();
    }
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    this.#memory.changed(bytes);
  }

  #fail(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    this.#failure = error;
    for (const wake of [...this.#waiting]) wake();
  }
}
