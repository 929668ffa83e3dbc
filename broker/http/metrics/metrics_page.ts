/**
 * The text of `GET /metrics`, made when asked for and in slices, so that other work is not delayed.
 *
 * @module
 */

import { runSliced, TimeSlice } from "../../../storage/time_slice.ts";
import type { BrokerParts } from "../../broker.ts";
import type { ShownCertificate } from "../../network/tls/secure_listener.ts";
import type { Health } from "../health.ts";
import type { HttpCounters } from "../http_counters.ts";
import {
  addBroker,
  addClientMetrics,
  addEvents,
  addHttp,
  addPartitionCounts,
  addProcess,
  addRequests,
  addTransactions,
} from "./broker_metrics.ts";
import { Exposition, labelsOf } from "./exposition.ts";
import { addGroups, addLagSeconds, type OtherEnds } from "./group_metrics.ts";
import { LagTimes } from "./lag_times.ts";
import { LoopDelay } from "./loop_delay.ts";
import { METRICS } from "./metric_names.ts";
import type { MetricSink } from "./metric_sink.ts";
import { addPartitions, addTopics, countPartitions, PartitionCounts } from "./topic_metrics.ts";

/** Most series in an answer, without those about the answer itself. */
const MAX_SERIES = 20_000;
/** Length of a slice of work. */
const SLICE_MS = 2;
/** How long an answer is given again, so that many scrapers cost no more than one. */
const MAX_AGE_MS = 1000;

/** What the metrics are about. */
export interface MetricsSources {
  readonly parts: BrokerParts;
  readonly version: string;
  readonly health: Health;
  readonly http: HttpCounters;
  /** Certificates that clients of HTTP are shown. Default: none. */
  readonly certificates?: () => readonly ShownCertificate[];
  /** Whether another broker of the process has the metrics of the process. Default: false. */
  readonly sharesProcess?: boolean;
  /** The ends of partitions that other brokers lead. Default: unknown. */
  readonly otherEnds?: () => Promise<OtherEnds>;
  /** Most series in an answer. Default: 20,000. */
  readonly maxSeries?: number;
}

/** Makes the text. */
export class MetricsPage {
  readonly #sources: MetricsSources;
  readonly #lagTimes = new LagTimes();
  readonly #loopDelay: LoopDelay;
  #making: Promise<string> | undefined;
  #collecting: Promise<void> = Promise.resolve();
  #last: { readonly text: string; readonly madeMs: number } | undefined;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    this.#loopDelay = new LoopDelay(sources.parts.context.clock);
  }

  /** The text, at most a second old. */
  text(): Promise<string> {
    const last = this.#last;
    if (last !== undefined && this.#nowMs() - last.madeMs < MAX_AGE_MS) {
      return Promise.resolve(last.text);
    }
    this.#making ??= this.#make().finally(() => this.#making = undefined);
    return this.#making;
  }

  /** Stops measuring. */
  close(): void {
    this.#loopDelay.close();
  }

  /** Gives a sink all series, without those about the text. Only one at a time: others wait. */
  collect(out: MetricSink): Promise<void> {
    const turn = this.#collecting.then(() => this.#collect(out));
    this.#collecting = turn.catch(() => {});
    return turn;
  }

  async #collect(out: MetricSink): Promise<void> {
    const { parts, health, http, otherEnds } = this.#sources;
    this.#loopDelay.watch();
    const [ends] = await Promise.all([
      otherEnds?.() ?? (() => undefined),
      parts.context.disk.refresh(),
    ]);
    const slice = new TimeSlice(SLICE_MS);
    const { context } = parts;
    addBroker(out, parts, this.#sources);
    out.add(METRICS.ready, "", health.check().isReady ? 1 : 0);
    addProcess(out, parts, this.#sources.sharesProcess);
    out.addHistogram(METRICS.loopDelay, "", this.#loopDelay.delays);
    addRequests(out, parts);
    addEvents(out, parts);
    addHttp(out, http);
    addTransactions(out, parts);
    await runSliced(addClientMetrics(out, parts), slice);
    const counts = new PartitionCounts();
    const topics = await runSliced(addTopics(out, context, counts), slice);
    await runSliced(countPartitions(context, topics, counts), slice);
    addPartitionCounts(out, parts, counts);
    const lagging = await runSliced(addGroups(out, context, ends), slice);
    await addLagSeconds(out, lagging, this.#lagTimes, context.clock.now());
    await runSliced(addPartitions(out, context, topics), slice);
  }

  async #make(): Promise<string> {
    const { maxSeries = MAX_SERIES } = this.#sources;
    const startMs = this.#nowMs();
    const out = new Exposition(maxSeries);
    await this.collect(out);
    const text = await this.#finish(out, startMs, maxSeries);
    this.#last = { text, madeMs: this.#nowMs() };
    return text;
  }

  /** Joins the text, and adds the series about itself. */
  async #finish(
    out: Exposition,
    startMs: number,
    maxSeries: number,
  ): Promise<string> {
    const slice = new TimeSlice(SLICE_MS);
    const about = new Exposition(Infinity);
    about.add(METRICS.series, "", out.seriesCount);
    about.add(METRICS.seriesLimit, "", maxSeries);
    for (const [{ name }, count] of out.dropped) {
      about.add(METRICS.seriesDropped, labelsOf({ family: name }), count);
    }
    let text = "";
    for (const part of out.text()) {
      text += part;
      if (slice.isOver) await slice.pause();
    }
    about.add(METRICS.scrapeDuration, "", (this.#nowMs() - startMs) / 1000);
    for (const part of about.text()) text += part;
    return text;
  }

  #nowMs(): number {
    return this.#sources.parts.context.clock.monotonic();
  }
}
