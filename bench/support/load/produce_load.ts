/**
 * Load of Produce requests with prepared batches, as fast as they are answered.
 *
 * @module
 */

import type { CompressionName } from "../../../protocol/compression/mod.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { Histogram } from "../../../cli/commands/bench/histogram.ts";
import { formatMs } from "../report/format_ms.ts";
import { decodeResponse, LoadConnection, requestFrame } from "./load_connection.ts";
import { describeUsage, type Outcome, usagePer } from "../report/outcome.ts";
import { sampleBatch } from "./record_batches.ts";
import type { ScenarioOf } from "./scenario.ts";
import {
  acksOf,
  expectNone,
  LoadTopic,
  PRODUCE_VERSION,
  type Target,
  TIMEOUT_MS,
} from "./target.ts";
import { WarmUp, type WarmUpBounds } from "./warm_up.ts";
import { measureWindow, type Timing } from "./window.ts";

/** The most memory for the prepared frames of all partitions. */
const MAX_FRAME_MEMORY = 512 * 1024 * 1024;
/** Bytes after which the warm-up continues on another topic, because files may be in memory. */
const WARM_UP_TOPIC_BYTES = 2e9;

/** Runs a scenario once. */
export async function measureProduce(
  target: Target,
  scenario: ScenarioOf<"produce">,
  timing: Timing,
): Promise<Outcome> {
  const { size, batch, codec } = scenario;
  const records = sampleBatch({ size, count: batch, codec: codec as CompressionName });
  const work = { target, scenario, records };
  const { stable, ...rest } = timing;
  const warmUpNote = stable === undefined ? undefined : await warmUp(work, stable);
  const { load, result } = await produceWhile(
    work,
    (load) => measureWindow(rest, target, () => load.begin(), () => load.end()),
  );
  const window = { ...result, warmUpNote };
  const { answered, latencies } = load;
  const requestsPerSecond = answered / window.seconds;
  const messagesPerSecond = requestsPerSecond * batch;
  const rate = batch === 1
    ? { unit: "requests/s", value: requestsPerSecond }
    : { unit: "MB/s", value: messagesPerSecond * size / 1e6 };
  const notes = [
    ...(batch === 1 ? [] : [`${Math.round(messagesPerSecond).toLocaleString("en-US")} msg/s`]),
    `p50 ${formatMs(latencies.percentileMs(50))}`,
    `p99 ${formatMs(latencies.percentileMs(99))}`,
    describeUsage(window),
  ];
  const cost = batch === 1
    ? usagePer("request", answered, window)
    : usagePer("MB", answered * batch * size / 1e6, window);
  return { figures: [{ name: "", better: "higher", ...rate }, ...cost], note: notes.join(", ") };
}

/** The frames and the broker. */
interface Work {
  readonly target: Target;
  readonly scenario: ScenarioOf<"produce">;
  readonly records: Uint8Array;
}

/** Produces to temporary topics until the rate is stable. Returns how long it took. */
async function warmUp(work: Work, bounds: WarmUpBounds): Promise<string> {
  const warmUp = new WarmUp(work.target, bounds);
  const most = Math.max(1, Math.floor(WARM_UP_TOPIC_BYTES / work.records.length));
  while (!warmUp.isOver) {
    await produceWhile(work, async (load) => {
      await warmUp.watch(() => load.progress, most);
      load.end();
    });
  }
  return warmUp.note;
}

/** Produces to a topic of its own until the load and `control` have ended. */
async function produceWhile<T>(
  { target, scenario, records }: Work,
  control: (load: ProduceLoad) => Promise<T>,
): Promise<{ load: ProduceLoad; result: T }> {
  await using topic = await LoadTopic.create(target, {
    partitions: scenario.partitions,
    flush: scenario.flush,
    maxMessageBytes: Math.max(1_048_588, records.length),
  });
  const load = new ProduceLoad(scenario, topic.leaders, framesOf(topic, scenario, records));
  const sending = Promise.all(
    Array.from({ length: scenario.connections }, (_, i) => load.send(i)),
  );
  const result = await Promise.race([
    control(load),
    sending.then(() => Promise.reject(new Error("The load ended too early"))),
  ]);
  await sending;
  return { load, result };
}

function framesOf(
  topic: LoadTopic,
  { acks, partitions }: ScenarioOf<"produce">,
  records: Uint8Array,
): Uint8Array[] {
  if (records.length * partitions > MAX_FRAME_MEMORY) {
    throw new RangeError(`Cannot keep ${partitions} batches of ${records.length} bytes in memory`);
  }
  return Array.from({ length: partitions }, (_, index) =>
    requestFrame(produce, PRODUCE_VERSION, {
      acks: acksOf(acks),
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name: topic.name, partitionData: [{ index, records }] }],
    }));
}

class ProduceLoad {
  readonly latencies = new Histogram();
  /** Requests answered in the window, and in total. */
  answered = 0;
  progress = 0;
  readonly #leaders: readonly string[];
  readonly #frames: readonly Uint8Array[];
  readonly #inFlight: number;
  readonly #isAnswered: boolean;
  #isCounting = false;
  #isOver = false;

  constructor(
    { inflight, acks }: ScenarioOf<"produce">,
    leaders: readonly string[],
    frames: readonly Uint8Array[],
  ) {
    this.#leaders = leaders;
    this.#frames = frames;
    this.#inFlight = inflight;
    this.#isAnswered = acks !== "0";
  }

  begin(): void {
    this.#isCounting = true;
  }

  end(): void {
    this.#isCounting = false;
    this.#isOver = true;
  }

  /**
   * Sends over its own connection, to the leader of the partition with this index modulo their number:
   * to that one and the leader's others, in turn.
   */
  async send(index: number): Promise<void> {
    const first = index % this.#leaders.length;
    const address = this.#leaders[first]!;
    const frames = this.#frames.filter((_, partition) => this.#leaders[partition] === address);
    using connection = await LoadConnection.connect(address);
    const sentMs: number[] = [];
    let next = this.#leaders.slice(0, first).filter((leader) => leader === address).length;
    const sendNext = () => {
      sentMs.push(performance.now());
      return connection.send(frames[next++ % frames.length]!);
    };
    if (this.#isAnswered) { for (let i = 1; i < this.#inFlight; i++) await sendNext(); }
    while (!this.#isOver) {
      await sendNext();
      if (this.#isAnswered) check(await connection.receive());
      this.#count(sentMs.shift()!);
    }
    for (let left = sentMs.length; left > 0; left--) check(await connection.receive());
  }

  #count(sentMs: number): void {
    this.progress++;
    if (!this.#isCounting) return;
    this.answered++;
    this.latencies.record(performance.now() - sentMs);
  }
}

function check(frame: Uint8Array): void {
  const { responses } = decodeResponse(produce, PRODUCE_VERSION, frame);
  expectNone(responses[0]!.partitionResponses[0]!.errorCode, "produce");
}
