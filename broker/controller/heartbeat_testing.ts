/**
 * Brokers that send each other heartbeats over a network and a store of tests, and can be killed,
 * paused and cut off. Time passes only when the test says so.
 *
 * @module
 */

import { type FrameChannel, memoryChannels } from "../../protocol/frames/channel.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  writeResponseHeader,
} from "../../protocol/frames/headers.ts";
import {
  brokerHeartbeat,
  type BrokerHeartbeatRequest,
} from "../../protocol/messages/cluster/broker_heartbeat.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import { codec } from "../../protocol/schema/codec.ts";
import { LogDirectory } from "../../storage/log_directory.ts";
import { MemoryFileSystem } from "../../storage/mod.ts";
import { silentLogger } from "../logger.ts";
import { BrokerConfig } from "../settings/config.ts";
import { type Clock, ManualClock } from "../time/clock.ts";
import { ClusterState } from "../cluster/cluster_state.ts";
import { ElectionManager } from "./election_manager.ts";
import { HeartbeatManager } from "./heartbeat_manager.ts";
import { LocalMetadataStore, METADATA_LOG_NAME } from "../metadata/local_metadata_store.ts";
import type { MetadataChange, MetadataSession, MetadataStore } from "../metadata/metadata_store.ts";
import { SharedMetadataStore } from "../metadata/shared_metadata_store.ts";

/** A step of time: no longer than anything that is waited for. */
const STEP_MS = 10;
/** Microtasks after which what a step has started has come to rest. */
const MICROTASKS = 300;
const VERSION = 1;
const CONFIG = BrokerConfig.from({ "min.insync.replicas": 2 });

/** A clock whose process can be paused: its timers then run late. */
class ProcessClock implements Clock {
  readonly #clock: ManualClock = new ManualClock();
  #skippedMs = 0;

  now(): number {
    return this.#clock.now() + this.#skippedMs;
  }

  monotonic(): number {
    return this.#clock.monotonic() + this.#skippedMs;
  }

  setTimeout(callback: () => void, ms: number): number {
    return this.#clock.setTimeout(callback, ms);
  }

  clearTimeout(id: number): void {
    this.#clock.clearTimeout(id);
  }

  yield(): Promise<void> {
    return Promise.resolve();
  }

  advance(ms: number): void {
    this.#clock.advance(ms);
  }

  /** Lets time pass in which no timer runs. */
  skip(ms: number): void {
    this.#skippedMs += ms;
  }

  get timerCount(): number {
    return this.#clock.timerCount;
  }
}

/** A session that a broker cannot rely on for ever. */
class ExpiringSession implements MetadataSession {
  readonly #session: MetadataSession;
  readonly name: string;

  readonly #isDoubtful: () => boolean;

  constructor(session: MetadataSession, name: string, isDoubtful: () => boolean) {
    this.#session = session;
    this.name = name;
    this.#isDoubtful = isDoubtful;
  }

  /** The session that the store knows. */
  get inner(): MetadataSession {
    return this.#session;
  }

  get deadline(): number {
    return Number.MAX_VALUE;
  }

  get isCertain(): boolean {
    return this.#session.isCertain && !this.#isDoubtful();
  }

  get lost(): Promise<void> {
    return this.#session.lost;
  }

  confirm(): Promise<boolean> {
    return this.#session.confirm();
  }

  end(): Promise<void> {
    return this.#session.end();
  }
}

/** A store that several brokers share, and whose sessions do not end when their brokers die. */
class ExpiringStore extends SharedMetadataStore {
  readonly #name: string;
  readonly #isDoubtful: () => boolean;
  #sessions = 0;

  constructor(store: MetadataStore, name: string, isDoubtful: () => boolean) {
    super(store);
    this.#name = name;
    this.#isDoubtful = isDoubtful;
  }

  override async session(ttlMs: number): Promise<MetadataSession> {
    const session = await super.session(ttlMs);
    return new ExpiringSession(session, `${this.#name}-${++this.#sessions}`, this.#isDoubtful);
  }

  override commit(
    changes: readonly MetadataChange[],
    options?: Parameters<SharedMetadataStore["commit"]>[1],
  ): Promise<number> {
    const inner = changes.map((change) =>
      "key" in change && change.session instanceof ExpiringSession
        ? { ...change, session: change.session.inner }
        : change
    );
    return super.commit(inner, options);
  }
}

/** A broker, as far as heartbeats are concerned. */
export class HeartbeatingBroker {
  readonly id: number;
  readonly clock: ProcessClock = new ProcessClock();
  readonly cluster: ClusterState;
  readonly heartbeats: HeartbeatManager;
  readonly elections: ElectionManager;
  isKilled = false;
  /** Resolves while the broker runs. */
  running: Promise<void> = Promise.resolve();
  resume: (() => void) | undefined;

  constructor(
    id: number,
    clock: ProcessClock,
    cluster: ClusterState,
    heartbeats: HeartbeatManager,
    elections: ElectionManager,
  ) {
    this.id = id;
    this.clock = clock;
    this.cluster = cluster;
    this.heartbeats = heartbeats;
    this.elections = elections;
  }

  get isPaused(): boolean {
    return this.resume !== undefined;
  }
}

/** Brokers that send each other heartbeats. */
export class HeartbeatingCluster implements AsyncDisposable {
  readonly store: LocalMetadataStore;
  readonly #brokers: HeartbeatingBroker[] = [];
  readonly #channels: Set<{ readonly ends: readonly number[]; readonly channel: FrameChannel }> =
    new Set();
  readonly #cuts: Set<string> = new Set();
  readonly #directory: LogDirectory;
  #processes = 0;
  /** Brokers that are not certain of their sessions. */
  readonly doubtful: Set<number> = new Set();
  /** The error that brokers answer heartbeats with; 0 for none. */
  refusal = 0;
  /** Errors that heartbeats have logged. */
  readonly errors: string[] = [];
  /** Heartbeats that were received. */
  heartbeatCount = 0;

  private constructor(store: LocalMetadataStore, directory: LogDirectory) {
    this.store = store;
    this.#directory = directory;
  }

  /** Starts brokers 1, 2 and so on; the first is the controller. */
  static async start(count: number): Promise<HeartbeatingCluster> {
    const clock = new ManualClock();
    const nowMs = clock.now();
    const directory = await LogDirectory.open(new MemoryFileSystem(), "/data", { nowMs });
    const log = directory.create(METADATA_LOG_NAME, { nowMs });
    const store = await LocalMetadataStore.open(log, { clock });
    const cluster = new HeartbeatingCluster(store, directory);
    for (let id = 1; id <= count; id++) await cluster.#start(id, false);
    await cluster.pass(500);
    return cluster;
  }

  /** The broker with an id. */
  broker(id: number): HeartbeatingBroker {
    return this.#brokers[id - 1]!;
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      for (const { clock, isPaused } of this.#brokers) {
        if (isPaused) clock.skip(STEP_MS);
        else clock.advance(STEP_MS);
      }
      await this.rest();
    }
  }

  /** Lets everything run that is due. */
  async rest(): Promise<void> {
    for (let i = 0; i < MICROTASKS; i++) await undefined;
  }

  /** Kills a broker: its connections end, and nothing listens at its address. */
  async kill(id: number): Promise<void> {
    const broker = this.broker(id);
    broker.isKilled = true;
    broker.heartbeats.close();
    broker.elections.close();
    for (const { ends, channel } of this.#channels) if (ends.includes(id)) channel.abort();
    await broker.cluster.close();
  }

  /** Stops a broker where it is. */
  pause(id: number): void {
    const broker = this.broker(id);
    broker.running = new Promise((resolve) => {
      broker.resume = () => {
        broker.resume = undefined;
        resolve();
      };
    });
  }

  /** Loses everything that two brokers send each other. */
  cut(one: number, other: number): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** Loses everything that a broker sends to another. */
  cutOneWay(from: number, to: number): void {
    this.#cuts.add(`${from}-${to}`);
  }

  /** Delivers again what brokers send each other. */
  heal(): void {
    this.#cuts.clear();
    for (const { channel } of this.#channels) channel.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { id, isKilled, resume } of this.#brokers) {
      resume?.();
      if (!isKilled) await this.kill(id);
    }
    await this.store.close();
    await this.#directory.close();
  }

  /** Starts a broker that was killed, as a new process. */
  async restart(id: number, hasCrashed = true): Promise<void> {
    await this.#start(id, hasCrashed);
  }

  async #start(id: number, hasCrashed: boolean): Promise<void> {
    const clock = new ProcessClock();
    const key = `directories/${id}`;
    const directory = { key, value: new TextEncoder().encode("{}") };
    const directoryRevision = await this.store.commit([directory]);
    const process = ++this.#processes;
    const cluster = await ClusterState.open({
      store: new ExpiringStore(
        this.store,
        `session-of-${id}-${process}`,
        () => this.doubtful.has(id),
      ),
      nodeId: id,
      clusterId: "cluster",
      identity: {
        directoryId: `directory-${id}`,
        directoryRevision,
        incarnation: `incarnation-${process}`,
        version: "1",
        hasCrashed,
      },
      clock,
      logger: silentLogger,
    });
    const heartbeats = new HeartbeatManager({
      cluster,
      network: { connect: ({ port }, signal) => this.#connect(id, port, signal) },
      clock,
      logger: { ...silentLogger, error: (message) => void this.errors.push(message) },
      settled: () => Promise.resolve(),
      mayShutDown: () => true,
    });
    const elections = new ElectionManager({ cluster, config: CONFIG, clock, logger: silentLogger });
    this.#brokers[id - 1] = new HeartbeatingBroker(id, clock, cluster, heartbeats, elections);
    await cluster.registerBroker({ host: "test", port: id, rack: null });
    heartbeats.start();
    elections.start();
  }

  #connect(from: number, to: number, signal: AbortSignal): Promise<FrameChannel> {
    if (this.#cuts.has(`${from}-${to}`)) {
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    }
    if (this.broker(to).isKilled) {
      return Promise.reject(new Deno.errors.ConnectionRefused("Nobody listens"));
    }
    const [ours, theirs] = memoryChannels();
    const end = { ends: [from, to], channel: theirs };
    this.#channels.add(end);
    this.#serve(from, to, theirs).finally(() => this.#channels.delete(end));
    return Promise.resolve(ours);
  }

  async #serve(from: number, to: number, channel: FrameChannel): Promise<void> {
    const broker = this.broker(to);
    const ended = new AbortController();
    try {
      for (;;) {
        const frame = await channel.next();
        if (frame === null) break;
        const reader = new Reader(frame);
        const { correlationId } = readRequestHeader(reader);
        readRequestHeaderTags(reader, brokerHeartbeat, VERSION);
        const request = codec(brokerHeartbeat.request, VERSION)
          .decode(reader) as BrokerHeartbeatRequest;
        await this.broker(from).running;
        await broker.running;
        if (broker.isKilled || this.#cuts.has(`${from}-${to}`)) continue;
        this.heartbeatCount++;
        const answer = broker.heartbeats.receive(request, ended.signal);
        const response = this.refusal === 0 ? answer : { ...answer, errorCode: this.refusal };
        if (this.#cuts.has(`${to}-${from}`)) continue;
        const { out } = channel;
        out.beginFrame();
        writeResponseHeader(out, brokerHeartbeat, VERSION, correlationId);
        codec(brokerHeartbeat.response, VERSION).encode(out, response);
        out.endFrame();
        channel.flush();
      }
    } catch {
      // The connection was cut.
    }
    ended.abort();
  }
}
