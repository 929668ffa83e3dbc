/**
 * What the broker did in the last hour, for the charts of the console: a sample every ten seconds of the
 * broker, of its busiest topics, and of the groups that it coordinates.
 *
 * Samples are of 4 bytes, in rings, so that the memory is bounded: about 3 MB with the most topics and
 * groups. They are lost when the broker stops.
 *
 * @module
 */

import { runSliced, TimeSlice } from "../../../../storage/time_slice.ts";
import type { BrokerParts } from "../../../broker.ts";
import type { Clock } from "../../../time/clock.ts";
import type { OtherEnds } from "../group_metrics.ts";
import { IntervalQuantile } from "./interval_quantile.ts";
import { Ring } from "./ring.ts";

/** Time between two samples. */
const STEP_MS = 10_000;
/** Samples of an hour. */
const LENGTH = 360;
/** Most topics, and most groups, that have samples. */
const MAX_NAMES = 200;
const SLICE_MS = 2;

/** What is sampled. */
export type HistoryKind = "broker" | "topic" | "group";

const SERIES = {
  broker: [
    "records_in",
    "records_out",
    "bytes_in",
    "bytes_out",
    "requests",
    "errors",
    "acked_p99_ms",
    "flush_p99_ms",
    "connections",
    "resident_bytes",
    "lag",
  ],
  topic: ["records_in", "records_out", "bytes_in", "bytes_out", "size_bytes"],
  group: ["lag"],
} as const satisfies Readonly<Record<HistoryKind, readonly string[]>>;

/** Counters, of which samples have the change per second. */
const RATES: ReadonlySet<string> = new Set([
  "records_in",
  "records_out",
  "bytes_in",
  "bytes_out",
  "requests",
  "errors",
]);

type Values = Readonly<Record<string, number>>;

/** The samples of one thing. */
class Samples {
  readonly rings: ReadonlyMap<string, Ring>;
  /** The number of the last sample. */
  lastSample = 0;
  #before: Values | undefined;

  constructor(names: readonly string[]) {
    this.rings = new Map(names.map((name) => [name, new Ring(LENGTH)]));
  }

  /** Adds a sample; of counters, their change per second. */
  add(values: Values, seconds: number): void {
    for (const [name, ring] of this.rings) {
      const value = values[name]!;
      const before = this.#before?.[name];
      if (!RATES.has(name)) ring.push(value);
      else ring.push(before === undefined ? NaN : Math.max(0, value - before) / seconds);
    }
    this.#before = values;
  }
}

/** The series of a topic or group, or of the broker. */
export type HistorySeries = Readonly<Record<string, readonly (number | null)[]>>;

/** Samples one broker until it is closed. */
export class History {
  /** Time between two samples, in milliseconds. */
  readonly stepMs = STEP_MS;
  /** Most samples that are kept. */
  readonly length = LENGTH;
  readonly #parts: BrokerParts;
  readonly #clock: Clock;
  readonly #otherEnds: () => Promise<OtherEnds>;
  readonly #samples: Readonly<Record<HistoryKind, Map<string, Samples>>> = {
    broker: new Map(),
    topic: new Map(),
    group: new Map(),
  };
  readonly #acked: IntervalQuantile;
  readonly #flushes: IntervalQuantile;
  #count = 0;
  #sampledMs: number;
  #lastMs: number;
  #timer: number | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  private constructor(parts: BrokerParts, otherEnds: () => Promise<OtherEnds>) {
    const { clock, counters } = parts.context;
    this.#parts = parts;
    this.#otherEnds = otherEnds;
    this.#clock = clock;
    this.#acked = new IntervalQuantile(() => counters.acknowledged.values());
    this.#flushes = new IntervalQuantile(() => [counters.flushes]);
    this.#sampledMs = clock.monotonic();
    this.#lastMs = clock.now();
  }

  /**
   * Begins; resolves when there is a first sample.
   *
   * @param otherEnds Looks up the ends of partitions that other brokers lead.
   */
  static async start(
    parts: BrokerParts,
    otherEnds: () => Promise<OtherEnds> = () => Promise.resolve(() => undefined),
  ): Promise<History> {
    const history = new History(parts, otherEnds);
    history.#run();
    await history.#running;
    return history;
  }

  /** When the last sample was made, in milliseconds since the epoch. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Number of samples since the beginning, at most as many as are kept. */
  get count(): number {
    return Math.min(this.#count, LENGTH);
  }

  /** The names of topics or groups that have samples. */
  names(kind: HistoryKind): Iterable<string> {
    return this.#samples[kind].keys();
  }

  /** Whether there are samples of a topic or group. */
  has(kind: HistoryKind, name: string): boolean {
    return this.#samples[kind].has(name);
  }

  /** The last samples of a topic, a group or the broker (whose name is empty); undefined if there are none. */
  series(kind: HistoryKind, name: string, count: number): HistorySeries | undefined {
    const samples = this.#samples[kind].get(name);
    if (samples === undefined) return undefined;
    const taken = Math.min(count, this.count);
    return Object.fromEntries(
      Array.from(samples.rings, ([name, ring]) => [name, ring.last(taken)]),
    );
  }

  /** Stops. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    await this.#running;
  }

  #run(): void {
    this.#running = this.#sample().catch((error) => {
      this.#parts.context.logger.error("Cannot sample the broker", { error });
    }).finally(() => {
      if (this.#isClosed) return;
      this.#timer = this.#clock.setTimeout(() => this.#run(), STEP_MS);
    });
  }

  async #sample(): Promise<void> {
    const nowMs = this.#clock.monotonic();
    const seconds = Math.max(0.001, (nowMs - this.#sampledMs) / 1000);
    this.#sampledMs = nowMs;
    this.#lastMs = this.#clock.now();
    this.#count++;
    const ends = await this.#otherEnds();
    const slice = new TimeSlice(SLICE_MS);
    const topics = await runSliced(topicValues(this.#parts), slice);
    const lags = await runSliced(groupLags(this.#parts, ends), slice);
    this.#add("topic", topics, (values) => values.bytes_in! + values.bytes_out!, seconds);
    this.#add("group", lags, ({ lag }) => lag! || 0, seconds);
    const broker = new Map([["", this.#brokerValues(topics, lags)]]);
    this.#add("broker", broker, () => 0, seconds);
  }

  /** Adds samples. If there is no room for all, the first ones by `weight` get it. */
  #add(
    kind: HistoryKind,
    values: ReadonlyMap<string, Values>,
    weight: (values: Values) => number,
    seconds: number,
  ): void {
    const all = this.#samples[kind];
    for (const name of all.keys()) if (!values.has(name)) all.delete(name);
    const added = [...values].filter(([name]) => !all.has(name))
      .sort(([, a], [, b]) => weight(b) - weight(a));
    for (const [name] of added.slice(0, MAX_NAMES - all.size)) {
      all.set(name, new Samples(SERIES[kind]));
    }
    for (const [name, samples] of all) samples.add(values.get(name)!, seconds);
  }

  #brokerValues(
    topics: ReadonlyMap<string, Values>,
    lags: ReadonlyMap<string, Values>,
  ): Values {
    const { context: { counters }, server } = this.#parts;
    const sum = (name: string, all: ReadonlyMap<string, Values>) =>
      all.values().reduce((total, values) => total + (values[name]! || 0), 0);
    let requests = 0;
    let errors = 0;
    for (const [, api] of counters.apis()) {
      requests += api.requests;
      for (const count of api.errors.values()) errors += count;
    }
    return {
      records_in: sum("records_in", topics),
      records_out: sum("records_out", topics),
      bytes_in: sum("bytes_in", topics),
      bytes_out: sum("bytes_out", topics),
      requests,
      errors,
      acked_p99_ms: this.#acked.next(0.99),
      flush_p99_ms: this.#flushes.next(0.99),
      connections: server.connectionCount,
      resident_bytes: Deno.memoryUsage().rss,
      lag: sum("lag", lags),
    };
  }
}

/** The counters and sizes of the topics on this broker. */
function* topicValues({ context: { topics } }: BrokerParts): Generator<void, Map<string, Values>> {
  const all = new Map<string, Values>();
  for (const { name, isInternal, partitions } of topics.all()) {
    if (isInternal) continue;
    const values = { records_in: 0, records_out: 0, bytes_in: 0, bytes_out: 0, size_bytes: 0 };
    for (const partition of partitions) {
      if (partition === undefined) continue;
      const { traffic, log } = partition;
      values.records_in += traffic.recordsIn;
      values.records_out += traffic.recordsOut;
      values.bytes_in += traffic.bytesIn;
      values.bytes_out += traffic.bytesOut;
      values.size_bytes += log.sizeInBytes;
      yield;
    }
    all.set(name, values);
  }
  return all;
}

/** The lag of groups. Where the end of a partition is not known, their lag is not either. */
function* groupLags(
  { context: { groups, topics } }: BrokerParts,
  otherEnds: OtherEnds,
): Generator<void, Map<string, Values>> {
  const all = new Map<string, Values>();
  for (const shard of groups.shards) {
    if (!shard.isActive) continue;
    for (const { groupId } of shard.groups) {
      let lag = 0;
      for (const [topic, offsets] of shard.offsets.ofGroup(groupId) ?? []) {
        // Offsets of a deleted topic have no lag.
        if (topics.get(topic) === undefined) continue;
        for (const [index, { offset }] of offsets) {
          const partition = topics.partition(topic, index);
          const end = partition?.isServed === true
            ? partition.highWatermark
            : otherEnds(topic, index);
          lag += end === undefined ? NaN : Math.max(0, end - offset);
          yield;
        }
      }
      all.set(groupId, { lag });
    }
  }
  return all;
}
