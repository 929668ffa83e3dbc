/**
 * Simulates the machines of a cluster, their network, their metadata store and their clients, in steps
 * that a seed repeats exactly.
 *
 * As in the simulation of one broker, each step has its own random numbers, so that steps can be left out.
 *
 * @module
 */

import type { MetadataEvent } from "../../../broker/metadata/metadata_store.ts";
import { PARTITIONS_PREFIX } from "../../../broker/cluster/topic_state.ts";
import { preload } from "../../../broker/preload.ts";
import { Random } from "../../../protocol/random_testing.ts";
import { forgetWaitingTasks } from "../../../storage/time_slice.ts";
import { replaceGlobals } from "../deterministic_globals.ts";
import { ProducerIds } from "../lane.ts";
import { mix } from "../mix.ts";
import { RecordBook } from "../record_book.ts";
import { check, Violation } from "../violation.ts";
import { ClusterAdministrator } from "./administrator.ts";
import { ClusterAuditor } from "./auditor.ts";
import { type ClusterWorld, liveTopics } from "./client.ts";
import { ClusterCommitter } from "./committer.ts";
import { ClusterConsumer } from "./consumer.ts";
import { ClusterMachine } from "./cluster_machine.ts";
import { SimEtcd } from "./etcd.ts";
import { type ClusterFault, drawFault, type FaultContext, twoOf } from "./faults.ts";
import { GroupMember, type GroupOffsets } from "./group_member.ts";
import { LeaderWatch } from "./leader_watch.ts";
import type { ClusterPartition, ClusterTopic } from "./model.ts";
import { ReplicaAuditor } from "./replica_auditor.ts";
import { SimNetwork } from "./network.ts";
import { ClusterProducer } from "./producer.ts";
import { Timeline } from "./timeline.ts";
import { ClusterTransactions, SETTLE_MS } from "./transactions.ts";

/** Options of a simulation. */
export interface ClusterSimulationOptions {
  readonly seed: number;
  /** Numbers of the steps to take, ascending. */
  readonly steps: readonly number[];
  /** Number of machines. Default: 3. */
  readonly machines?: number;
  /** Replicas of topics. Default: 1. */
  readonly replicas?: number;
  /** Whether there are producers with transactions too. Default: false. */
  readonly transactions?: boolean;
  /** Faults to leave out. Default: none. */
  readonly without?: ReadonlySet<ClusterFault>;
  /** Called with a line for each event. */
  readonly onTrace?: (line: string) => void;
}

/** The result of a simulation. */
export interface ClusterSimulationResult {
  /** The step and error of the failure, if it failed. */
  readonly failure: { readonly step: number; readonly error: unknown } | undefined;
  /** A hash of all events: the same for the same seed and steps. */
  readonly fingerprint: number;
  readonly faults: number;
  readonly records: number;
}

/** Microtasks after each event. */
const TURN = 40;
/** Time that a cluster gets to become whole when nothing fails any more. */
const MAX_HEALING_MS = 60_000;
const POLL_MS = 250;
/** Probability that two machines die together at the end, and one of them stays dead for a while. */
const LOST_PAIR = 0.2;
/** Probability of a seed in which transactions need all replicas in sync, so that each failure stops them. */
const STRICT = 0.3;
const DECODER = new TextDecoder();
const DONE = Promise.resolve();
/** Time within which brokers find others dead that were silent while something failed. */
const SILENCE_MS = 2500;

/** Runs a simulation to its end, or to the first broken promise. */
export async function simulateCluster(
  options: ClusterSimulationOptions,
): Promise<ClusterSimulationResult> {
  // What brokers load when they need it must be there: a simulation does not wait for files.
  await preload();
  const result = await run(new ClusterSimulation(options), options.seed);
  // The simulation was one turn of the event loop, which keeps the targets of weak references alive.
  await new Promise((resolve) => setTimeout(resolve));
  return result;
}

async function run(
  simulation: ClusterSimulation,
  seed: number,
): Promise<ClusterSimulationResult> {
  using _ = replaceGlobals({
    random: new Random(mix(seed, -1)),
    now: () => simulation.timeline.nowMs,
    onTimer: (callback) => simulation.timeline.after(0, callback),
    lateProbability: 0,
  });
  try {
    return await simulation.run();
  } finally {
    forgetWaitingTasks();
  }
}

class ClusterSimulation implements ClusterWorld {
  readonly timeline = new Timeline();
  readonly network: SimNetwork;
  readonly machines: readonly ClusterMachine[];
  readonly book = new RecordBook();
  readonly topics: ClusterTopic[] = [];
  readonly leaders: LeaderWatch;
  random: Random;
  readonly #options: ClusterSimulationOptions;
  readonly #etcd: SimEtcd;
  readonly #producers: ClusterProducer[];
  readonly #consumers: ClusterConsumer[];
  readonly #committers: ClusterCommitter[];
  readonly #members: GroupMember[];
  readonly #administrator: ClusterAdministrator;
  readonly #auditor: ClusterAuditor;
  readonly #replicaAuditor: ReplicaAuditor;
  readonly #transactions: ClusterTransactions | undefined;
  #step = -1;
  #fingerprint = 0;
  #faults = 0;
  #violation: unknown;
  /** Ends faults that have not ended by themselves. */
  readonly #heals: Set<() => void> = new Set();

  constructor(options: ClusterSimulationOptions) {
    this.#options = options;
    this.random = new Random(mix(options.seed, 0));
    const { timeline } = this;
    const random = () => this.random;
    const isStrict = options.transactions === true && this.random.chance(STRICT);
    const minInSync = Math.min(isStrict ? 3 : 2, options.replicas ?? 1);
    this.network = new SimNetwork({ timeline, random });
    this.#etcd = new SimEtcd({ timeline, random, onCommit: (event) => this.#traceCommit(event) });
    this.machines = Array.from({ length: options.machines ?? 3 }, (_, i) =>
      new ClusterMachine({
        id: i + 1,
        network: this.network,
        etcd: this.#etcd,
        config: {
          "offsets.topic.num.partitions": 2,
          "offsets.topic.segment.bytes": 4000,
          "offsets.topic.replication.factor": options.replicas ?? 1,
          "transaction.state.log.num.partitions": 2,
          "transaction.state.log.segment.bytes": 4000,
          "transaction.state.log.replication.factor": options.replicas ?? 1,
          "transaction.state.log.min.isr": minInSync,
          "transaction.abort.timed.out.transaction.cleanup.interval.ms": 500,
          "group.consumer.min.session.timeout.ms": 3000,
          "group.consumer.session.timeout.ms": 3000,
          "group.consumer.min.heartbeat.interval.ms": 400,
          "group.consumer.heartbeat.interval.ms": 400,
          "replica.lag.time.max.ms": 1000,
          "log.flush.offset.checkpoint.interval.ms": 3000,
        },
        random,
        log: (line, details) => this.trace(line, details),
        onViolation: (error) => this.#violation ??= error,
      }));
    for (const machine of this.machines) this.network.add(machine);
    this.leaders = new LeaderWatch(this.machines, timeline);
    this.leaders.start();
    const producerIds = new ProducerIds();
    this.#producers = [true, true, true, false].map((isIdempotent, i) =>
      new ClusterProducer(`producer-${i}`, this, { isIdempotent, acks: -1 }, producerIds)
    );
    this.#consumers = [0, 1, 2].map((i) => new ClusterConsumer(`consumer-${i}`, this));
    this.#committers = [0, 1].map((i) => new ClusterCommitter(`group-${i}`, this));
    const offsets: GroupOffsets = new Map();
    this.#members = [0, 1, 2].map((i) => new GroupMember(`member-${i}`, this, "group-m", offsets));
    this.#administrator = new ClusterAdministrator("administrator", this);
    this.#auditor = new ClusterAuditor("auditor", this);
    this.#replicaAuditor = new ReplicaAuditor({ machines: this.machines, etcd: this.#etcd });
    this.#transactions = options.transactions
      ? new ClusterTransactions(this, minInSync)
      : undefined;
  }

  get isCalm(): boolean {
    return this.#heals.size === 0;
  }

  promised(partition: ClusterPartition): void {
    this.#replicaAuditor.auditPartition(partition);
  }

  trace(event: string, details: () => string = () => ""): void {
    const { onTrace } = this.#options;
    onTrace?.(`${this.#step} ${(this.timeline.nowMs % 1e7).toFixed(1)} ${event}${details()}`);
    let hash = this.#fingerprint;
    for (let i = 0; i < event.length; i++) hash = Math.imul(hash ^ event.charCodeAt(i), 0x01000193);
    this.#fingerprint = (hash ^ this.timeline.nowMs) >>> 0;
  }

  #traceCommit({ revision, changes }: MetadataEvent): void {
    for (const { key, entry } of changes) {
      this.trace(`store ${revision} ${key} ${entry && DECODER.decode(entry.value)}`);
      if (!key.startsWith(PARTITIONS_PREFIX)) continue;
      const [, topicId, index] = key.split("/");
      this.spawn(async () => {
        await undefined;
        this.#replicaAuditor.auditChange(topicId!, Number(index), this.topics);
      });
    }
  }

  spawn(task: () => Promise<void>): void {
    task().catch((error) => this.#violation ??= error);
  }

  async run(): Promise<ClusterSimulationResult> {
    let failure: ClusterSimulationResult["failure"];
    try {
      for (const machine of this.machines) machine.start();
      await this.#becomeWhole();
      for (const member of this.#members) member.start();
      await this.#drive(this.#transactions?.begin(this.#options.replicas ?? 1) ?? DONE);
      for (const step of this.#options.steps) {
        this.#step = step;
        this.random = new Random(mix(this.#options.seed, step + 1));
        this.#act();
        await this.#pass(this.#drawGap());
      }
      this.trace("heals");
      await this.#audit();
      if (!this.#isLeftOut("two-die")) await this.#loseTwo();
      if (!this.#isLeftOut("all-power")) {
        this.trace("loses power everywhere");
        for (const machine of this.machines) machine.crash("power");
        await this.#pass(this.random.below(8000));
      }
      await this.#audit();
      await this.#auditTransactions();
    } catch (error) {
      failure = { step: this.#step, error };
    }
    return {
      failure,
      fingerprint: this.#fingerprint,
      faults: this.#faults,
      records: this.book.count,
    };
  }

  #isLeftOut(fault: ClusterFault): boolean {
    return this.#options.without?.has(fault) ?? false;
  }

  #drawGap(): number {
    const { random } = this;
    return random.chance(0.04) ? random.below(1500) : random.next() * 50;
  }

  #act(): void {
    const { random } = this;
    const replicas = this.#options.replicas ?? 1;
    const transactions = this.#transactions;
    random.weighted<() => void>([
      [transactions === undefined ? 0 : 150, () => transactions!.act()],
      [50, () => random.pick(this.#producers).act()],
      [16, () => random.pick(this.#consumers).act()],
      [6, () => random.pick(this.#committers).act()],
      [6, () => random.pick(this.#members).act()],
      [3, () => this.#administrator.createTopic(replicas)],
      [0.3, () => this.#administrator.deleteTopic()],
      [2, () => this.#administrator.alterConfigs()],
      [0.6, () => this.#administrator.addPartition()],
      [1, () => this.#administrator.deleteRecords()],
      [5, () => this.#fail()],
      [2, () => this.#replicaAuditor.audit(this.topics)],
    ])();
  }

  /** Causes a fault, which ends after a while. */
  #fail(): void {
    // If the other replicas in sync fail at the same time, records may be lost for good.
    if (this.machines.some(({ isDiskLost }) => isDiskLost)) return;
    const context: FaultContext = {
      machines: this.machines,
      network: this.network,
      etcd: this.#etcd,
      random: this.random,
      replicas: this.#options.replicas ?? 1,
      isCalm: this.isCalm,
      isLastInSync: (machine) => this.#replicaAuditor.isLastInSync(machine),
      hosts: [
        ...this.#producers,
        ...this.#consumers,
        ...this.#committers,
        ...this.#members,
      ].map(({ name }) => name),
    };
    const { fault, durationMs, begin } = drawFault(context);
    if (this.#isLeftOut(fault)) return;
    this.trace(`has ${fault} for ${durationMs} ms`);
    this.#faults++;
    const end = begin();
    const heal = () => {
      if (!this.#heals.delete(heal)) return;
      this.trace(`has no more ${fault}`);
      end();
    };
    this.#heals.add(heal);
    this.timeline.after(durationMs, heal);
  }

  /** Lets time pass. */
  async #pass(ms: number): Promise<void> {
    const endMs = this.timeline.nowMs + ms;
    while (this.timeline.next(endMs)) await this.#turn();
    await this.#turn();
  }

  async #turn(): Promise<void> {
    for (let i = 0; i < TURN; i++) await undefined;
    for (const machine of this.machines) machine.serveDisk();
    if (this.#violation !== undefined) throw this.#violation;
  }

  /** Lets time pass until a promise settles. */
  async #drive<T>(promise: Promise<T>): Promise<T> {
    let settle: (() => T) | undefined;
    promise.then((value) => settle = () => value, (error) => {
      settle = () => {
        throw error;
      };
    });
    while (settle === undefined) await this.#pass(20);
    return settle();
  }

  /** Ends all faults, and waits until the cluster is whole. */
  async #becomeWhole(): Promise<void> {
    for (const heal of [...this.#heals]) heal();
    this.network.heal();
    for (const machine of this.machines) {
      machine.fs.heal();
      if (machine.isPaused) machine.resume();
      machine.start();
    }
    const endMs = this.timeline.nowMs + MAX_HEALING_MS;
    // Who was silent may be found dead a little later.
    await this.#pass(SILENCE_MS);
    for (;;) {
      const problem = await this.#drive(this.#auditor.problem());
      if (problem === undefined) return;
      check(
        this.timeline.nowMs < endMs,
        () =>
          `The cluster does not become whole: ${problem}; ` +
          this.machines.map(({ name, state }) => `${name} is ${state}`).join(", "),
      );
      await this.#pass(POLL_MS);
    }
  }

  /** Two machines die, and one returns: whatever has a second replica must be served without the other. */
  async #loseTwo(): Promise<void> {
    const { random } = this;
    if ((this.#options.replicas ?? 1) < 3 || !random.chance(LOST_PAIR)) return;
    const dead = twoOf(this);
    const crash = random.pick(["kill", "power"] as const);
    this.trace(`loses ${dead.map(({ name }) => name)} together`);
    for (const machine of dead) machine.crash(crash);
    await this.#pass(random.below(10_000));
    dead[0]!.start();
    for (const producer of this.#producers) producer.act();
    await this.#awaitProducers();
  }

  /** Compares everything, once all that was sent is acknowledged. */
  async #audit(): Promise<void> {
    await this.#becomeWhole();
    await this.#awaitProducers();
    await this.#drive(this.#auditor.auditAll());
    for (const committer of this.#committers) await this.#verify(committer);
    await this.#awaitMembers();
    this.#replicaAuditor.auditHealed(this.topics);
  }

  /** Checks that no transaction is left open once all have timed out. */
  async #auditTransactions(): Promise<void> {
    if (this.#transactions === undefined) return;
    this.#transactions.end();
    await this.#pass(SETTLE_MS);
    await this.#drive(this.#transactions.check());
  }

  /** Waits until all that was sent is acknowledged. */
  async #awaitProducers(): Promise<void> {
    const endMs = this.timeline.nowMs + MAX_HEALING_MS;
    for (;;) {
      const waiting = this.#producers.filter(({ isIdle }) => !isIdle);
      if (waiting.length === 0) break;
      check(
        this.timeline.nowMs < endMs,
        () => `Records cannot be sent to ${waiting.flatMap(({ waitsFor }) => waitsFor)}`,
      );
      for (const producer of waiting) producer.retryAll();
      await this.#pass(POLL_MS);
    }
  }

  /** Waits until the members own all partitions, each of them one member. */
  async #awaitMembers(): Promise<void> {
    const endMs = this.timeline.nowMs + MAX_HEALING_MS;
    for (;;) {
      const owned = this.#members.reduce((sum, { ownedCount }) => sum + ownedCount, 0);
      const wanted = liveTopics(this).reduce((sum, { partitions }) => sum + partitions.length, 0);
      if (owned === wanted) return;
      check(this.timeline.nowMs < endMs, () => `Members own ${owned} of ${wanted} partitions`);
      await this.#pass(POLL_MS);
    }
  }

  async #verify(committer: ClusterCommitter): Promise<void> {
    const endMs = this.timeline.nowMs + MAX_HEALING_MS;
    while (!await this.#drive(committer.verify())) {
      if (this.timeline.nowMs >= endMs) {
        throw new Violation(`${committer.name} cannot look up its offsets`);
      }
      await this.#pass(POLL_MS);
    }
  }
}
