/**
 * Load of Fetch requests for records that were written before, as fast as they are answered.
 *
 * The last records fit into the memory of a broker that caches them. To read from files, more is written
 * after the records that are read.
 *
 * @module
 */

import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { RecordBatch } from "../../../protocol/records/mod.ts";
import { Histogram } from "../../../cli/commands/bench/histogram.ts";
import { formatMs } from "../report/format_ms.ts";
import { decodeResponse, LoadConnection, requestFrame } from "./load_connection.ts";
import { describeUsage, type Outcome, usagePer } from "../report/outcome.ts";
import { sampleBatch } from "./record_batches.ts";
import type { ScenarioOf } from "./scenario.ts";
import {
  expectNone,
  FETCH_VERSION,
  LoadTopic,
  PRODUCE_VERSION,
  type Target,
  TIMEOUT_MS,
} from "./target.ts";
import { measureWindow, type Timing } from "./window.ts";

/** MB written after the records to read from files, so that a broker's memory holds these instead. */
const IN_MEMORY_MB = 128;

/** Runs a scenario once. */
export async function measureFetch(
  target: Target,
  scenario: ScenarioOf<"fetch">,
  timing: Timing,
): Promise<Outcome> {
  const { size, batch, connections } = scenario;
  const records = sampleBatch({ size, count: batch });
  const maxMessageBytes = Math.max(1_048_588, records.length);
  await using topic = await LoadTopic.create(target, {
    partitions: connections,
    flush: "default",
    maxMessageBytes,
  });
  const each = scenario.mb * 1e6 / connections;
  const batches = Math.max(1, Math.floor(each / records.length));
  const cold = scenario.from === "cold" ? Math.ceil(IN_MEMORY_MB * 1e6 / records.length) : 0;
  await write(topic, records, batches, Math.ceil(cold / connections));
  const load = new FetchLoad(topic, scenario, 1 + batches * batch);
  const reading = Promise.all(
    Array.from({ length: connections }, (_, i) => load.read(i)),
  );
  const window = await Promise.race([
    measureWindow(timing, target, () => load.begin(), () => load.end(), () => load.progress),
    reading.then(() => Promise.reject(new Error("The load ended too early"))),
  ]);
  await reading;
  const messagesPerSecond = load.messages / window.seconds;
  const note = [
    `${Math.round(messagesPerSecond).toLocaleString("en-US")} msg/s`,
    `p50 ${formatMs(load.latencies.percentileMs(50))}`,
    `p99 ${formatMs(load.latencies.percentileMs(99))}`,
    describeUsage(window),
  ].join(", ");
  const value = messagesPerSecond * size / 1e6;
  const cost = usagePer("MB", value * window.seconds, window);
  return { figures: [{ name: "", unit: "MB/s", better: "higher", value }, ...cost], note };
}

/** Fills all partitions equally, and then adds records that are not read. */
async function write(
  topic: LoadTopic,
  records: Uint8Array,
  batches: number,
  unread: number,
): Promise<void> {
  for (const count of [batches, unread]) {
    for (const [index, leader] of topic.leaders.entries()) {
      using connection = await LoadConnection.connect(leader);
      const frame = requestFrame(produce, PRODUCE_VERSION, {
        acks: 1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{ name: topic.name, partitionData: [{ index, records }] }],
      });
      for (let i = 0; i < count; i++) {
        await connection.send(frame);
        const { responses } = decodeResponse(produce, PRODUCE_VERSION, await connection.receive());
        expectNone(responses[0]!.partitionResponses[0]!.errorCode, "produce");
      }
    }
  }
}

class FetchLoad {
  readonly latencies = new Histogram();
  /** Messages received in the window, and in total. */
  messages = 0;
  progress = 0;
  readonly #topic: LoadTopic;
  readonly #maxBytes: number;
  readonly #endOffset: number;
  #isCounting = false;
  #isOver = false;

  constructor(topic: LoadTopic, { max }: ScenarioOf<"fetch">, endOffset: number) {
    this.#topic = topic;
    this.#maxBytes = max;
    this.#endOffset = endOffset;
  }

  begin(): void {
    this.#isCounting = true;
  }

  end(): void {
    this.#isCounting = false;
    this.#isOver = true;
  }

  /** Reads one partition over its own connection, repeatedly from start to end, until the load ends. */
  async read(partition: number): Promise<void> {
    using connection = await LoadConnection.connect(this.#topic.leaders[partition]!);
    for (let offset = 0; !this.#isOver;) {
      const sentMs = performance.now();
      const response = await connection.request(fetch, FETCH_VERSION, {
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 52_428_800,
        topics: [{
          topic: this.#topic.name,
          partitions: [{
            partition,
            fetchOffset: offset,
            partitionMaxBytes: this.#maxBytes,
          }],
        }],
      });
      const { errorCode, records } = response.responses[0]!.partitions[0]!;
      expectNone(errorCode, "fetch");
      const nextOffset = endOf(records ?? new Uint8Array(0), offset);
      const count = Math.min(nextOffset, this.#endOffset) - offset;
      this.progress += count;
      if (this.#isCounting) {
        this.messages += count;
        this.latencies.record(performance.now() - sentMs);
      }
      offset = nextOffset >= this.#endOffset ? 0 : nextOffset;
    }
  }
}

/** The offset after the last whole batch. @throws {Error} If there is none. */
export function endOf(records: Uint8Array, offset: number): number {
  let nextOffset = offset;
  for (let position = 0; position + 12 < records.length;) {
    const size = 12 + new DataView(records.buffer, records.byteOffset + position).getInt32(8);
    // Brokers that count bytes only may cut the last batch off.
    if (position + size > records.length) break;
    nextOffset = new RecordBatch(records, position).nextOffset;
    position += size;
  }
  if (nextOffset === offset) throw new Error(`Fetched no batch at offset ${offset}`);
  return nextOffset;
}
