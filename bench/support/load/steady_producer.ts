/**
 * A producer that sends messages at a steady rate and measures the time to each answer.
 *
 * Each message is its own request. It is sent when it is due, whether earlier ones were answered or not, so
 * that a pause of the broker shows in all messages sent meanwhile. Delays of this program do not count,
 * because its timers are too coarse.
 *
 * @module
 */

import { produce } from "../../../protocol/messages/records/produce.ts";
import { Histogram } from "../../../cli/commands/bench/histogram.ts";
import { decodeResponse, LoadConnection, requestFrame } from "./load_connection.ts";
import { sampleBatch } from "./record_batches.ts";
import { acksOf, expectNone, PRODUCE_VERSION, TIMEOUT_MS } from "./target.ts";

/** What to send, and how often. */
export interface SteadyLoad {
  readonly topic: string;
  readonly acks: string;
  /** Bytes of the message. */
  readonly size: number;
  /** Messages a second. */
  readonly rate: number;
}

/** Sends until it is stopped. */
export class SteadyProducer {
  /** Latencies since this was last replaced, in milliseconds. */
  latencies: Histogram = new Histogram();
  readonly #connection: LoadConnection;
  readonly #frame: Uint8Array;
  readonly #intervalMs: number;
  /** Send times of the unanswered messages, oldest first. */
  readonly #sentMs: number[] = [];
  readonly #sending: Promise<void>;
  readonly #receiving: Promise<void>;
  #isStopped = false;

  private constructor(connection: LoadConnection, { topic, acks, size, rate }: SteadyLoad) {
    this.#connection = connection;
    this.#intervalMs = 1000 / rate;
    this.#frame = requestFrame(produce, PRODUCE_VERSION, {
      acks: acksOf(acks),
      timeoutMs: TIMEOUT_MS,
      topicData: [{
        name: topic,
        partitionData: [{ index: 0, records: sampleBatch({ size, count: 1 }) }],
      }],
    });
    this.#sending = this.#send();
    this.#receiving = this.#receive();
  }

  /** Starts sending to a broker. */
  static async start(address: string, load: SteadyLoad): Promise<SteadyProducer> {
    return new SteadyProducer(await LoadConnection.connect(address), load);
  }

  /** Stops once all messages are answered. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await this.#sending;
    await this.#receiving;
    this.#connection.close();
  }

  async #send(): Promise<void> {
    for (let dueMs = performance.now(); !this.#isStopped; dueMs += this.#intervalMs) {
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      await this.#sendOne();
    }
    // Its answer shows that no other is pending.
    await this.#sendOne();
  }

  async #sendOne(): Promise<void> {
    this.#sentMs.push(performance.now());
    await this.#connection.send(this.#frame);
  }

  async #receive(): Promise<void> {
    while (!this.#isStopped || this.#sentMs.length > 0) {
      const answer = await this.#connection.receive();
      this.latencies.record(performance.now() - this.#sentMs.shift()!);
      const { responses } = decodeResponse(produce, PRODUCE_VERSION, answer);
      expectNone(responses[0]!.partitionResponses[0]!.errorCode, "produce");
    }
  }
}
