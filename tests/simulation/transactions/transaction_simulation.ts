/**
 * Simulates transactions on a broker with a bad disk and a bad network, in steps that a seed repeats exactly.
 *
 * @module
 */

import type { BrokerSettings } from "../../../broker/mod.ts";
import { preload } from "../../../broker/preload.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { createTopics } from "../../../protocol/messages/topics/create_topics.ts";
import { initProducerId } from "../../../protocol/messages/transactions/init_producer_id.ts";
import { Random } from "../../../protocol/random_testing.ts";
import type { FailingOperation } from "../../../storage/file_system/faulty_file_system_testing.ts";
import type { MemoryFileSystem } from "../../../storage/mod.ts";
import { replaceGlobals } from "../deterministic_globals.ts";
import { type Crash, Machine, MachineDown } from "../machine.ts";
import { mix } from "../mix.ts";
import { check, Violation } from "../violation.ts";
import { REQUEST_TIMEOUT_MS } from "../world.ts";
import { type Character, CHARACTERS } from "./character.ts";
import { GroupView } from "./group_view.ts";
import { Observer } from "./observer.ts";
import { PartitionView } from "./partition_view.ts";
import { PlainProducer } from "./plain_producer.ts";
import { TransactionBook } from "./transaction_book.ts";
import type { SharedPartition, TransactionWorld, Wire } from "./transaction_world.ts";
import { SingleWire } from "./single_wire.ts";
import { checkStableOnDisk } from "./stable_on_disk.ts";
import { TransactionalId } from "./transactional_id.ts";
import { INPUT_TOPIC, TransactionalProducer } from "./transactional_producer.ts";
import { wearOut } from "./worn_ids.ts";

/** The faults, by the names under which they can be left out. */
export const TRANSACTION_FAULTS = [
  "kill",
  "power",
  "restart",
  "disk-full",
  "failed-write",
  "failed-sync",
  "short-write",
  "slow-sync",
  "cut-connection",
  "dead-producer",
  "clock",
  "lost-request",
  "lost-answer",
  "late-request",
] as const;

/** The name of a fault. */
export type TransactionFault = typeof TRANSACTION_FAULTS[number];

/** Options of a simulation. */
export interface TransactionSimulationOptions {
  readonly seed: number;
  /** Numbers of the steps to take, ascending. */
  readonly steps: readonly number[];
  /** Faults to leave out. Default: none. */
  readonly without?: ReadonlySet<TransactionFault>;
  /** Called with a line for each event. */
  readonly onTrace?: (line: string) => void;
}

/** The result of a simulation. */
export interface TransactionSimulationResult {
  /** The step and error of the failure, if it failed. */
  readonly failure: { readonly step: number; readonly error: unknown } | undefined;
  /** A hash of all events: the same for the same seed and steps. */
  readonly fingerprint: number;
  readonly crashes: number;
  readonly records: number;
  /** How many transactions are known to be committed or aborted. */
  readonly decided: number;
  /** The disk at the end. */
  readonly disk: MemoryFileSystem;
}

const MAX_STEPS_TO_CRASH = 25;
const MAX_STEPS_WITH_FAILURE = 15;
const MAX_STARTS = 4;
/** Operations of the disk that may be pending while nobody writes. */
const MAX_OPERATIONS = 100;
const PRODUCERS = 5;
const TRANSACTIONAL_IDS = 4;
/** How many producers may act in one step. */
const MAX_AT_ONCE = 3;
/** Probability that a producer that is over is replaced when its turn comes. */
const REPLACEMENT = 0.2;
/** The longest time for which a transaction may be open. */
const MAX_TIMEOUT_MS = 6000;
/** Interval of the check for transactions that have timed out. */
const TIMEOUT_CHECK_MS = 500;
/** Interval of the check for transactional ids that have expired. */
const EXPIRY_CHECK_MS = 1000;
/** How many held requests there may be. */
const MAX_HELD = 8;
const NETWORK_FAULTS = { "lost-request": 0.02, "lost-answer": 0.04, "late-request": 0.03 };

/** Probability of a seed whose broker has a clock that jumps. */
const WRONG_CLOCK = 0.25;
/** By how much the broker's clock may be ahead. */
const CLOCK_OFFSETS_MS: readonly number[] = [-7000, -400, 0, 600, 9000];
const MAX_CLOCK_OFFSET_MS = 9000;
/** Probability of an id whose epochs are nearly used up. */
const WORN = 0.3;
/** When ids expire that are not used, in a third of the seeds. */
const SHORT_EXPIRATION_MS = 4000;
const LONG_EXPIRATION_MS = 604_800_000;
/** Probability that syncs are slow when a broker starts. */
const SLOW_START = 0.3;

/** The topics, with their partitions. All are flushed before an answer, as those of transactions should be. */
const TOPICS = [
  {
    name: "first",
    partitions: 2,
    configs: { "internal.segment.bytes": "1500", "compression.type": "lz4" },
  },
  { name: "second", partitions: 1, configs: { "internal.segment.bytes": "600" } },
  {
    name: "compacted",
    partitions: 1,
    configs: {
      "internal.segment.bytes": "900",
      "cleanup.policy": "compact",
      "min.cleanable.dirty.ratio": "0",
      "delete.retention.ms": "1000",
    },
  },
  { name: INPUT_TOPIC, partitions: 1, configs: {} },
];

/** Runs a simulation to its end, or to the first broken promise. */
export async function simulateTransactions(
  options: TransactionSimulationOptions,
): Promise<TransactionSimulationResult> {
  // What a broker loads when it needs it must be there: a simulation does not wait for files.
  await preload();
  const result = await run(new TransactionSimulation(options), options.seed);
  // The simulation was one turn of the event loop, which keeps the targets of weak references alive.
  await new Promise((resolve) => setTimeout(resolve));
  return result;
}

async function run(
  simulation: TransactionSimulation,
  seed: number,
): Promise<TransactionSimulationResult> {
  const { machine } = simulation;
  using _ = replaceGlobals({
    random: new Random(mix(seed, -1)),
    now: () => machine.clock.now(),
    monotonic: () => machine.clock.monotonic(),
    onTimer: (callback) => machine.onTimer(callback),
    lateProbability: simulation.character.lateProbability,
  });
  return await simulation.run();
}

class TransactionSimulation implements TransactionWorld {
  readonly machine: Machine;
  readonly book = new TransactionBook();
  readonly partitions: readonly SharedPartition[];
  readonly transactionalIds: readonly TransactionalId[];
  readonly topicIds: Map<string, string> = new Map();
  readonly expirationMs: number;
  readonly character: Character;
  readonly #options: TransactionSimulationOptions;
  readonly #mayHaveWrongClock: boolean;
  readonly #producers: TransactionalProducer[] = [];
  readonly #plain: PlainProducer;
  readonly #observers: readonly Observer[];
  readonly #auditor: Observer;
  #held: (() => void)[] = [];
  #born = 0;
  #step = -1;
  #fingerprint = 0;
  #crashes = 0;
  /** The planned crash, and the step at which it happens at the latest. */
  #crash: { readonly kind: Crash; readonly step: number } | undefined;
  #restartStep = Infinity;
  #hasWrongClock = false;

  constructor(options: TransactionSimulationOptions) {
    this.#options = options;
    this.machine = new Machine(new Random(mix(options.seed, 0)), (line) => this.trace(line));
    this.character = this.random.pick(CHARACTERS);
    this.machine.timerProbability = this.character.timerProbability;
    this.expirationMs = this.random.chance(1 / 3) ? SHORT_EXPIRATION_MS : LONG_EXPIRATION_MS;
    this.#mayHaveWrongClock = this.random.chance(WRONG_CLOCK) && !this.#isLeftOut("clock");
    this.partitions = TOPICS.filter(({ name }) => name !== INPUT_TOPIC).flatMap((topic) =>
      Array.from({ length: topic.partitions }, (_, index) => ({
        topic: topic.name,
        index,
        view: new PartitionView(`${topic.name}-${index}`, "cleanup.policy" in topic.configs),
        isCompressed: "compression.type" in topic.configs,
      }))
    );
    this.transactionalIds = Array.from(
      { length: TRANSACTIONAL_IDS },
      (_, i) => new TransactionalId(`id-${i}`, new GroupView(`group-${i}`)),
    );
    this.#plain = new PlainProducer("plain producer", this);
    this.#observers = [0, 1].map((i) => new Observer(`observer ${i}`, this));
    this.#auditor = new Observer("auditor", this);
  }

  get random(): Random {
    return this.machine.random;
  }

  get nowMs(): number {
    return this.machine.clock.monotonic();
  }

  get large(): number {
    return this.character.large;
  }

  get patience(): number {
    return this.character.patience;
  }

  get isUp(): boolean {
    return this.machine.isUp;
  }

  get hasFailed(): boolean {
    return this.machine.hasFailed;
  }

  hadFailed = false;

  readonly hasLeaderChanges = false;

  get hasWrongClocks(): boolean {
    return this.#hasWrongClock;
  }

  connect(): Wire {
    return new SingleWire(this.machine);
  }

  spawn(task: () => Promise<void>): void {
    this.machine.spawn(task);
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.machine.clock.setTimeout(resolve, ms));
  }

  trace(event: string): void {
    this.#options.onTrace?.(`${this.#step} ${event}`);
    let hash = this.#fingerprint;
    for (let i = 0; i < event.length; i++) hash = Math.imul(hash ^ event.charCodeAt(i), 0x01000193);
    this.#fingerprint = hash >>> 0;
  }

  hasFault(fault: keyof typeof NETWORK_FAULTS): boolean {
    const probability = NETWORK_FAULTS[fault] * this.character.networkFaults;
    return this.random.chance(probability) && !this.#isLeftOut(fault);
  }

  hold(send: () => void): void {
    this.trace("holds a request");
    if (this.#held.length < MAX_HELD) this.#held.push(send);
  }

  async run(): Promise<TransactionSimulationResult> {
    let failure: TransactionSimulationResult["failure"];
    try {
      await this.#start();
      for (const step of this.#options.steps) {
        this.#step = step;
        this.machine.random = new Random(mix(this.#options.seed, step + 1));
        await this.#act();
      }
      await this.#finish();
    } catch (error) {
      failure = { step: this.#step, error };
    }
    return {
      failure,
      fingerprint: this.#fingerprint,
      crashes: this.#crashes,
      records: this.book.count,
      decided: this.book.transactions.filter(({ outcome }) => outcome !== undefined).length,
      disk: this.machine.fs.disk,
    };
  }

  /** Starts the broker for the first time, and creates the topics. */
  async #start(): Promise<void> {
    const { machine } = this;
    await machine.start(this.#drawConfig());
    const response = await machine.drive(
      this.connect().request("any", createTopics, 7, {
        topics: TOPICS.map(({ name, partitions, configs }) => ({
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          configs: Object.entries({ flush: "commit", "index.interval.bytes": "200", ...configs })
            .map(([name, value]) => ({ name, value })),
        })),
        timeoutMs: REQUEST_TIMEOUT_MS,
      }),
    );
    for (const { name, errorCode, topicId } of response!.topics) {
      check(errorCode === ErrorCode.NONE, () => `Topic ${name} is answered ${errorCode}`);
      this.topicIds.set(name!, topicId);
    }
    await this.#wearOut();
  }

  /** Gives some transactional ids a past, of which the broker learns when it starts again. */
  async #wearOut(): Promise<void> {
    const { machine, random } = this;
    const wire = new SingleWire(machine);
    const worn = this.transactionalIds.filter(() => random.chance(WORN));
    for (const { name: transactionalId } of worn) {
      const response = await machine.drive(
        wire.request({ coordinatorOf: { transactionalId } }, initProducerId, 5, {
          transactionalId: null,
          transactionTimeoutMs: 0,
        }),
      );
      const { errorCode, producerId } = response!;
      check(errorCode === ErrorCode.NONE, () => `A producer id is answered ${errorCode}`);
      const id = { transactionalId, producerId };
      await machine.drive(wearOut(machine.parts.context.topics, id, random, machine.clock.now()));
    }
    if (worn.length > 0) await this.#restart(undefined, true);
  }

  async #act(): Promise<void> {
    const { machine, random } = this;
    const act = random.weighted<() => void | Promise<void>>([
      [55, () => this.#produceSome()],
      [8, () => this.#plain.act()],
      [14, () => random.pick(this.#observers).act()],
      [10, () => machine.clock.advance(random.below(60))],
      [3, () => machine.clock.advance(random.below(3000))],
      [6, () => this.#release()],
      [8, () => machine.isUp ? machine.spawn(() => this.#auditor.glance()) : undefined],
      [1, () => this.#audit()],
      [1.2, () => this.#planCrash()],
      [0.8, () => this.#glanceAndLosePower()],
      [this.#mayHaveWrongClock ? 0.7 : 0, () => this.#setClock(random.pick(CLOCK_OFFSETS_MS))],
      [0.5, () => this.#isLeftOut("restart") ? undefined : this.#restart(undefined)],
      [2, () => this.#fail()],
    ]);
    try {
      await act();
      await machine.turn();
      for (let i = random.below(this.character.operations); i > 0; i--) {
        machine.progress();
        await machine.turn();
      }
    } catch (error) {
      if (!(error instanceof MachineDown)) throw error;
    }
    await this.#recoverIfDue();
  }

  #produceSome(): void {
    for (let i = this.random.below(MAX_AT_ONCE); i >= 0; i--) this.#produce();
  }

  /** Lets a producer act; one that is over is replaced, perhaps with another transactional id. */
  #produce(): void {
    const slot = this.random.below(PRODUCERS);
    const producer = this.#producers[slot];
    if (producer !== undefined && !producer.isOver) return producer.act();
    if (producer !== undefined && !this.random.chance(REPLACEMENT)) return;
    this.#producers[slot] = this.#newProducer();
  }

  #newProducer(): TransactionalProducer {
    const { random } = this;
    const id = random.pick(this.transactionalIds);
    const flow = random.chance(this.character.modern) ? 2 : 1;
    const timeoutMs = 500 + random.below(MAX_TIMEOUT_MS - 500);
    const producer = `producer ${this.#born++} of ${id}`;
    this.trace(`${producer} begins, flow ${flow}, timeout ${timeoutMs}`);
    return new TransactionalProducer(producer, this, { id, flow, timeoutMs });
  }

  /** Lets a held request arrive. */
  #release(): void {
    if (this.#held.length === 0 || !this.machine.isUp) return;
    const [send] = this.#held.splice(this.random.below(this.#held.length), 1);
    this.trace("a held request arrives");
    send!();
  }

  #isLeftOut(fault: TransactionFault): boolean {
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

  /** The power fails right after somebody has seen what is stable. */
  async #glanceAndLosePower(): Promise<void> {
    const { machine } = this;
    if (this.#isLeftOut("power") || !machine.isUp) return;
    machine.spawn(() => this.#auditor.glance());
    await machine.turn();
    await this.#restart("power");
  }

  /** Sets by how much the broker's clock is ahead. */
  #setClock(offsetMs: number): void {
    const { clock } = this.machine;
    if (clock.adjustedMs === offsetMs) return;
    this.trace(`has a clock that is ${offsetMs} ms ahead`);
    clock.adjustedMs = offsetMs;
    this.#hasWrongClock = true;
  }

  /** Causes a fault. */
  #fail(): void {
    const { random, machine: { fs } } = this;
    const left = random.below(8);
    const failNext = (operation: FailingOperation, code: string) => {
      fs.failNext(operation, code, left);
      this.#restartStep = Math.min(this.#restartStep, this.#step + MAX_STEPS_WITH_FAILURE);
    };
    const [fault, fail] = random.weighted<readonly [TransactionFault, () => void]>([
      [1, ["disk-full", () => this.#fillDisk()]],
      [1, ["failed-write", () => failNext(random.pick(["append", "create", "rename"]), "EIO")]],
      [1, ["failed-sync", () => failNext("sync", random.pick(["EIO", "ENOSPC"]))]],
      [1, ["short-write", () => fs.shortWriteRate = random.pick([0, 0.3])]],
      [3, ["slow-sync", () => fs.slowSyncRate = random.pick([0, 0.8, 0.97])]],
      [3, ["cut-connection", () => this.#pickProducer()?.disconnect()]],
      [3, ["dead-producer", () => this.#endProducer()]],
    ]);
    if (this.#isLeftOut(fault)) return;
    this.trace(`has ${fault}`);
    fail();
  }

  #pickProducer(): TransactionalProducer | undefined {
    return this.#producers[this.random.below(PRODUCERS)];
  }

  /** A producer ends, with requests in flight, and another takes its place. */
  #endProducer(): void {
    const slot = this.random.below(PRODUCERS);
    if (this.random.chance(0.5)) this.#producers[slot]?.disconnect();
    this.#producers[slot] = this.#newProducer();
  }

  #fillDisk(): void {
    const { fs } = this.machine;
    if (fs.freeBytes < Infinity) fs.heal();
    else fs.freeBytes = this.random.below(2000);
  }

  /** Reads everything while other clients are active. */
  async #audit(): Promise<void> {
    if (this.machine.isUp && !this.machine.hasFailed) {
      await this.machine.drive(this.#auditor.audit());
    }
  }

  async #recoverIfDue(): Promise<void> {
    const { fs } = this.machine;
    const crash = this.#crash;
    if (fs.hasCrashed || (crash !== undefined && this.#step >= crash.step)) {
      await this.#restart(crash!.kind);
    } else if (this.#step >= this.#restartStep) await this.#restart("kill");
  }

  /** Restarts the broker, after a crash if one is given, otherwise cleanly; then reads everything. */
  async #restart(crash: Crash | undefined, isLast: boolean = false): Promise<void> {
    const { machine } = this;
    let next = crash;
    for (let attempt = 1;; attempt++) {
      await this.#end(next);
      if (!isLast && attempt < MAX_STARTS && this.random.chance(0.2)) this.#planCrash();
      try {
        if (!isLast && this.random.chance(SLOW_START) && !this.#isLeftOut("slow-sync")) {
          machine.fs.slowSyncRate = 0.97;
        }
        await machine.start(this.#drawConfig());
        await machine.drive(this.#auditor.glance());
        machine.fs.slowSyncRate = 0;
        if (this.random.chance(0.7)) await machine.drive(this.#auditor.audit());
        return;
      } catch (error) {
        if (!(error instanceof MachineDown)) throw error;
        next = this.#crash!.kind;
      }
    }
  }

  async #end(crash: Crash | undefined): Promise<void> {
    this.hadFailed = this.hasFailed;
    const kind = crash ?? await this.#stop();
    this.trace(`ends by ${kind ?? "stop"}`);
    if (kind !== undefined) {
      this.#crashes++;
      this.machine.crash(kind);
      for (const { view } of this.partitions) {
        if (!view.isCompacted) checkStableOnDisk(this.machine.fs.disk, view);
      }
    }
    this.#crash = undefined;
    this.#restartStep = Infinity;
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

  /** Lets all producers stop and all transactions time out, and checks that nothing hangs. */
  async #finish(): Promise<void> {
    const { machine } = this;
    machine.fs.heal();
    // What has begun while the clock was ahead times out later.
    const waitMs = 2 * MAX_TIMEOUT_MS + (this.#hasWrongClock ? 2 * MAX_CLOCK_OFFSET_MS : 0);
    this.#setClock(0);
    await this.#restart(this.#isLeftOut("power") ? undefined : "power", true);
    while (this.#held.length > 0) this.#release();
    for (let waitedMs = 0; waitedMs < waitMs;) {
      machine.clock.advance(TIMEOUT_CHECK_MS);
      waitedMs += TIMEOUT_CHECK_MS;
      await machine.turn();
      for (let i = 0; i < MAX_OPERATIONS && machine.progress(); i++) await machine.turn();
    }
    await machine.drive(this.#auditor.settle());
    await machine.drive(this.#auditor.checkSettled());
    await this.#restart(undefined, true);
    await machine.drive(this.#auditor.checkSettled());
  }

  #drawConfig(): Partial<BrokerSettings> {
    const { random } = this;
    return {
      "batch.cache.bytes": random.pick([0, 2000, 1 << 20]),
      "open.files.max": random.pick([8, 1000]),
      "log.cleaner.backoff.ms": random.pick([300, 3000]),
      "log.flush.offset.checkpoint.interval.ms": random.pick([700, 5000]),
      "offsets.topic.num.partitions": 2,
      "transaction.state.log.num.partitions": 2,
      "transaction.state.log.segment.bytes": 4000,
      "transaction.abort.timed.out.transaction.cleanup.interval.ms": TIMEOUT_CHECK_MS,
      "transactional.id.expiration.ms": this.expirationMs,
      "transaction.remove.expired.transaction.cleanup.interval.ms": EXPIRY_CHECK_MS,
      "offsets.topic.segment.bytes": 4000,
    };
  }
}
