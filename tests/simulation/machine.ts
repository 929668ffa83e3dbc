/**
 * A machine with a disk, on which a broker runs until it is stopped or killed, or the power fails.
 *
 * Everything that waits for the disk or for time continues when the machine says so. A turn is a fixed
 * number of microtasks, so that each turn runs the same work every time.
 *
 * @module
 */

import { type BrokerParts, partsOf } from "../../broker/broker.ts";
import {
  Broker,
  type BrokerSettings,
  type Clock,
  type Logger,
  ManualClock,
} from "../../broker/mod.ts";
import type { Random } from "../../protocol/random_testing.ts";
import { FaultyFileSystem } from "../../storage/file_system/faulty_file_system_testing.ts";
import { type FileSystem, MemoryFileSystem } from "../../storage/mod.ts";
import { forgetWaitingTasks } from "../../storage/time_slice.ts";
import { Connection } from "./connection.ts";
import { check, Violation } from "./violation.ts";

/** Path of the data folder. */
export const DATA_FOLDER = "/data";

/** How a broker crashed: `power` leaves less on disk than `kill`. */
export type Crash = "kill" | "power";

/** Thrown when the broker or the machine goes down while something waits for it. */
export class MachineDown extends Error {
  override name = "MachineDown";
}

/** Microtasks in a turn. */
const TURN = 40;
/** Turns without progress, waiting for nothing but time, after which a broker counts as hanging. */
const MAX_IDLE_TURNS = 4000;
const IDLE_MS = 50;
/** Log messages about damage. */
const DAMAGE_REPORTS = ["Found damaged records; they are not served", "Cannot compact"];

/** A machine, and the broker on it. */
export class Machine {
  readonly clock: ManualClock = new ManualClock();
  /** The random numbers of the current step. */
  random: Random;
  /** Probability that a timer ends before an operation of the disk. */
  timerProbability = 0.5;
  #fs: FaultyFileSystem;
  #broker: Broker | undefined;
  #process: ProcessClock | undefined;
  #connections: Connection[] = [];
  #timers: (() => void)[] = [];
  #violation: unknown;
  /** Whether data on the disk was damaged. */
  isDamaged = false;
  readonly #log: (line: string) => void;

  /** Makes a machine with an empty disk and no broker. */
  constructor(random: Random, log: (line: string) => void) {
    this.random = random;
    this.#log = log;
    this.#fs = this.#mount(new MemoryFileSystem({ now: () => this.clock.now() }));
  }

  /** The disk as the broker sees it. */
  get fs(): FaultyFileSystem {
    return this.#fs;
  }

  /** The parts of the broker that runs. */
  get parts(): BrokerParts {
    return partsOf(this.#broker!);
  }

  /** Whether a broker runs and the machine is up. */
  get isUp(): boolean {
    return this.#broker !== undefined && !this.#fs.hasCrashed;
  }

  /** Whether something has failed since the broker was started, so that it may answer with errors. */
  get hasFailed(): boolean {
    return this.#fs.failureCount > 0;
  }

  #mount(disk: MemoryFileSystem): FaultyFileSystem {
    return new FaultyFileSystem(disk, () => this.random.next());
  }

  /** Adds a timer's callback, which `advance` and `drive` call. */
  onTimer(callback: () => void): void {
    this.#timers.push(callback);
  }

  /** Runs everything that does not wait for the disk or for time. */
  async turn(count = TURN): Promise<void> {
    for (let i = 0; i < count; i++) await undefined;
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** Completes one pending operation or timer; returns whether there was one. */
  progress(): boolean {
    const timers = this.#timers;
    const isDiskIdle = this.#fs.waitingCount === 0;
    if (timers.length > 0 && (isDiskIdle || this.random.chance(this.timerProbability))) {
      timers.splice(this.random.below(timers.length), 1)[0]!();
      return true;
    }
    return this.#fs.complete();
  }

  /** Runs something in the background. If it throws, the next turn throws. */
  spawn(task: () => Promise<void>): void {
    task().catch((error) => {
      if (!(error instanceof MachineDown)) this.#violation ??= error;
    });
  }

  /**
   * Completes pending operations and timers until a promise settles.
   *
   * @throws {MachineDown} If the machine goes down meanwhile.
   * @throws {Violation} If it never settles.
   */
  async drive<T>(promise: Promise<T>): Promise<T> {
    let settle: (() => T) | undefined;
    promise.then((value) => settle = () => value, (error) => {
      settle = () => {
        throw error;
      };
    });
    for (let idle = 0;;) {
      await this.turn();
      if (this.#fs.hasCrashed) throw new MachineDown();
      if (settle !== undefined) return settle();
      if (this.progress()) idle = 0;
      else if (++idle > 3) this.clock.advance(IDLE_MS);
      check(idle < MAX_IDLE_TURNS, () => "The broker hangs");
    }
  }

  /** Starts a broker on the disk. */
  async start(config: Partial<BrokerSettings>): Promise<void> {
    check(this.#broker === undefined, () => "A broker is running already");
    const process = new ProcessClock(this.clock);
    this.#process = process;
    this.#broker = await this.drive(Broker.start({
      listen: [],
      fileSystem: this.#fs as FileSystem,
      clock: process,
      logger: this.#logger(this.#fs),
      config: { ...config, "log.dirs": DATA_FOLDER },
    }));
  }

  /** Fails on errors in the log, unless a fault of the disk explains them. */
  #logger(fs: FaultyFileSystem): Logger {
    const write = (level: string, message: string, fields: unknown) => {
      if (fs === this.#fs && !fs.hasCrashed) this.#log(`${level} ${message} ${inspect(fields)}`);
    };
    return {
      error: (message, fields = {}) => {
        write("ERROR", message, fields);
        if (fs !== this.#fs || fs.hasCrashed || fs.failureCount > 0) return;
        if (this.isDamaged && DAMAGE_REPORTS.includes(message)) return;
        this.#violation ??= new Violation(`The broker logs "${message}": ${inspect(fields)}`, {
          cause: fields.error,
        });
      },
      warn: (message, fields = {}) => write("WARN", message, fields),
      info: (message, fields = {}) => write("INFO", message, fields),
      debug: () => {},
    };
  }

  /** A connection to the broker, or nothing if none runs. */
  connect(): Connection | undefined {
    if (!this.isUp) return undefined;
    const fs = this.#fs;
    const connection = new Connection(this.#broker!.connect(), () => !fs.hasCrashed);
    this.#connections.push(connection);
    return connection;
  }

  /** Shuts the broker down cleanly. */
  async stop(): Promise<void> {
    await this.drive(this.#broker!.close());
    const { disk } = this.#fs;
    this.#end();
    this.#fs = this.#mount(disk.clone({ unsynced: "kept" }));
  }

  /** Kills the broker, or cuts the power of the machine. */
  crash(crash: Crash): void {
    this.#fs.crash();
    const { disk } = this.#fs;
    this.#end();
    const random = () => this.random.next();
    const left = crash === "kill"
      ? disk.clone({ unsynced: "kept" })
      : this.random.chance(0.3)
      ? disk.clone({ unsynced: "lost" })
      : disk.clone({ unsynced: "mixed", random });
    this.#fs = this.#mount(left);
  }

  #end(): void {
    this.#process?.end();
    for (const connection of this.#connections) connection.cut();
    this.#connections = [];
    this.#timers = [];
    forgetWaitingTasks();
    this.#broker = this.#process = undefined;
  }
}

/** The clock of one process, whose timers end with it. */
class ProcessClock implements Clock {
  readonly #clock: ManualClock;
  readonly #timers: Set<number> = new Set();
  #hasEnded = false;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  setTimeout(callback: () => void, ms: number): number {
    if (this.#hasEnded) return 0;
    const id = this.#clock.setTimeout(() => {
      this.#timers.delete(id);
      callback();
    }, ms);
    this.#timers.add(id);
    return id;
  }

  clearTimeout(id: number): void {
    this.#timers.delete(id);
    this.#clock.clearTimeout(id);
  }

  yield(): Promise<void> {
    return this.#hasEnded ? new Promise(() => {}) : this.#clock.yield();
  }

  end(): void {
    this.#hasEnded = true;
    for (const id of this.#timers) this.#clock.clearTimeout(id);
    this.#timers.clear();
  }
}

function inspect(fields: unknown): string {
  return Deno.inspect(fields, { depth: 3, breakLength: Infinity, compact: true });
}
