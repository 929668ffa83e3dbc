/**
 * Simulates a broker, its clients and a bad disk, in steps that a seed repeats exactly.
 *
 * Each step has its own random numbers, derived from the seed and the step's number. Steps can be left out
 * without changing what the others draw, which makes it possible to shrink a failure.
 *
 * @module
 */

import { Random } from "../../protocol/random_testing.ts";
import type { BrokerSettings } from "../../broker/mod.ts";
import { preload } from "../../broker/preload.ts";
import type { FailingOperation } from "../../storage/file_system/faulty_file_system_testing.ts";
import type { MemoryFileSystem } from "../../storage/mod.ts";
import { Administrator } from "./administrator.ts";
import { Auditor } from "./audit.ts";
import { Committer } from "./committer.ts";
import { Consumer } from "./consumer.ts";
import { replaceGlobals } from "./deterministic_globals.ts";
import { flipBit } from "./flipped_bit.ts";
import { loseFiles, RECOVERY_POINTS } from "./lost_files.ts";
import { type Crash, DATA_FOLDER, Machine, MachineDown } from "./machine.ts";
import type { TopicModel } from "./model.ts";
import { ProducerIds } from "./lane.ts";
import { mix } from "./mix.ts";
import { Producer } from "./producer.ts";
import { RecordBook } from "./record_book.ts";
import { Violation } from "./violation.ts";
import { liveTopics, type World } from "./world.ts";

/** The faults, by the names under which they can be left out. */
export const FAULTS = [
  "kill",
  "power",
  "disk-full",
  "failed-write",
  "failed-read",
  "failed-sync",
  "short-write",
  "slow-sync",
  "lost-file",
  "flipped-bit",
  "cut-connection",
] as const;

/** The name of a fault. */
export type Fault = typeof FAULTS[number];

/** Options of a simulation. */
export interface SimulationOptions {
  readonly seed: number;
  /** Numbers of the steps to take, ascending. */
  readonly steps: readonly number[];
  /** Faults to leave out. Default: none. */
  readonly without?: ReadonlySet<Fault>;
  /** Called with a line for each event. */
  readonly onTrace?: (line: string) => void;
}

/** The result of a simulation. */
export interface SimulationResult {
  /** The step and error of the failure, if it failed. */
  readonly failure: { readonly step: number; readonly error: unknown } | undefined;
  /** A hash of all events: the same for the same seed and steps. */
  readonly fingerprint: number;
  readonly crashes: number;
  readonly records: number;
  /** The disk at the end. */
  readonly disk: MemoryFileSystem;
}

/** Steps after which a planned crash happens at the latest. */
const MAX_STEPS_TO_CRASH = 25;
/** Steps after which a broker whose disk has failed is restarted. */
const MAX_STEPS_WITH_FAILURE = 20;
/** How many starts in a row may be interrupted. */
const MAX_STARTS = 4;
const MAX_VERIFY_ATTEMPTS = 200;

/** Runs a simulation to its end, or to the first broken promise. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  // What a broker loads when it needs it must be there: a simulation does not wait for files.
  await preload();
  const result = await run(new Simulation(options), options.seed);
  // The simulation was one turn of the event loop, which keeps the targets of weak references alive.
  await new Promise((resolve) => setTimeout(resolve));
  return result;
}

async function run(simulation: Simulation, seed: number): Promise<SimulationResult> {
  using _ = replaceGlobals({
    random: new Random(mix(seed, -1)),
    now: () => simulation.machine.clock.now(),
    onTimer: (callback) => simulation.machine.onTimer(callback),
  });
  return await simulation.run();
}

class Simulation implements World {
  readonly machine: Machine;
  readonly book = new RecordBook();
  readonly topics: TopicModel[] = [];
  readonly #options: SimulationOptions;
  readonly #producers: Producer[];
  readonly #consumers: Consumer[];
  readonly #committers: Committer[];
  readonly #administrator = new Administrator("admin", this);
  readonly #auditor = new Auditor("auditor", this);
  #step = -1;
  #fingerprint = 0;
  #crashes = 0;
  /** The planned crash, and the step at which it happens at the latest. */
  #crash: { readonly kind: Crash; readonly step: number } | undefined;
  #restartStep = Infinity;
  #hasLostRecoveryPoints = false;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.machine = new Machine(new Random(mix(options.seed, 0)), (line) => this.trace(line));
    const producerIds = new ProducerIds();
    this.#producers = ([
      [true, -1],
      [true, -1],
      [true, 1],
      [false, -1],
      [false, 1],
      [false, 0],
    ] as const).map(([isIdempotent, acks], i) =>
      new Producer(`producer ${i}`, this, { isIdempotent, acks }, producerIds)
    );
    this.#consumers = [0, 1].map((i) => new Consumer(`consumer ${i}`, this));
    this.#committers = [0, 1].map((i) => new Committer(`group-${i}`, this));
  }

  get random(): Random {
    return this.machine.random;
  }

  trace(event: string): void {
    this.#options.onTrace?.(`${this.#step} ${event}`);
    let hash = this.#fingerprint;
    for (let i = 0; i < event.length; i++) hash = Math.imul(hash ^ event.charCodeAt(i), 0x01000193);
    this.#fingerprint = hash >>> 0;
  }

  async run(): Promise<SimulationResult> {
    let failure: SimulationResult["failure"];
    try {
      await this.#restart(undefined);
      for (const step of this.#options.steps) {
        this.#step = step;
        this.machine.random = new Random(mix(this.#options.seed, step + 1));
        await this.#act();
      }
      this.machine.fs.heal();
      await this.#restart(this.#isLeftOut("power") ? undefined : "power");
      await this.#restart(undefined);
    } catch (error) {
      failure = { step: this.#step, error };
    }
    return {
      failure,
      fingerprint: this.#fingerprint,
      crashes: this.#crashes,
      records: this.book.count,
      disk: this.machine.fs.disk,
    };
  }

  async #act(): Promise<void> {
    const { machine, random } = this;
    const act = random.weighted<() => void | Promise<void>>([
      [40, () => random.pick(this.#producers).act()],
      [12, () => random.pick(this.#consumers).act()],
      [5, () => random.pick(this.#committers).act()],
      [10, () => machine.clock.advance(random.below(60))],
      [4, () => machine.clock.advance(random.below(4000))],
      [1.5, () => this.#administrator.createTopic()],
      [0.5, () => this.#administrator.deleteTopic()],
      [1, () => this.#administrator.alterConfigs()],
      [0.4, () => this.#administrator.addPartition()],
      [2, () => this.#administrator.deleteRecords()],
      [1, () => this.#auditSome()],
      [1, () => this.#planCrash()],
      [0.4, () => this.#restart(undefined)],
      [2, () => this.#fail()],
    ]);
    await this.#unlessDown(async () => {
      await act();
      await machine.turn();
      for (let i = random.below(4); i > 0; i--) {
        machine.progress();
        await machine.turn();
      }
    });
    await this.#recoverIfDue();
  }

  /** Runs something that ends early if the machine goes down. */
  async #unlessDown(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (!(error instanceof MachineDown)) throw error;
    }
  }

  #isLeftOut(fault: Fault): boolean {
    return this.#options.without?.has(fault) ?? false;
  }

  #planCrash(): void {
    const kind: Crash = this.random.chance(0.4) ? "kill" : "power";
    const changes = 1 + this.random.below(30);
    if (this.#isLeftOut(kind) || this.#crash !== undefined) return;
    this.trace(`plans ${kind} after ${changes} changes`);
    this.#crash = { kind, step: this.#step + MAX_STEPS_TO_CRASH };
    this.machine.fs.crashAfter(changes);
  }

  /** Causes a fault. */
  #fail(): void {
    const { random, machine: { fs } } = this;
    const left = random.below(8);
    const failNext = (operation: FailingOperation, code: string) => {
      fs.failNext(operation, code, left);
      this.#restartStep = Math.min(this.#restartStep, this.#step + MAX_STEPS_WITH_FAILURE);
    };
    const [fault, fail] = random.weighted<readonly [Fault, () => void]>([
      [3, ["disk-full", () => this.#fillDisk()]],
      [1, ["failed-write", () => failNext(random.pick(["append", "create", "rename"]), "EIO")]],
      [2, ["failed-read", () => fs.failNext("read", "EIO", left >> 1)]],
      [1, ["failed-sync", () => failNext("sync", random.pick(["EIO", "ENOSPC"]))]],
      [2, ["short-write", () => fs.shortWriteRate = random.pick([0, 0.3])]],
      [3, ["slow-sync", () => fs.slowSyncRate = random.pick([0, 0.8, 0.97])]],
      [2, ["cut-connection", () => random.pick(this.#producers).disconnect()]],
    ]);
    if (this.#isLeftOut(fault)) return;
    this.trace(`has ${fault}`);
    fail();
  }

  #fillDisk(): void {
    const { fs } = this.machine;
    if (fs.freeBytes < Infinity) fs.heal();
    else fs.freeBytes = this.random.below(2000);
  }

  /** Checks a partition while other clients use it. */
  async #auditSome(): Promise<void> {
    const topics = liveTopics(this);
    if (!this.machine.isUp || topics.length === 0 || this.machine.hasFailed) return;
    const topic = this.random.pick(topics);
    const partition = this.random.pick(topic.partitions);
    await this.machine.drive(this.#auditor.auditLive(partition));
  }

  async #recoverIfDue(): Promise<void> {
    const { fs } = this.machine;
    const crash = this.#crash;
    if (fs.hasCrashed || (crash !== undefined && this.#step >= crash.step)) {
      await this.#restart(crash!.kind);
    } else if (this.#step >= this.#restartStep) await this.#restart("kill");
  }

  /** Restarts the broker, after a crash if one is given, otherwise cleanly; then compares everything. */
  async #restart(crash: Crash | undefined): Promise<void> {
    const { machine } = this;
    let next = crash;
    for (let attempt = 1;; attempt++) {
      await this.#end(next, attempt === 1);
      // Without recovery points, gaps of a power failure cannot be distinguished from those of compaction.
      const mayCrash = attempt < MAX_STARTS && !this.#hasLostRecoveryPoints;
      if (mayCrash && this.random.chance(0.2)) this.#planCrash();
      try {
        if (attempt < MAX_STARTS && this.random.chance(0.1) && !this.#isLeftOut("failed-read")) {
          await this.#startBadly();
          next = "kill";
          continue;
        }
        await machine.start(this.#drawConfig());
        this.#hasLostRecoveryPoints = false;
        this.#administrator.forgetNames();
        await machine.drive(this.#auditor.auditAll());
        for (const committer of this.#committers) await this.#verify(committer);
        return;
      } catch (error) {
        if (!(error instanceof MachineDown)) throw error;
        next = this.#crash!.kind;
      }
    }
  }

  async #end(crash: Crash | undefined, isFirst: boolean): Promise<void> {
    const kind = crash ?? await this.#stop();
    this.trace(`ends by ${kind ?? "stop"}`);
    if (kind !== undefined) {
      this.#crashes++;
      this.machine.crash(kind);
      for (const { partitions } of this.topics) {
        for (const partition of partitions) partition.mayLose(kind);
      }
    }
    this.#crash = undefined;
    this.#restartStep = Infinity;
    if (this.random.chance(0.15)) this.#spoil(kind, isFirst);
  }

  /**
   * Loses files, or flips a bit. One seed does only one of them: records that are damaged and cannot be
   * rebuilt from other files either would be lost.
   */
  #spoil(kind: Crash | undefined, isFirst: boolean): void {
    const flips = (this.#options.seed & 1) === 1;
    if (flips && !this.#isLeftOut("flipped-bit")) this.#flipBit();
    if (!flips && !this.#isLeftOut("lost-file")) {
      const lost = loseFiles(
        this.machine.fs.disk,
        DATA_FOLDER,
        this.random,
        isFirst && kind !== "power",
      );
      this.trace(`loses ${lost}`);
      if (lost.includes(`${DATA_FOLDER}/${RECOVERY_POINTS}`)) this.#hasLostRecoveryPoints = true;
    }
  }

  #flipBit(): void {
    const { machine, random } = this;
    const topics = liveTopics(this);
    if (topics.length === 0) return;
    const partition = random.pick(random.pick(topics).partitions);
    if (partition.isDamaged) return;
    const damage = flipBit(machine.fs.disk, DATA_FOLDER, `${partition}`, random);
    if (damage === undefined) return;
    this.trace(`damages ${partition} at ${damage.firstOffset} to ${damage.lastOffset}`);
    partition.damage(damage);
    machine.isDamaged = true;
  }

  /** Shuts the broker down cleanly; returns the crash that happened instead, if any. */
  async #stop(): Promise<Crash | undefined> {
    const { machine } = this;
    if (!machine.isUp) return undefined;
    try {
      await machine.stop();
      return undefined;
    } catch (error) {
      if (error instanceof MachineDown) return this.#crash!.kind;
      if (error instanceof Violation || !machine.hasFailed) throw error;
      return "kill";
    }
  }

  /** Tries to start the broker on a failing disk. */
  async #startBadly(): Promise<void> {
    const { machine, random } = this;
    const { fs } = machine;
    const operation = random.pick<FailingOperation>(["read", "append", "create", "sync", "rename"]);
    fs.failNext(operation, random.pick(["EIO", "ENOSPC"]), random.below(20));
    try {
      await machine.start(this.#drawConfig());
    } catch (error) {
      if (error instanceof MachineDown || error instanceof Violation || !machine.hasFailed) {
        throw error;
      }
      this.trace(`does not start: ${(error as Error).message}`);
    }
  }

  async #verify(committer: Committer): Promise<void> {
    for (let attempt = 0; attempt < MAX_VERIFY_ATTEMPTS; attempt++) {
      if (await this.machine.drive(committer.verify())) return;
      this.machine.progress();
    }
    throw new Violation(`${committer.name} cannot look up its offsets`);
  }

  #drawConfig(): Partial<BrokerSettings> {
    const { random } = this;
    return {
      "batch.cache.bytes": random.pick([0, 2000, 1 << 20]),
      "open.files.max": random.pick([8, 1000]),
      "log.retention.check.interval.ms": 2000,
      "log.cleaner.backoff.ms": random.pick([300, 3000]),
      "log.flush.offset.checkpoint.interval.ms": random.pick([700, 5000]),
      "offsets.topic.num.partitions": 2,
      "offsets.topic.segment.bytes": 4000,
      "offsets.retention.minutes": 1 << 20,
    };
  }
}
