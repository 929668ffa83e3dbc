/**
 * A machine of a cluster: a disk, clocks, and the broker's process, which is started again whenever it
 * has ended.
 *
 * @module
 */

import {
  Broker,
  type BrokerSettings,
  type FrameChannel,
  type Logger,
} from "../../../broker/mod.ts";
import { partsOf } from "../../../broker/broker.ts";
import { partitionOf } from "../../../broker/coordinators/coordinator_topic.ts";
import { OFFSETS_TOPIC } from "../../../broker/groups/offsets_topic.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import { FaultyFileSystem } from "../../../storage/file_system/faulty_file_system_testing.ts";
import { MemoryFileSystem } from "../../../storage/mod.ts";
import type { SimEtcd } from "./etcd.ts";
import type { ServedPartition } from "./leader_watch.ts";
import { SimMetadataStore, type SimSession, type StoreWeather } from "./metadata_store.ts";
import type { Host, SimNetwork } from "./network.ts";
import { type ClockError, Process } from "./process.ts";

/** Path of the data folder. */
export const DATA_FOLDER = "/data";
const PORT = 9092;

/** How a broker's process ends. */
export type Crash = "kill" | "power";

/** What a machine needs to know. */
export interface ClusterMachineOptions {
  readonly id: number;
  readonly network: SimNetwork;
  readonly etcd: SimEtcd;
  readonly config: Partial<BrokerSettings>;
  random(): Random;
  /** @param details What follows the line, if somebody reads it. */
  log(line: string, details?: () => string): void;
  /** Called with what the broker must not do. */
  onViolation(error: unknown): void;
}

/** What the broker's process is doing. */
export type MachineState = "down" | "starting" | "up" | "stopping";

/** The syncs and reads of a good disk take less. */
export const GOOD_DISK_MS = 1.5;
/** Delay of a start, and of another after a failed one. */
const BOOT_MS = 50;
const RESTART_MS = 1000;

/** A machine. */
export class ClusterMachine implements Host {
  readonly id: number;
  readonly name: string;
  readonly weather: StoreWeather = {
    isAway: false,
    lossRate: 0,
    lagMs: 0,
    watchLagMs: 0,
    echoRate: 0,
    badUntilMs: 0,
  };
  readonly #options: ClusterMachineOptions;
  #clockError: ClockError = { offsetMs: 0, rate: 1 };
  #fs: FaultyFileSystem;
  #process: Process | undefined;
  #broker: Broker | undefined;
  #session: SimSession | undefined;
  #state: MachineState = "down";
  #pendingOperations = 0;
  #isWanted = false;
  #hasPower = true;
  #lives = 0;
  /** Whether its disk was replaced, and no broker has started on the new one since. */
  isDiskLost = false;
  /** Longest time that an operation of the disk takes, in milliseconds. */
  diskMs = GOOD_DISK_MS;

  constructor(options: ClusterMachineOptions) {
    this.#options = options;
    this.id = options.id;
    this.name = `broker-${options.id}`;
    this.#fs = this.#mount(new MemoryFileSystem({ now: () => options.network.timeline.nowMs }));
  }

  #mount(disk: MemoryFileSystem): FaultyFileSystem {
    return new FaultyFileSystem(disk, () => this.#options.random().next());
  }

  /** The disk as the broker sees it. */
  get fs(): FaultyFileSystem {
    return this.#fs;
  }

  /** What the broker's process does. */
  get state(): MachineState {
    return this.#state;
  }

  /** Whether the broker serves clients. */
  get isUp(): boolean {
    return this.#state === "up";
  }

  /** Whether the process is stopped by a signal. */
  get isPaused(): boolean {
    return this.#process?.isPaused === true;
  }

  get hasPower(): boolean {
    return this.#hasPower;
  }

  /** Number of its processes so far: tells one from the next. */
  get life(): number {
    return this.#lives;
  }

  get isListening(): boolean {
    return this.#state === "up" && !this.#fs.hasCrashed;
  }

  get isPastDeadline(): boolean {
    const [process, session] = [this.#process, this.#session];
    return process !== undefined && session !== undefined &&
      process.monotonic() >= session.deadline;
  }

  get renewals(): number {
    return this.#session?.renewals ?? 0;
  }

  /** The partitions that clients are served of. */
  *served(): Generator<ServedPartition, void> {
    if (this.#broker === undefined || this.isPaused) return;
    const { topics } = partsOf(this.#broker).context;
    for (const { id: topicId, partitions } of topics.all()) {
      for (const [index, partition] of partitions.entries()) {
        if (partition?.isServed !== true) continue;
        yield { topicId, index, leaderEpoch: partition.leaderEpoch };
      }
    }
  }

  /** The epoch in which the broker knows a partition. */
  leaderEpochOf(topicId: string, index: number): number | undefined {
    if (this.#broker === undefined) return undefined;
    return partsOf(this.#broker).context.topics.byId(topicId)?.partitions[index]?.leaderEpoch;
  }

  /** The partition that a group belongs to. */
  partitionOfGroup(groupId: string): { topicId: string; index: number } | undefined {
    if (this.#broker === undefined) return undefined;
    const topic = partsOf(this.#broker).context.topics.get(OFFSETS_TOPIC);
    if (topic === undefined) return undefined;
    return { topicId: topic.id, index: partitionOf(groupId, topic.partitions.length) };
  }

  enter(callback: () => void): void {
    if (this.#process === undefined) callback();
    else this.#process.enter(callback);
  }

  accept(): FrameChannel | undefined {
    try {
      return this.isListening ? this.#broker!.connectHere() : undefined;
    } catch {
      // It is closing.
      return undefined;
    }
  }

  /** Makes the machine run a broker from now on. */
  start(): void {
    this.#isWanted = true;
    this.#hasPower = true;
    if (this.#state === "down") this.#startSoon(BOOT_MS);
  }

  #startSoon(ms: number): void {
    const life = this.#lives;
    this.#options.network.timeline.after(ms, () => {
      if (this.#isWanted && this.#state === "down" && life === this.#lives) void this.#start();
    });
  }

  async #start(): Promise<void> {
    const { network, etcd, config, random, log } = this.#options;
    const { timeline } = network;
    const process = new Process(timeline, this.#clockError, random().below(1 << 30));
    this.#process = process;
    this.#state = "starting";
    this.#lives++;
    const fs = this.#fs;
    try {
      const broker = await Broker.start({
        listen: [],
        fileSystem: fs,
        clock: process,
        logger: this.#logger(process),
        surroundings: {
          network: {
            connect: (address, signal) => network.connect(this, address.host, signal),
          },
          openStore: () => {
            const { weather } = this;
            const onSession = (session: SimSession) => {
              if (process.isAlive) this.#session = session;
            };
            return Promise.resolve(
              new SimMetadataStore({ etcd, timeline, process, weather, random, onSession }),
            );
          },
        },
        config: {
          ...config,
          "log.dirs": DATA_FOLDER,
          "node.id": this.id,
          "metadata": "etcd://etcd:2379/simulation",
          "advertised.listeners": [`${this.name}:${PORT}`],
        },
      });
      if (process !== this.#process || !process.isAlive) return;
      this.#broker = broker;
      this.isDiskLost = false;
      this.#state = "up";
      log(`${this.name} is up`);
    } catch (error) {
      if (process !== this.#process || !process.isAlive) return;
      log(`${this.name} does not start: ${(error as Error).message}`);
      this.#end("kill");
      if (this.#isWanted) this.#startSoon(RESTART_MS);
    }
  }

  #logger(process: Process): Logger {
    const write = (level: string, message: string, fields: unknown) => {
      if (!process.isAlive) return;
      this.#options.log(`${this.name} ${level} ${message}`, () => ` ${inspect(fields)}`);
    };
    return {
      error: (message, fields = {}) => {
        write("ERROR", message, fields);
        if (!process.isAlive || this.#fs.failureCount > 0) return;
        this.#options.onViolation(
          new Error(`${this.name} logs "${message}": ${inspect(fields)}`, { cause: fields.error }),
        );
      },
      warn: (message, fields = {}) => write("WARN", message, fields),
      info: (message, fields = {}) => write("INFO", message, fields),
      debug: () => {},
    };
  }

  /** Schedules the ends of operations that wait for the disk. */
  serveDisk(): void {
    const fs = this.#fs;
    for (; this.#pendingOperations < fs.waitingCount; this.#pendingOperations++) {
      const ms = 0.05 + this.#options.random().next() * this.diskMs;
      this.#options.network.timeline.after(ms, () => {
        this.enter(() => {
          if (fs !== this.#fs) return;
          this.#pendingOperations--;
          fs.complete();
          if (fs.hasCrashed) this.crash("kill");
        });
      });
    }
    // A change that is not waited for can crash the machine, too.
    if (fs.hasCrashed && this.#process !== undefined) this.crash("kill");
  }

  /** Shuts the broker down in good order, without a new start. */
  stop(): void {
    this.#isWanted = false;
    if (this.#state !== "up") return;
    const process = this.#process!;
    this.#state = "stopping";
    const end = () => {
      this.#end("kill");
      if (this.#isWanted) this.#startSoon(BOOT_MS);
    };
    this.#broker!.close().then(
      () => process === this.#process && end(),
      (error) => {
        if (process !== this.#process) return;
        if (this.#fs.failureCount === 0) this.#options.onViolation(error);
        else end();
      },
    );
  }

  /** Kills the broker, or cuts the power of the machine. It stays down. */
  crash(crash: Crash): void {
    this.#isWanted = false;
    if (crash === "power") this.#hasPower = false;
    this.#end(crash);
  }

  /** Replaces the disk by an empty one, while the machine is down. */
  loseDisk(): void {
    this.isDiskLost = true;
    this.#fs = this.#mount(
      new MemoryFileSystem({ now: () => this.#options.network.timeline.nowMs }),
    );
  }

  #end(crash: Crash): void {
    this.#process?.end();
    this.#process = this.#broker = this.#session = undefined;
    this.#state = "down";
    this.#fs.crash();
    this.#pendingOperations = 0;
    const { disk } = this.#fs;
    const random = this.#options.random();
    const left = crash === "kill"
      ? disk.clone({ unsynced: "kept" })
      : random.chance(0.5)
      ? disk.clone({ unsynced: "lost" })
      : disk.clone({ unsynced: "mixed", random: () => random.next() });
    this.#fs = this.#mount(left);
    this.#options.network.ended(this);
  }

  /** Stops the process with a signal. */
  pause(): void {
    this.#process?.pause();
  }

  /** Continues the process. */
  resume(): void {
    this.#process?.resume(this.#options.random().chance(0.5));
  }

  /** Makes the machine's clocks wrong. */
  setClock(error: ClockError): void {
    this.#clockError = error;
    this.#process?.setClock(error);
  }
}

function inspect(fields: unknown): string {
  return Deno.inspect(fields, { depth: 3, breakLength: Infinity, compact: true });
}
