/**
 * A cluster and its clients, from the start through some faults to the comparison of all histories.
 *
 * @module
 */

import { join } from "@std/path";
import { verifyData } from "../../../broker/offline/verify_data.ts";
import { Client } from "../../../client/mod.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import { DenoFileSystem } from "../../../storage/file_system/deno_file_system.ts";
import { BrokerCluster } from "../../support/broker/broker_cluster.ts";
import type { Machine } from "../../support/machine.ts";
import { outside } from "../../support/outside.ts";
import type { Fault } from "./faults.ts";
import { readCommits, readLogs, readReplica } from "./final_state.ts";
import type { HistoryEvent, ReplicaLog } from "./history.ts";
import { HistoryChecker, type Violation } from "./history_checker.ts";
import { loadKinds, LoadProcess } from "./load_process.ts";
import { FaultNetwork } from "./network.ts";
import { Availability, SendTimes } from "./unavailability.ts";

/** How to start an episode. */
export interface EpisodeOptions {
  readonly number: number;
  /** Replicas of each partition. */
  readonly replicas: number;
  readonly random: Random;
  /** A file that all events are appended to. */
  readonly history?: string | undefined;
  /** A folder that the log lines of brokers and clients are appended to. */
  readonly logs?: string | undefined;
}

/** The outcome of one fault. */
export interface Round {
  /** The longest time without an acknowledgement of any partition that the fault may not affect. */
  readonly unavailableMs: number;
  /** Where it was, and what the affected brokers did before. */
  readonly where: string;
  /** How long after the fault all replicas were in sync again. */
  readonly inSyncMs: number;
  /** How long 99.9% of the sends took at most that were acknowledged meanwhile. */
  readonly sendMs: number;
  /** Sends that failed meanwhile. */
  readonly failures: number;
  /** How long those took that were acknowledged, by client. */
  readonly sends: ReadonlyMap<string, readonly number[]>;
}

const BROKERS = 3;
const MEMBERS = 3;
const PARTITIONS = 6;
const TOPIC = "faults";
/** Pause between the sends of one value to each partition, of each client. */
const SEND_PAUSE_MS = 50;
/** How long partitions may take to accept writes again after a fault is over. */
const RECOVERY_LIMIT_MS = 60_000;
/** Longer than a client takes to learn that a broker is back. */
const TIMEOUT_MS = 60_000;

/** A cluster under load. */
export class Episode implements AsyncDisposable {
  readonly #options: EpisodeOptions;
  readonly #network: FaultNetwork;
  readonly #brokers: readonly Machine[];
  readonly #etcd: readonly Machine[];
  readonly #cluster: BrokerCluster;
  readonly #client: Client;
  readonly #loads: readonly LoadProcess[];
  readonly #groups: readonly string[];
  readonly #checker: HistoryChecker;
  readonly #availability: Availability;
  readonly #problems: Violation[] = [];
  readonly #sends: SendTimes;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: {
    options: EpisodeOptions;
    network: FaultNetwork;
    brokers: readonly Machine[];
    etcd: readonly Machine[];
    cluster: BrokerCluster;
    client: Client;
    loads: readonly LoadProcess[];
    groups: readonly string[];
    checker: HistoryChecker;
    availability: Availability;
    sends: SendTimes;
    stack: AsyncDisposableStack;
  }) {
    this.#options = parts.options;
    this.#network = parts.network;
    this.#brokers = parts.brokers;
    this.#etcd = parts.etcd;
    this.#cluster = parts.cluster;
    this.#client = parts.client;
    this.#loads = parts.loads;
    this.#groups = parts.groups;
    this.#checker = parts.checker;
    this.#availability = parts.availability;
    this.#sends = parts.sends;
    this.#stack = parts.stack;
  }

  /** Starts a cluster and its load; resolves when all partitions are written to. */
  static async start(options: EpisodeOptions): Promise<Episode> {
    await using stack = new AsyncDisposableStack();
    const network = await FaultNetwork.create();
    stack.defer(() => network.remove());
    const machines = async (name: string, count: number) => {
      const added: Machine[] = [];
      for (let i = 1; i <= count; i++) added.push(await network.add(`${name}${i}`));
      return added;
    };
    const etcd = await machines("etcd", MEMBERS);
    const brokers = (await machines("broker", BROKERS)).map((machine) =>
      options.logs === undefined ? machine : logging(machine, options.logs)
    );
    const [clients] = await machines("clients", 1);
    const cluster = stack.use(
      await BrokerCluster.start({
        etcd: outside("etcd")!,
        members: MEMBERS,
        brokers: BROKERS,
        machines: { etcd, brokers },
        flags: [
          "--group-initial-rebalance-delay-ms=0",
          `--offsets-topic-replication-factor=${options.replicas}`,
          // What is acknowledged is on so many disks, and one broker may be missing.
          `--min-insync-replicas=${Math.max(1, options.replicas - 1)}`,
        ],
      }),
    );
    const client = stack.use(new Client({ brokers: cluster.addresses, timeoutMs: TIMEOUT_MS }));
    await client.admin().createTopic({
      name: TOPIC,
      partitions: PARTITIONS,
      replicas: options.replicas,
    });
    const checker = new HistoryChecker();
    const availability = new Availability(PARTITIONS);
    const sends = new SendTimes();
    /** Clients with an acknowledged send. */
    const sending = new Set<string>();
    const onEvent = (event: HistoryEvent) => {
      checker.add(event);
      sends.add(event);
      if (event.type === "sent") {
        availability.note(event.partition, event.time);
        sending.add(event.value.split("/")[0]!);
      }
      if (options.history !== undefined) {
        Deno.writeTextFileSync(options.history, `${JSON.stringify(event)}\n`, { append: true });
      }
    };
    const groups = await loadKinds();
    const loads: LoadProcess[] = [];
    for (const kind of groups) {
      const load = await LoadProcess.start({
        kind,
        machine: clients!,
        addresses: cluster.addresses,
        topic: TOPIC,
        partitions: PARTITIONS,
        pauseMs: SEND_PAUSE_MS,
        onEvent,
        logs: options.logs,
      });
      loads.push(stack.use(load));
    }
    const parts = { options, network, brokers, etcd, cluster, client, loads, groups };
    const episode = new Episode({ ...parts, checker, availability, sends, stack: stack.move() });
    await until(() => groups.every((kind) => sending.has(kind)), "Not every client can send");
    await episode.#back(Date.now());
    return episode;
  }

  /** Lets a fault happen, and waits until all partitions accept writes again. */
  async round(fault: Fault): Promise<Round> {
    const { replicas, random } = this.#options;
    const { controllerId } = await this.#client.admin().describeCluster();
    const leaders = await this.#leaders();
    const fromMs = Date.now();
    this.#sends.reset();
    const affected = await fault.inject({
      cluster: this.#cluster,
      network: this.#network,
      brokers: this.#brokers,
      etcd: this.#etcd,
      random,
      inSync: () => this.#inSync(),
    });
    const healedMs = Date.now();
    await this.#back(healedMs);
    const untilMs = Date.now();
    await this.#inSync();
    const inSyncMs = Date.now() - healedMs;
    const sendMs = this.#sends.percentile(0.999);
    // Without replicas, a partition waits for its leader; how long the others wait is of interest.
    const isCounted = (partition: number) =>
      replicas > 1 || !affected.includes(leaders[partition]!);
    const gaps = this.#availability.gaps(fromMs, untilMs)
      .map((gap, partition) => isCounted(partition) ? gap : 0);
    const unavailableMs = Math.max(0, ...gaps);
    const partition = gaps.indexOf(unavailableMs);
    const roles = affected.map((id) => id === controllerId ? `${id}, the controller` : `${id}`);
    const where = (roles.length === 0 ? "" : `broker ${roles.join(" and ")}; `) +
      `partition ${partition} of broker ${leaders[partition]}`;
    const { failures, byClient: sends } = this.#sends;
    return { unavailableMs, where, inSyncMs, sendMs, failures, sends };
  }

  /** Lets the clients end, and compares what they saw with what the brokers have. */
  async finish(): Promise<{
    readonly violations: readonly Violation[];
    readonly counts: HistoryChecker["counts"];
  }> {
    await Promise.all(this.#loads.map((load) => load.drain()));
    const logs = await readLogs(this.#client, TOPIC, PARTITIONS);
    const ends = logs.map((records) => (records.at(-1)?.offset ?? -1) + 1);
    await Promise.all(this.#loads.map((load) => load.finish(ends)));
    const commits = new Map<string, number[]>();
    for (const group of this.#groups) {
      commits.set(group, await readCommits(this.#client, group, TOPIC, PARTITIONS));
    }
    const replicas: ReplicaLog[] = [];
    for (const id of this.#ids) await this.#cluster.stop(id);
    for (const id of this.#ids) {
      const data = this.#cluster.data(id);
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const replica = await readReplica(data, id, TOPIC, partition);
        if (replica !== undefined) replicas.push(replica);
      }
      await this.#verify(id, data);
    }
    const found = this.#checker.check({ logs, replicas, commits });
    const violations = [...this.#problems, ...found];
    if (violations.length > 0) await this.#keepData();
    return { violations, counts: this.#checker.counts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  get #ids(): number[] {
    return Array.from({ length: BROKERS }, (_, at) => at + 1);
  }

  async #leaders(): Promise<number[]> {
    const { partitions } = await this.#client.admin().describeTopic(TOPIC);
    return partitions.map(({ leaderId }) => leaderId);
  }

  /** Resolves when all partitions have been written to since a time. */
  async #back(sinceMs: number): Promise<void> {
    const problem = "The cluster does not recover: not every partition is written to";
    await until(() => this.#availability.isBackSince(sinceMs), problem);
  }

  /**
   * Resolves when every broker sees all brokers, and all replicas in sync, so that the next fault is
   * a single one.
   */
  async #inSync(): Promise<void> {
    const untilMs = Date.now() + RECOVERY_LIMIT_MS;
    for (;;) {
      const missing = (await Promise.all(this.#cluster.addresses.map((address) =>
        this.#missingAt(address)
      ))).filter((what) => what !== undefined);
      if (missing.length === 0) return;
      if (Date.now() > untilMs) {
        throw new Error(
          `Not all is in sync ${RECOVERY_LIMIT_MS} ms after a fault: ${missing.join("; ")}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** What a broker does not see; undefined if it sees all. */
  async #missingAt(address: string): Promise<string | undefined> {
    await using client = new Client({ brokers: address, timeoutMs: TIMEOUT_MS });
    const { brokers } = await client.admin().describeCluster();
    if (brokers.length < BROKERS) {
      return `${address} lists brokers ${brokers.map(({ id }) => id).join()}`;
    }
    const { partitions } = await client.admin().describeTopic(TOPIC);
    const missing = partitions.filter(({ isr }) => isr.length < this.#options.replicas);
    if (missing.length === 0) return undefined;
    const states = missing.map(({ partition, isr }) => `${partition}: ${isr.join()}`);
    return `${address} has in-sync replicas ${states.join(", ")}`;
  }

  /** Keeps the data folders of all brokers beside their log lines. */
  async #keepData(): Promise<void> {
    const { logs, number } = this.#options;
    if (logs === undefined) return;
    for (const id of this.#ids) {
      const folder = join(logs, `episode-${number}-broker-${id}`);
      await new Deno.Command("cp", { args: ["-r", this.#cluster.data(id), folder] }).output();
    }
  }

  async #verify(broker: number, data: string): Promise<void> {
    const report = await verifyData(new DenoFileSystem(), data, { withRecords: true });
    const findings = [
      ...report.findings,
      ...report.partitions.flatMap((partition) => partition.findings),
    ];
    for (const finding of findings) {
      const detail = `broker ${broker}: ${JSON.stringify(finding)}`;
      this.#problems.push({ kind: "damage", partition: -1, offset: -1, detail });
    }
  }
}

/** Resolves when something holds; fails if that takes too long. */
async function until(holds: () => boolean, problem: string): Promise<void> {
  const untilMs = Date.now() + RECOVERY_LIMIT_MS;
  while (!holds()) {
    if (Date.now() > untilMs) throw new Error(`${problem} after ${RECOVERY_LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A machine whose processes write what they write to stderr to a file, too. */
function logging(machine: Machine, folder: string): Machine {
  const script = `exec "$@" 2> >(tee -a "${folder}/${machine.name}.log" >&2)`;
  return {
    ...machine,
    command: ({ path, args }) =>
      machine.command({ path: "bash", args: ["-c", script, "bash", path, ...args] }),
  };
}
