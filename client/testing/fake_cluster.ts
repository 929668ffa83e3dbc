/**
 * A cluster in memory for tests of the SDK: answers requests like Kafka, and fails on demand.
 *
 * Each connection handles its requests in order, like a broker, so a waiting fetch blocks later
 * requests. A test overrides the response of an API with `on()`, or with `once()` for the next
 * request; both receive the default response.
 *
 * @module
 */

import { type FrameChannel, memoryChannels } from "../../protocol/frames/channel.ts";
import { codec } from "../../protocol/schema/codec.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  writeResponseHeader,
} from "../../protocol/frames/headers.ts";
import { apiByKey } from "../../protocol/messages/mod.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import type {
  Api,
  Encodable,
  Fields,
  RequestOf,
  ResponseTo,
} from "../../protocol/schema/schema.ts";
import { randomUuid } from "../../protocol/primitives/uuid.ts";
import type { EmbeddedBroker } from "../connection/dialer.ts";
import { WakeSignal } from "../connection/wake_signal.ts";
import { defaultAnswer } from "./fake_handlers.ts";
import { FakeLog } from "./fake_log.ts";

/** A request gets no response. */
export const NO_ANSWER = "no answer" as const;
/** The connection is closed instead of a response. */
export const DISCONNECT = "disconnect" as const;

/** The context of a request. */
export interface FakeContext<A extends Api> {
  readonly cluster: FakeCluster;
  readonly nodeId: number;
  readonly version: number;
  /** Aborted when the connection ends. */
  readonly signal: AbortSignal;
  /** The response without this handler: of the one for all requests, or the default. */
  usual(): Promise<ResponseTo<A>>;
}

/** Answers a request. */
export type FakeHandler<A extends Api> = (
  request: RequestOf<A>,
  context: FakeContext<A>,
) => Answer<A> | Promise<Answer<A>>;

type Answer<A extends Api> = ResponseTo<A> | typeof NO_ANSWER | typeof DISCONNECT;

// deno-lint-ignore no-explicit-any
type AnyHandler = (request: any, context: any) => unknown;

/** A topic of the fake cluster. */
export interface FakeTopic {
  readonly name: string;
  readonly id: string;
  readonly logs: FakeLog[];
}

/** The options of a fake cluster. */
export interface FakeClusterOptions {
  /** The number of brokers. Default: 1. */
  readonly brokers?: number;
  /** The number of partitions of each topic; leaders are assigned in turn. */
  readonly topics?: { readonly [name: string]: number };
  /** The highest versions to support, by API key; −1 disables the API. */
  readonly maxVersions?: { readonly [apiKey: number]: number };
  /** The levels of the finalized features. Default: none. */
  readonly features?: { readonly [name: string]: number };
}

/** A received request. */
export interface ReceivedRequest {
  readonly nodeId: number;
  readonly api: string;
  readonly version: number;
  // deno-lint-ignore no-explicit-any
  readonly body: any;
}

/** A cluster in memory. */
export class FakeCluster implements EmbeddedBroker {
  readonly nodeIds: readonly number[];
  readonly topics = new Map<string, FakeTopic>();
  readonly maxVersions: { readonly [apiKey: number]: number };
  /** The levels of the finalized features, as new connections learn them. */
  features: { readonly [name: string]: number };
  readonly requests: ReceivedRequest[] = [];
  /** Brokers that cannot be reached. */
  readonly down = new Set<number>();
  /** Brokers that take requests, and neither carry them out nor respond. */
  readonly silent = new Set<number>();
  /** Brokers that the cluster does not list. */
  readonly unlisted = new Set<number>();
  controllerId = 0;
  nextProducerId = 1000;
  readonly #handlers = new Map<number, AnyHandler>();
  readonly #once = new Map<number, AnyHandler[]>();
  readonly #channels = new Map<FrameChannel, number>();
  readonly #serving = new Set<Promise<void>>();
  readonly #arrivals = new WakeSignal();

  constructor(options: FakeClusterOptions = {}) {
    this.nodeIds = Array.from({ length: options.brokers ?? 1 }, (_, id) => id);
    this.maxVersions = options.maxVersions ?? {};
    this.features = options.features ?? {};
    for (const [name, partitions] of Object.entries(options.topics ?? {})) {
      this.createTopic(name, partitions);
    }
  }

  /** The number of open connections. */
  get connectionCount(): number {
    return this.#channels.size;
  }

  createTopic(name: string, partitions: number): FakeTopic {
    const topic: FakeTopic = { name, id: randomUuid(), logs: [] };
    this.topics.set(name, topic);
    this.addPartitions(name, partitions);
    return topic;
  }

  addPartitions(name: string, count: number): void {
    const { logs } = this.topics.get(name)!;
    while (logs.length < count) logs.push(new FakeLog(logs.length % this.nodeIds.length));
  }

  /** The log of an existing partition. */
  log(topic: string, partition = 0): FakeLog {
    return this.topics.get(topic)!.logs[partition]!;
  }

  /** Moves a partition to another leader. */
  moveLeader(topic: string, partition: number, leaderId: number): void {
    const log = this.log(topic, partition);
    log.leaderId = leaderId;
    log.leaderEpoch++;
    log.wake();
  }

  /** Overrides the response of an API. */
  on<A extends Api>(api: A, handler: FakeHandler<A>): void {
    this.#handlers.set(api.key, handler as AnyHandler);
  }

  /**
   * Overrides the response to the next request of an API; a second call applies to the one after.
   */
  once<A extends Api>(api: A, handler: FakeHandler<A>): void {
    const handlers = this.#once.get(api.key);
    if (handlers === undefined) this.#once.set(api.key, [handler as AnyHandler]);
    else handlers.push(handler as AnyHandler);
  }

  /** The requests of an API received so far. */
  received<A extends Api>(
    api: A,
  ): (Omit<ReceivedRequest, "body"> & { readonly body: RequestOf<A> })[] {
    return this.requests.filter((request) => request.api === api.name);
  }

  /** Resolves once `count` requests of an API have been received in total. */
  async untilReceived(api: Api, count: number): Promise<void> {
    while (this.received(api).length < count) await this.#arrivals.wait();
  }

  /** Closes all connections to a broker, or to all brokers. */
  disconnect(nodeId?: number): void {
    for (const [channel, id] of this.#channels) {
      if (nodeId === undefined || id === nodeId) channel.abort();
    }
  }

  connect(address: string): FrameChannel {
    const nodeId = this.#nodeAt(address);
    if (this.down.has(nodeId)) {
      throw new Deno.errors.ConnectionRefused(`Connection refused: ${address}`);
    }
    const [client, server] = memoryChannels(address);
    this.#channels.set(server, nodeId);
    const serving = this.#serve(server, nodeId).finally(() => this.#serving.delete(serving));
    this.#serving.add(serving);
    return client;
  }

  /** Resolves when all connections have ended and their requests are done. */
  async idle(): Promise<void> {
    while (this.#serving.size > 0) await Promise.all(this.#serving);
  }

  /** Brokers are at `broker-N:9092`; any other address is that of the first live broker. */
  #nodeAt(address: string): number {
    const match = /^broker-(\d+):/.exec(address);
    if (match !== null) return Number(match[1]);
    return this.nodeIds.find((id) => !this.down.has(id)) ?? 0;
  }

  /**
   * Queues requests and answers them in order. Queued requests are carried out even if the
   * connection ends, as with a real broker.
   */
  async #serve(channel: FrameChannel, nodeId: number): Promise<void> {
    const ended = new AbortController();
    let answering: Promise<void> = Promise.resolve();
    try {
      for (;;) {
        const frame = await channel.next();
        if (frame === null) break;
        answering = answering.then(() => this.#answer(channel, nodeId, frame, ended.signal));
        answering.catch(() => channel.abort());
      }
    } finally {
      channel.abort();
      this.#channels.delete(channel);
      ended.abort();
      await answering;
    }
  }

  async #answer(
    channel: FrameChannel,
    nodeId: number,
    frame: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.silent.has(nodeId)) return;
    const reader = new Reader(frame);
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader);
    const api = apiByKey(apiKey)!;
    const offered = this.maxVersions[apiKey] ?? api.versions.max;
    const isTooNew = apiKey === 18 && apiVersion > offered;
    const version = isTooNew ? 0 : apiVersion;
    let body: unknown = {};
    if (!isTooNew) {
      readRequestHeaderTags(reader, api, version);
      body = codec(api.request, version).decode(reader);
    }
    this.requests.push({ nodeId, api: api.name, version: apiVersion, body });
    this.#arrivals.notify();
    const context = { cluster: this, nodeId, version, signal };
    const byDefault = () =>
      Promise.resolve(defaultAnswer(this, nodeId, api, apiVersion, body, signal));
    const handler = this.#handlers.get(apiKey);
    const usual = handler === undefined
      ? byDefault
      : () => Promise.resolve(handler(body, { ...context, usual: byDefault }));
    const once = this.#once.get(apiKey)?.shift();
    const answer = once === undefined ? await usual() : await once(body, { ...context, usual });
    if (answer === NO_ANSWER) return;
    if (answer === DISCONNECT) return channel.abort();
    channel.out.beginFrame();
    writeResponseHeader(channel.out, api, version, correlationId);
    codec(api.response, version).encode(channel.out, answer as Encodable<Api<Fields>["response"]>);
    channel.out.endFrame();
    channel.flush();
  }
}
