/**
 * One reader of a stream: what it gets, from its first event to its last.
 *
 * It first reads what is there by itself, in small fetches, and joins the tail of its partitions when it
 * has caught up. One that ends (a range, a limit) never joins.
 *
 * @module
 */

import type { Message } from "../../../client/mod.ts";
import { partitionRanges } from "../../../client/text/partition_ranges.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import type { GapReason } from "../http_counters.ts";
import { HttpError } from "../http_error.ts";
import type { RestContext } from "../rest/call.ts";
import { problemOf } from "../rest/problem.ts";
import { knownTopic, noPartition, noTopic } from "../rest/topics.ts";
import { Pace } from "./pace.ts";
import { formatEndId, formatEventId, MAX_PARTITIONS, parseEventId } from "./positions.ts";
import type { Predicate } from "./cel_filter.ts";
import { compileConditions } from "./record_filter.ts";
import {
  recordJson,
  type StreamFormat,
  type StreamNotice,
  type StreamRecord,
} from "./stream_event.ts";
import type { StreamQuery } from "./stream_query.ts";
import type { StreamLimits } from "./stream_limits.ts";
import type { Tails } from "./tails.ts";

/** Most records of one event, and most bytes of a fetch, while catching up. */
const MAX_RECORDS = 500;
const FETCH_BYTES = 256 * 1024;
/** How often a stream without matching records says how far it is. */
const PROGRESS_MS = 1000;
const SLICE_MS = 4;
const TOO_SLOW = 40801;

/** What a session needs. */
export interface SessionOptions {
  readonly topic: string;
  readonly query: StreamQuery;
  readonly context: RestContext;
  readonly tails: Tails;
  readonly limits: StreamLimits;
  readonly format: StreamFormat;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** A reader. */
export class StreamSession {
  readonly #options: SessionOptions;
  readonly #topicId: string;
  readonly #isWanted: Predicate;
  /** Those that are added to the topic come at the end. */
  readonly #partitions: number[];
  readonly #positions: number[];
  /** The end of each partition when the session began. */
  readonly #ends: number[];
  /** Where each partition ends for this reader; undefined if it does not end. */
  readonly #until: readonly number[] | undefined;
  readonly #gaps: readonly StreamNotice[];
  /** Undefined if it may go as fast as it can. */
  readonly #pace: Pace | undefined;
  #left: number;
  #scanned = 0;
  #matched = 0;
  /** Records that the filter could not be evaluated for. */
  #skipped = 0;
  #progressMs: number;
  #isCaughtUp = false;

  private constructor(
    options: SessionOptions,
    topicId: string,
    partitions: readonly number[],
    start: Start,
    isWanted: Predicate,
  ) {
    this.#options = options;
    this.#isWanted = isWanted;
    this.#topicId = topicId;
    this.#partitions = [...partitions];
    this.#positions = [...start.positions];
    this.#ends = [...start.ends];
    this.#until = start.until;
    this.#gaps = start.gaps;
    this.#left = options.query.limit;
    const { streamRate, broker: { clock } } = options.context;
    const rate = Math.min(options.query.rate, streamRate);
    this.#pace = rate === Infinity ? undefined : new Pace(rate, clock);
    this.#progressMs = options.context.broker.clock.monotonic();
  }

  /**
   * Looks up where the reader begins.
   *
   * @throws {HttpError} 404 if there is no such topic or partition, 400 if the position is invalid.
   */
  static async open(options: SessionOptions): Promise<StreamSession> {
    const { topic, query, context } = options;
    const found = knownTopic(context, topic);
    if (found === undefined) throw noTopic(topic);
    const count = found.state.partitions.length;
    const partitions = query.partitions ?? Array.from({ length: count }, (_, i) => i);
    const missing = partitions.find((partition) => partition >= count);
    if (missing !== undefined) throw noPartition(topic, missing);
    if (partitions.length > MAX_PARTITIONS) throw tooManyPartitions();
    let onSkipped = () => {};
    const isWanted = await compileConditions(query.conditions, () => onSkipped());
    const start = await startOf(options, partitions);
    const session = new StreamSession(options, found.id, partitions, start, isWanted);
    onSkipped = () => session.#skipped++;
    return session;
  }

  /**
   * The text of its events. Each is made when the reader has taken the one before.
   *
   * @param signal Ends it.
   */
  async *events(signal: AbortSignal): AsyncGenerator<Bytes, void> {
    const { query, format, limits: { counters } } = this.#options;
    try {
      for (const gap of this.#gaps) {
        counters.gaps[gap.data.reason as GapReason]++;
        yield format.notice(gap);
      }
      // A reader at the end knows its place even if the connection is cut before the first record.
      if (query.isFromEnd && query.lastEventId === undefined) yield this.#progress();
      const isFinite = this.#until !== undefined || query.limit < Number.MAX_SAFE_INTEGER;
      if (isFinite) yield* this.#readOn(signal);
      else yield* this.#follow(signal);
      yield format.notice({
        name: "end",
        data: { matched: this.#matched, scanned: this.#scanned, ...this.#skippedCount() },
        id: formatEndId(this.#partitions, this.#positions),
      });
    } catch (error) {
      if (signal.aborted) return;
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      const { errorCode, message } = problem;
      yield format.notice({ name: "error", data: { error_code: errorCode, message } });
    }
  }

  /** Reads by itself, up to its end or limit. */
  async *#readOn(signal: AbortSignal): AsyncGenerator<Bytes, void> {
    const { topic, query, context: { broker: { topics } } } = this.#options;
    const mayGrow = this.#until === undefined && query.partitions === undefined;
    while (this.#left > 0 && !this.#hasEnded()) {
      if (mayGrow) this.#growTo(topics.get(topic)?.state.partitions.length ?? 0);
      const isBehind = this.#positions.some((position, i) => position < this.#ends[i]!);
      yield* this.#fetchRound(signal, this.#until, isBehind ? 0 : PROGRESS_MS);
      yield* this.#afterRound();
    }
  }

  /** Catches up, then follows the tail. */
  async *#follow(signal: AbortSignal): AsyncGenerator<Bytes, void> {
    yield* this.#catchUp(signal, this.#ends);
    const { topic, query, tails, limits: { counters } } = this.#options;
    const { partitions, conditions, value, isolation } = query;
    await using lease = tails.lease({
      topic,
      topicId: this.#topicId,
      partitions,
      conditions,
      value,
      isolation,
    }, this.#isWanted);
    const { tail } = lease;
    await tail.ready;
    this.#growTo(tail.partitions.length);
    // What was written meanwhile is not in the ring.
    yield* this.#catchUp(signal, tail.start);
    let sequence = -1;
    for (;;) {
      signal.throwIfAborted();
      let chunk = tail.after(sequence);
      if (chunk === undefined) {
        await tail.waitAfter(sequence, signal);
        chunk = tail.after(sequence)!;
      }
      this.#growTo(chunk.before.length);
      const missed = chunk.before.flatMap((from, at) => from > this.#positions[at]! ? [at] : []);
      for (const at of missed) {
        const place = {
          partition: this.#partitions[at],
          from: this.#positions[at],
          to: chunk.before[at],
        };
        this.#positions[at] = chunk.before[at]!;
        counters.gaps.slow++;
        yield this.#options.format.notice({ name: "gap", data: { ...place, reason: "slow" } });
      }
      if (missed.length > 0 && this.#options.query.onSlow === "close") {
        counters.closed.slow++;
        throw new HttpError(408, "The reader is too slow", { errorCode: TOO_SLOW });
      }
      sequence = chunk.sequence;
      this.#scanned += chunk.scanned;
      counters.scanned += chunk.scanned;
      // Otherwise it has read some of it itself, or a partition that the tail does not know yet.
      const isWhole = chunk.before.length === this.#positions.length &&
        chunk.before.every((from, at) => from === this.#positions[at]);
      const records = isWhole ? chunk.records : this.#withOwnIds(chunk.records);
      for (const [at, to] of chunk.after.entries()) {
        this.#positions[at] = Math.max(this.#positions[at]!, to);
      }
      this.#matched += records.length;
      counters.records += records.length;
      if (records.length === 0) {
        if (this.#isProgressDue()) yield this.#progress();
        continue;
      }
      this.#noteProgress();
      if (isWhole && this.#pace === undefined) yield chunk.text(this.#options.format);
      else yield* this.#send(records, signal);
    }
  }

  /** The records that it has not read itself, with its own positions. */
  #withOwnIds(records: readonly StreamRecord[]): StreamRecord[] {
    const own: StreamRecord[] = [];
    for (const record of records) {
      const { at, offset } = record;
      if (offset < this.#positions[at]!) continue;
      this.#positions[at] = offset + 1;
      own.push({ ...record, id: this.#id() });
    }
    return own;
  }

  /** Adds partitions that the topic has got, which are read from their start. */
  #growTo(count: number): void {
    while (this.#partitions.length < count) {
      if (this.#partitions.length >= MAX_PARTITIONS) throw tooManyPartitions();
      this.#partitions.push(this.#partitions.length);
      this.#positions.push(0);
      this.#ends.push(0);
    }
  }

  /** Reads by itself up to some positions. */
  async *#catchUp(signal: AbortSignal, to: readonly number[]): AsyncGenerator<Bytes, void> {
    while (this.#positions.some((position, i) => position < to[i]!)) {
      yield* this.#fetchRound(signal, to, 0);
      yield* this.#afterRound();
    }
    yield* this.#afterRound();
  }

  /** Says once when it has caught up, and now and then how far it is. */
  *#afterRound(): Generator<Bytes, void> {
    if (this.#isProgressDue()) yield this.#progress();
    if (this.#isCaughtUp) return;
    if (this.#positions.some((position, i) => position < this.#ends[i]!)) return;
    this.#isCaughtUp = true;
    yield this.#options.format.notice({ name: "caught-up", data: {}, id: this.#id() });
  }

  /** Fetches once from each partition that is not at its end. */
  async *#fetchRound(
    signal: AbortSignal,
    to: readonly number[] | undefined,
    maxWaitMs: number,
  ): AsyncGenerator<Bytes, void> {
    const { topic, query: { isolation }, limits } = this.#options;
    for (const [at, partition] of this.#partitions.entries()) {
      const end = to?.[at] ?? Infinity;
      if (this.#positions[at]! >= end || this.#left <= 0) continue;
      signal.throwIfAborted();
      // Only so many catch up at once; those that wait for new records keep nobody from it.
      const turn = maxWaitMs === 0 ? await limits.turn(signal) : undefined;
      let messages: Message[];
      let nextOffset: number;
      try {
        ({ messages, nextOffset } = await limits.consumer.fetchFrom(
          topic,
          partition,
          this.#positions[at]!,
          { maxBytes: FETCH_BYTES, maxWaitMs, signal, maxMessages: MAX_RECORDS, isolation },
        ));
      } finally {
        turn?.[Symbol.dispose]();
      }
      const records = await this.#select(at, messages, end);
      limits.counters.scanned += messages.length;
      limits.counters.records += records.length;
      if (messages.length === 0 && nextOffset <= this.#positions[at]! && end !== Infinity) {
        // The last offsets are not records: transaction markers, or compacted away.
        if (maxWaitMs === 0) this.#positions[at] = Math.max(this.#positions[at]!, end);
      } else if (this.#left > 0) {
        this.#positions[at] = Math.max(this.#positions[at]!, Math.min(nextOffset, end));
      }
      if (records.length === 0) continue;
      this.#noteProgress();
      yield* this.#send(records, signal);
    }
  }

  /** Records, at the pace that the reader asked for. */
  async *#send(
    records: readonly StreamRecord[],
    signal: AbortSignal,
  ): AsyncGenerator<Bytes, void> {
    const { format } = this.#options;
    const pace = this.#pace;
    if (pace === undefined) return yield format.records(records);
    for (let at = 0; at < records.length; at += pace.portion) {
      const part = records.slice(at, at + pace.portion);
      await pace.wait(part.length, signal);
      signal.throwIfAborted();
      yield format.records(part);
    }
  }

  /** The records that match, as text. */
  async #select(at: number, messages: readonly Message[], end: number): Promise<StreamRecord[]> {
    const { value } = this.#options.query;
    const slice = new TimeSlice(SLICE_MS);
    const records: StreamRecord[] = [];
    for (const message of messages) {
      const { offset } = message;
      if (offset >= end || this.#left <= 0) break;
      this.#scanned++;
      this.#positions[at] = offset + 1;
      if (this.#isWanted(message)) {
        this.#left--;
        this.#matched++;
        records.push({ at, offset, json: recordJson(message, value), id: this.#id() });
      }
      if (slice.isOver) await slice.pause();
    }
    return records;
  }

  #hasEnded(): boolean {
    const until = this.#until;
    return until !== undefined && this.#positions.every((position, i) => position >= until[i]!);
  }

  #id(): string {
    return formatEventId(this.#partitions, this.#positions);
  }

  #noteProgress(): void {
    this.#progressMs = this.#options.context.broker.clock.monotonic();
  }

  #isProgressDue(): boolean {
    return this.#options.context.broker.clock.monotonic() - this.#progressMs >= PROGRESS_MS;
  }

  #skippedCount(): { readonly skipped?: number } {
    return this.#skipped === 0 ? {} : { skipped: this.#skipped };
  }

  #progress(): Bytes {
    this.#noteProgress();
    const behind = this.#positions.reduce(
      (sum, position, i) => sum + Math.max(0, (this.#until ?? this.#ends)[i]! - position),
      0,
    );
    return this.#options.format.notice({
      name: "progress",
      data: { scanned: this.#scanned, matched: this.#matched, behind, ...this.#skippedCount() },
      id: this.#id(),
    });
  }
}

function tooManyPartitions(): HttpError {
  return new HttpError(400, `A stream has at most ${MAX_PARTITIONS} partitions; name them`);
}

/** Where a session begins. */
interface Start {
  readonly positions: readonly number[];
  readonly ends: readonly number[];
  readonly until: readonly number[] | undefined;
  readonly gaps: readonly StreamNotice[];
}

async function startOf(
  { topic, query, context }: SessionOptions,
  partitions: readonly number[],
): Promise<Start> {
  const signal = context.closing;
  const { offset, isolation } = query;
  const options = { signal, isolation };
  const ranges = await partitionRanges(context.admin, [{ topic, partitions }], offset, options);
  const given = query.lastEventId === undefined ? undefined : parseEventId(query.lastEventId);
  const lastGiven = given === undefined || query.partitions !== undefined
    ? Infinity
    : Math.max(...given.keys());
  const gaps: StreamNotice[] = [];
  const positions = ranges.map(({ partition, start, end, from, missing }) => {
    const position = given?.get(partition);
    if (position !== undefined && position >= start && position <= end) return position;
    const wanted = position ?? (missing !== undefined && missing < start ? missing : undefined);
    // One that was added after the event has nothing that the reader has seen.
    if (wanted === undefined) return partition > lastGiven ? start : from;
    const to = wanted < start ? start : end;
    const reason = wanted < start ? "retention" : "truncated";
    gaps.push({ name: "gap", data: { partition, from: wanted, to, reason } });
    return to;
  });
  const until = query.offset.to === undefined
    ? undefined
    : ranges.map(({ to, end }) =>
      Math.min(to ?? end, query.isExit ? end : Number.MAX_SAFE_INTEGER)
    );
  return { positions, ends: ranges.map(({ end }) => end), until, gaps };
}
