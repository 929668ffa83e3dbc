/**
 * A cluster as its users run it: members of etcd and brokers, each a process.
 *
 * @module
 */

import { EtcdCluster } from "../etcd_cluster.ts";
import { TemporaryFolder } from "../temporary_folder.ts";
import type { Machine } from "../machine.ts";
import { BrokerProcess } from "./broker_process.ts";
import { fromSource } from "./dqueue.ts";

/** How to start a cluster. */
export interface BrokerClusterOptions {
  /** The program of etcd. */
  readonly etcd: string;
  /** Members of etcd. Default: 3. */
  readonly members?: number;
  /** Brokers. Default: 3. */
  readonly brokers?: number;
  /** Further flags of each broker. */
  readonly flags?: readonly string[];
  /** Further variables of each broker. */
  readonly env?: Readonly<Record<string, string>>;
  /** What a broker listens on, at each start. Default: an address at a free port. */
  readonly listen?: (id: number) => string;
  /** The rack of each broker. Default: none. */
  readonly racks?: readonly string[];
  /** Where members of etcd and brokers run. Default: here. */
  readonly machines?: { readonly etcd: readonly Machine[]; readonly brokers: readonly Machine[] };
}

const PORT = 9092;

/** A running cluster, whose brokers can be killed and started again. */
export class BrokerCluster implements AsyncDisposable {
  readonly #options: BrokerClusterOptions;
  readonly #folder: TemporaryFolder;
  readonly #brokers: Map<number, BrokerProcess> = new Map();
  readonly #addresses: Map<number, string> = new Map();
  readonly etcd: EtcdCluster;

  private constructor(options: BrokerClusterOptions, folder: TemporaryFolder, etcd: EtcdCluster) {
    this.#options = options;
    this.#folder = folder;
    this.etcd = etcd;
  }

  /** Starts a cluster; all brokers serve clients when this resolves. Their ids are 1, 2 and so on. */
  static async start(options: BrokerClusterOptions): Promise<BrokerCluster> {
    const { etcd: path, members = 3, brokers = 3, machines } = options;
    const folder = await TemporaryFolder.create();
    const etcd = await EtcdCluster.start({
      path,
      size: members,
      ...(machines === undefined ? {} : { machines: machines.etcd }),
    });
    const cluster = new BrokerCluster(options, folder, etcd);
    const started = Array.from({ length: brokers }, (_, i) => cluster.start(i + 1));
    const failure = (await Promise.allSettled(started)).find(({ status }) => status === "rejected");
    if (failure !== undefined) {
      await cluster[Symbol.asyncDispose]();
      throw (failure as PromiseRejectedResult).reason;
    }
    return cluster;
  }

  /** Where the brokers listen, in the order of their ids, also those that do not run. */
  get addresses(): string[] {
    return this.#ids.map((id) => this.#addresses.get(id)!);
  }

  /** Where the brokers find their metadata. */
  get metadata(): string {
    const members = this.etcd.endpoints.map((endpoint) => new URL(endpoint).host);
    return `etcd://${members.join(",")}/orders`;
  }

  /** The data folder of a broker. */
  data(id: number): string {
    return this.#folder.join(`broker-${id}`);
  }

  /** A broker that runs. */
  broker(id: number): BrokerProcess {
    const broker = this.#brokers.get(id);
    if (broker === undefined) throw new Error(`Broker ${id} does not run`);
    return broker;
  }

  /** Starts a broker, with the data and at the address that it had. */
  async start(id: number): Promise<BrokerProcess> {
    const { flags = [], env, racks, machines } = this.#options;
    const rack = racks?.[id - 1];
    const machine = machines?.brokers[id - 1];
    const listen = machine === undefined
      ? this.#options.listen?.(id) ?? this.#addresses.get(id)
      : `${machine.host}:${PORT}`;
    const broker = await BrokerProcess.start({
      data: this.data(id),
      ...(machine === undefined ? {} : { program: machine.command(await fromSource()) }),
      ...(listen === undefined ? {} : { listen }),
      ...(env === undefined ? {} : { env }),
      flags: [
        ...["--metadata", this.metadata],
        ...["--node-id", String(id)],
        ...(rack === undefined ? [] : ["--broker-rack", rack]),
        ...flags,
      ],
    });
    this.#brokers.set(id, broker);
    this.#addresses.set(id, broker.address);
    return broker;
  }

  /** Kills a broker, as a crash does. */
  async kill(id: number): Promise<void> {
    await this.broker(id).kill();
    this.#brokers.delete(id);
  }

  /** Shuts a broker down cleanly. */
  async stop(id: number): Promise<void> {
    await this.broker(id).stop();
    this.#brokers.delete(id);
  }

  get #ids(): number[] {
    return [...this.#addresses.keys()].sort((a, b) => a - b);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const broker of this.#brokers.values()) await broker[Symbol.asyncDispose]();
    await this.etcd[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}
