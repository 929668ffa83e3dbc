/**
 * Load of messages at a steady rate; the latency is from when a message was due to when a consumer has it.
 *
 * This is an open loop: messages are due at fixed times, whether earlier ones were answered or not, and the
 * latency of a message that is sent late includes its wait. Each message is its own request, as from a
 * producer without linger, with at most five in flight.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { endOf } from "./fetch_load.ts";
import { Histogram } from "../../../cli/commands/bench/histogram.ts";
import { formatMs } from "../report/format_ms.ts";
import { decodeResponse, LoadConnection, requestFrame } from "./load_connection.ts";
import { describeUsage, type Outcome } from "../report/outcome.ts";
import { sampleBatch } from "./record_batches.ts";
import type { ScenarioOf } from "./scenario.ts";
import {
  acksOf,
  expectNone,
  FETCH_VERSION,
  LoadTopic,
  PRODUCE_VERSION,
  type Target,
  TIMEOUT_MS,
} from "./target.ts";
import { WarmUp, type WarmUpBounds } from "./warm_up.ts";
import { measureWindow, type Timing } from "./window.ts";

const MAX_IN_FLIGHT = 5;
const FIRST_OFFSET = 1;
/** A consumer has caught up if it lags no further than the last due messages for this long. */
const BEHIND_MS = 20;
const CAUGHT_UP_MS = 2000;
const MAX_CATCH_UP_MS = 15_000;
const PERCENTILES = [["p50", 0.5], ["p99", 0.99], ["p99.9", 0.999]] as const;

/** Runs a scenario once. */
export async function measureLatency(
  target: Target,
  scenario: ScenarioOf<"latency">,
  timing: Timing,
): Promise<Outcome> {
  const { stable, ...rest } = timing;
  const warmUpNote = stable === undefined ? undefined : await warmUp(target, scenario, stable);
  const { load, result } = await sendWhile(target, scenario, scenario.rate, async (load) => {
    if (stable !== undefined) await load.caughtUp();
    return await measureWindow(rest, target, () => load.begin(), () => load.end());
  });
  const window = { ...result, warmUpNote };
  const { latencies, lateness } = load;
  const rate = Math.round(latencies.count / window.seconds).toLocaleString("en-US");
  return {
    figures: PERCENTILES.map(([name, part]) => ({
      name,
      unit: "ms",
      better: "lower",
      value: latencies.percentileMs(100 * part),
    })),
    note: [
      `${rate} msg/s`,
      `largest ${formatMs(latencies.maxMs)}`,
      `sent late by ${formatMs(lateness.percentileMs(99))} at p99`,
      describeUsage(window),
    ].join(", "),
  };
}

/** Sends as fast as possible until the rate is stable. Returns how long it took. */
async function warmUp(
  target: Target,
  scenario: ScenarioOf<"latency">,
  bounds: WarmUpBounds,
): Promise<string> {
  const warmUp = new WarmUp(target, bounds);
  await sendWhile(target, scenario, Infinity, async (load) => {
    await warmUp.watch(() => load.consumed);
    load.end();
  });
  return warmUp.note;
}

/** Sends to a topic of its own until the load and `control` have ended. */
async function sendWhile<T>(
  target: Target,
  scenario: ScenarioOf<"latency">,
  rate: number,
  control: (load: LatencyLoad) => Promise<T>,
): Promise<{ load: LatencyLoad; result: T }> {
  await using topic = await LoadTopic.create(target, {
    partitions: 1,
    flush: scenario.flush,
    maxMessageBytes: 1_048_588,
  });
  const load = new LatencyLoad(topic, scenario, rate);
  const leader = topic.leaders[0]!;
  const working = Promise.all([load.consume(leader), load.produce(leader)]);
  const result = await Promise.race([
    control(load),
    working.then(() => Promise.reject(new Error("The load ended too early"))),
  ]);
  await working;
  return { load, result };
}

class LatencyLoad {
  readonly latencies = new Histogram();
  /** How late each message was sent. */
  readonly lateness = new Histogram();
  /** Messages that the consumer has received. */
  consumed = 0;
  readonly #topic: LoadTopic;
  readonly #scenario: ScenarioOf<"latency">;
  readonly #intervalMs: number;
  #startMs = 0;
  #sent = 0;
  #isCounting = false;
  #isOver = false;

  constructor(topic: LoadTopic, scenario: ScenarioOf<"latency">, rate: number) {
    this.#topic = topic;
    this.#scenario = scenario;
    this.#intervalMs = 1000 / rate;
  }

  begin(): void {
    this.#isCounting = true;
  }

  end(): void {
    this.#isCounting = false;
    this.#isOver = true;
  }

  /**
   * Waits until the consumer has received nearly all due messages for a while: at another rate a virtual
   * machine may compile again, and lag at first. The wait is limited, because some brokers cannot keep up.
   */
  async caughtUp(): Promise<void> {
    const sinceMs = performance.now();
    let behindAtMs = sinceMs;
    for (let nowMs = sinceMs; nowMs - sinceMs < MAX_CATCH_UP_MS; nowMs = performance.now()) {
      const behindMs = nowMs - this.#startMs - this.consumed * this.#intervalMs;
      if (behindMs > BEHIND_MS) behindAtMs = nowMs;
      if (nowMs - behindAtMs >= CAUGHT_UP_MS) return;
      await new Promise((resolve) => setTimeout(resolve, BEHIND_MS));
    }
  }

  async produce(address: string): Promise<void> {
    using connection = await LoadConnection.connect(address);
    const frame = requestFrame(produce, PRODUCE_VERSION, {
      acks: acksOf(this.#scenario.acks),
      timeoutMs: TIMEOUT_MS,
      topicData: [{
        name: this.#topic.name,
        partitionData: [{
          index: 0,
          records: sampleBatch({ size: this.#scenario.size, count: 1 }),
        }],
      }],
    });
    let answered = 0;
    const answers = (async () => {
      while (!this.#isOver || answered < this.#sent) {
        const { responses } = decodeResponse(produce, PRODUCE_VERSION, await connection.receive());
        expectNone(responses[0]!.partitionResponses[0]!.errorCode, "produce");
        answered++;
      }
    })();
    this.#startMs = performance.now();
    while (!this.#isOver) {
      const dueMs = this.#startMs + this.#sent * this.#intervalMs;
      if (this.#sent - answered < MAX_IN_FLIGHT && performance.now() >= dueMs) {
        if (this.#isCounting) this.lateness.record(performance.now() - dueMs);
        this.#sent++;
        await connection.send(frame);
      } else {
        // Timers are too coarse, so this program waits in a loop.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
    // The last answer may have arrived before it was known to be the last.
    this.#sent++;
    await connection.send(frame);
    await answers;
  }

  async consume(address: string): Promise<void> {
    using connection = await LoadConnection.connect(address);
    for (let offset = FIRST_OFFSET; !this.#isOver;) {
      const response = await connection.request(fetch, FETCH_VERSION, {
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 52_428_800,
        topics: [{
          topic: this.#topic.name,
          partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1_048_576 }],
        }],
      });
      const nowMs = performance.now();
      const { errorCode, records } = response.responses[0]!.partitions[0]!;
      expectNone(errorCode, "fetch");
      if (records === null || records.length === 0) continue;
      const nextOffset = endOf(records, offset);
      this.consumed = nextOffset - FIRST_OFFSET;
      for (; offset < nextOffset; offset++) {
        if (!this.#isCounting) continue;
        this.latencies.record(nowMs - this.#startMs - (offset - FIRST_OFFSET) * this.#intervalMs);
      }
    }
  }
}
