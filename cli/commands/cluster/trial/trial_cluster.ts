/**
 * A cluster to try: etcd and several brokers as processes on this machine, any of which can be killed,
 * paused, cut off and started again.
 *
 * @module
 */

import { CommandError } from "../../../errors.ts";
import { ownProgram } from "./own_program.ts";
import { type TrialAddress, TrialNetwork, TrialRelay } from "./trial_network.ts";
import { ETCD, type TrialTarget } from "./trial_commands.ts";
import { TrialProcess } from "./trial_process.ts";

/** How to start a trial cluster. */
export interface TrialClusterOptions {
  /** Number of brokers. Their ids are 1, 2 and so on. */
  readonly brokers: number;
  /** The program of etcd: a name to look for in PATH, or a path. */
  readonly etcd: string;
  /** Existing folder for the data. */
  readonly data: string;
  /** Port of the first broker; undefined for 9092 and up if these are free, otherwise any. */
  readonly port: number | undefined;
  /** Environment of the processes. */
  readonly env: Readonly<Record<string, string>>;
  /** Called with each line that a process prints. */
  readonly onLine: (process: string, line: string) => void;
}

/** State of a process of a trial cluster. */
export interface TrialStatus {
  readonly name: string;
  readonly state: string;
  readonly pid: number | undefined;
  /** Where clients reach it. */
  readonly address: string | undefined;
}

/** A broker of the cluster. */
interface TrialBroker {
  readonly id: number;
  readonly process: TrialProcess;
  /** In front of the broker. */
  readonly relay: TrialRelay;
  /** Between the broker and etcd. */
  readonly etcdRelay: TrialRelay;
  started: PromiseWithResolvers<void>;
}

const HOST = "127.0.0.1";
const FIRST_PORT = 9092;
const CLUSTER_NAME = "trial";
/** Replicas of new topics, if there are so many brokers. */
const MAX_REPLICAS = 3;
const LISTENING = /\bListening address=(\S+):(\d+)/;
const HOW_TO_GET_ETCD = `install it with "apt-get install etcd-server" (Debian, Ubuntu) or "brew ` +
  `install etcd" (macOS), or download it from https://github.com/etcd-io/etcd/releases and name it ` +
  `with --etcd PATH`;
const ETCD_POLL_MS = 50;

/** A running trial cluster. */
export class TrialCluster {
  readonly #options: TrialClusterOptions;
  readonly #network = new TrialNetwork();
  readonly #brokers: TrialBroker[] = [];
  readonly #etcd: TrialProcess;
  readonly #etcdAddress: TrialAddress;
  readonly #killNow = () => {
    for (const { process } of this.#brokers) process.killNow();
    this.#etcd.killNow();
  };

  private constructor(options: TrialClusterOptions) {
    this.#options = options;
    const [client, peer] = freePorts(2) as [number, number];
    this.#etcdAddress = { hostname: HOST, port: client };
    this.#etcd = this.#process(ETCD, {
      path: options.etcd,
      args: etcdArguments(`${options.data}/etcd`, client, peer),
      env: Deno.build.arch === "aarch64"
        // Versions before 3.5 refuse to start there without it.
        ? { ...options.env, ETCD_UNSUPPORTED_ARCH: "arm64" }
        : { ...options.env },
    });
  }

  /**
   * Starts a cluster; all its brokers serve clients when this resolves.
   *
   * @throws {CommandError} If etcd or a broker cannot be started.
   */
  static async start(options: TrialClusterOptions, signal: AbortSignal): Promise<TrialCluster> {
    const cluster = new TrialCluster(options);
    // Also if this process ends abruptly, nothing is left running.
    globalThis.addEventListener("unload", cluster.#killNow);
    try {
      await cluster.#startEtcd(signal);
      await cluster.#addBrokers();
      await Promise.all(cluster.#brokers.map((broker) => cluster.#startBroker(broker, signal)));
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** Where clients reach the brokers. */
  get addresses(): readonly string[] {
    return this.#brokers.map(({ relay }) => `${HOST}:${relay.address.port}`);
  }

  /** State of all processes. */
  get status(): readonly TrialStatus[] {
    const { hostname, port } = this.#etcdAddress;
    const statusOf = ({ name, state, pid }: TrialProcess) => ({ name, state, pid });
    return [
      { ...statusOf(this.#etcd), address: `${hostname}:${port}` },
      ...this.#brokers.map(({ id, process }, i) => ({
        ...statusOf(process),
        state: process.state + (this.#network.isCut(id) ? ", cut" : ""),
        address: this.addresses[i],
      })),
    ];
  }

  /** Ids of the brokers. */
  get brokerIds(): readonly number[] {
    return this.#brokers.map(({ id }) => id);
  }

  /** Kills a process, as a crash does. */
  async kill(target: TrialTarget): Promise<void> {
    await this.#running(target).kill();
  }

  /** Shuts a process down cleanly. */
  async stop(target: TrialTarget): Promise<void> {
    await this.#running(target).stop();
  }

  /** Stops a process where it is. */
  pause(target: TrialTarget): void {
    const process = this.#running(target);
    if (process.state === "paused") throw new CommandError(`${process.name} is paused already`);
    process.pause();
  }

  /** Lets a paused process continue. */
  resume(target: TrialTarget): void {
    const process = this.#running(target);
    if (process.state !== "paused") throw new CommandError(`${process.name} is not paused`);
    process.resume();
  }

  /** Cuts a broker off from the other brokers and etcd. Clients still reach it. */
  cut(id: number): void {
    this.#broker(id);
    if (this.#network.isCut(id)) throw new CommandError(`broker ${id} is cut off already`);
    this.#network.cut(id);
  }

  /** Starts a process that has ended. Resolves when it serves clients. */
  async start(target: TrialTarget, signal: AbortSignal): Promise<void> {
    const process = this.#processOf(target);
    if (process.state !== "stopped") throw new CommandError(`${process.name} is ${process.state}`);
    if (target === ETCD) return await this.#startEtcd(signal);
    await this.#startBroker(this.#broker(target), signal);
  }

  /** Undoes everything that was done to a process. */
  async heal(target: TrialTarget, signal: AbortSignal): Promise<void> {
    const process = this.#processOf(target);
    if (target !== ETCD) this.#network.heal(target);
    if (process.state === "paused") process.resume();
    if (process.state === "stopped") await this.start(target, signal);
  }

  /** Ends all processes: the brokers first, since they use etcd until they have ended. */
  async close(): Promise<void> {
    for (const { id } of this.#brokers) this.#network.heal(id);
    if (this.#etcd.state === "paused") this.#etcd.resume();
    await Promise.all(this.#brokers.map(({ process }) => process.stop()));
    await this.#etcd.stop();
    for (const { relay, etcdRelay } of this.#brokers) {
      relay.close();
      etcdRelay.close();
    }
    globalThis.removeEventListener("unload", this.#killNow);
  }

  #process(name: string, options: { path: string; args: string[]; env: Record<string, string> }) {
    const { onLine } = this.#options;
    return new TrialProcess({
      ...options,
      name,
      onLine: (line) => onLine(name, line),
      onEnd: (how) => onLine(name, `Ended ${how}`),
    });
  }

  async #startEtcd(signal: AbortSignal): Promise<void> {
    const { etcd } = this.#options;
    try {
      this.#etcd.start();
    } catch (error) {
      if (!(error instanceof CommandError && error.cause instanceof Deno.errors.NotFound)) {
        throw error;
      }
      const where = etcd.includes("/") ? `"${etcd}" does not exist` : `it is not in PATH`;
      throw new CommandError(`Cannot start etcd: ${where}; ${HOW_TO_GET_ETCD}`);
    }
    while (!await this.#isEtcdReady(signal)) {
      await new Promise((resolve) => setTimeout(resolve, ETCD_POLL_MS));
      signal.throwIfAborted();
      if (this.#etcd.state !== "stopped") continue;
      throw new CommandError("Cannot start etcd: it has ended; its last lines say why");
    }
  }

  async #isEtcdReady(signal: AbortSignal): Promise<boolean> {
    const { hostname, port } = this.#etcdAddress;
    try {
      const response = await fetch(`http://${hostname}:${port}/v3/kv/range`, {
        method: "POST",
        body: JSON.stringify({ key: "YQ==" }),
        headers: { connection: "close" },
        signal,
      });
      const body = await response.text();
      if (response.status === 404) {
        throw new CommandError("Cannot use etcd: it is older than 3.4; install a later one");
      }
      return body.includes("header");
    } catch (error) {
      if (error instanceof CommandError) throw error;
      return false;
    }
  }

  async #addBrokers(): Promise<void> {
    const { brokers, data, env } = this.#options;
    const program = await ownProgram();
    const relays = this.#listen(brokers);
    for (const [i, relay] of relays.entries()) {
      const id = i + 1;
      const etcdRelay = new TrialRelay({
        network: this.#network,
        listen: { hostname: HOST, port: 0 },
        broker: id,
        isToEtcd: true,
      });
      etcdRelay.connectTo(this.#etcdAddress);
      const process = new TrialProcess({
        name: `broker ${id}`,
        path: program.path,
        args: [
          ...program.args,
          "serve",
          ...["--listen", `${HOST}:0`, "--http", "off"],
          ...["--advertised-listeners", `${HOST}:${relay.address.port}`],
          ...["--data", `${data}/broker-${id}`],
          ...["--node-id", String(id)],
          ...["--metadata", `etcd://${HOST}:${etcdRelay.address.port}/${CLUSTER_NAME}`],
          ...["--default-replication-factor", String(Math.min(brokers, MAX_REPLICAS))],
          ...["--min-insync-replicas", brokers < MAX_REPLICAS ? "1" : "2"],
        ],
        env,
        onLine: (line) => this.#onBrokerLine(broker, line),
        onEnd: (how) => this.#onBrokerEnd(broker, how),
      });
      const broker: TrialBroker = {
        id,
        process,
        relay,
        etcdRelay,
        started: Promise.withResolvers(),
      };
      this.#brokers.push(broker);
    }
  }

  /** Begins to listen for clients. */
  #listen(brokers: number): TrialRelay[] {
    const { port } = this.#options;
    if (port === undefined) {
      try {
        return this.#listenFrom(FIRST_PORT, brokers);
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
        return this.#listenFrom(0, brokers);
      }
    }
    try {
      return this.#listenFrom(port, brokers);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      throw new CommandError(
        `Cannot listen on ports ${port} to ${port + brokers - 1}: one of them is in use; choose ` +
          `others with --port, or leave it out`,
      );
    }
  }

  #listenFrom(port: number, count: number): TrialRelay[] {
    const relays: TrialRelay[] = [];
    try {
      for (let i = 0; i < count; i++) {
        const listen = { hostname: HOST, port: port === 0 ? 0 : port + i };
        const options = { network: this.#network, listen, broker: i + 1, isToEtcd: false };
        relays.push(new TrialRelay(options));
      }
    } catch (error) {
      for (const relay of relays) relay.close();
      throw error;
    }
    return relays;
  }

  async #startBroker(broker: TrialBroker, signal: AbortSignal): Promise<void> {
    broker.started = Promise.withResolvers();
    broker.relay.open();
    broker.process.start();
    const stop = () => broker.started.reject(signal.reason);
    signal.addEventListener("abort", stop);
    try {
      signal.throwIfAborted();
      await broker.started.promise;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #onBrokerLine({ process, relay, started }: TrialBroker, line: string): void {
    const [, hostname, port] = LISTENING.exec(line) ?? [];
    // Where clients reach it says more than where the relay does.
    const shown = hostname === undefined
      ? line
      : line.replace(`${hostname}:${port}`, `${HOST}:${relay.address.port}`);
    this.#options.onLine(process.name, shown);
    if (hostname === undefined) return;
    relay.connectTo({ hostname, port: Number(port) });
    started.resolve();
  }

  #onBrokerEnd({ process, relay, started }: TrialBroker, how: string): void {
    // Clients and brokers are refused, as they are without a relay.
    relay.close();
    this.#options.onLine(process.name, `Ended ${how}`);
    const error = new CommandError(`Cannot start ${process.name}: its last lines say why`);
    // Nobody waits for it if the broker ran before.
    started.promise.catch(() => {});
    started.reject(error);
  }

  #broker(id: number): TrialBroker {
    const broker = this.#brokers.find((known) => known.id === id);
    if (broker !== undefined) return broker;
    throw new CommandError(`There is no broker ${id}: the ids are ${this.brokerIds.join(", ")}`);
  }

  #processOf(target: TrialTarget): TrialProcess {
    return target === ETCD ? this.#etcd : this.#broker(target).process;
  }

  #running(target: TrialTarget): TrialProcess {
    const process = this.#processOf(target);
    if (process.state !== "stopped") return process;
    throw new CommandError(`${process.name} is stopped; "start ${target}" starts it`);
  }
}

function etcdArguments(data: string, clientPort: number, peerPort: number): string[] {
  const client = `http://${HOST}:${clientPort}`;
  const peer = `http://${HOST}:${peerPort}`;
  const flags = {
    "name": "trial",
    "data-dir": data,
    "listen-client-urls": client,
    "advertise-client-urls": client,
    "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer,
    "initial-cluster": `trial=${peer}`,
    "heartbeat-interval": "50",
    "election-timeout": "500",
    "auto-compaction-retention": "1h",
    "logger": "zap",
    "log-level": "error",
  };
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Ports that nothing listens on. */
function freePorts(count: number): number[] {
  const listeners = Array.from({ length: count }, () => Deno.listen({ hostname: HOST, port: 0 }));
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}
