/**
 * Several brokers in this process that form one cluster, in memory.
 *
 * @module
 */

import type { Session } from "./security/session.ts";
import type { FrameChannel } from "../protocol/frames/channel.ts";
import { randomUuid } from "../protocol/primitives/uuid.ts";
import { MemoryFileSystem } from "../storage/file_system/memory_file_system.ts";
import { LogDirectory } from "../storage/log_directory.ts";
import { Broker, MEMORY_CONFIG, MEMORY_FOLDER } from "./broker.ts";
import { LocalMetadataStore, METADATA_LOG_NAME } from "./metadata/local_metadata_store.ts";
import { SharedMetadataStore } from "./metadata/shared_metadata_store.ts";
import { type Logger, silentLogger } from "./logger.ts";
import {
  formatHostPort,
  formatNamedAddress,
  type NamedAddress,
  parseNamedAddress,
} from "./settings/listener.ts";
import type { GivenSettings } from "./settings/config.ts";
import { type Clock, systemClock } from "./time/clock.ts";

/** How to start a cluster. */
export interface ClusterOptions {
  /** Number of brokers. Their ids are 1, 2 and so on. Default: 3. */
  readonly brokers?: number;
  /** The rack of each broker, in the order of their ids. Default: none. */
  readonly racks?: readonly string[];
  /**
   * What each broker listens on, as `HOST:PORT` or `NAME://HOST:PORT`; port 0 lets the system choose
   * one. Default: `127.0.0.1:0`.
   */
  readonly listen?: readonly string[];
  /** Settings of all brokers, by Kafka's names. Default: those of a broker in memory. */
  readonly config?: GivenSettings;
  /** Where log lines go. Default: nowhere. */
  readonly logger?: Logger;
  /** Time and timers. Default: the system clock. */
  readonly clock?: Clock;
}

/** A broker's place in the cluster, which outlives the broker. */
interface Member {
  readonly nodeId: number;
  fileSystem: MemoryFileSystem;
  /** What the broker listens on, with names; undefined before its first start. */
  listeners: readonly NamedAddress[] | undefined;
  /** Undefined while the broker is stopped. */
  broker: Broker | undefined;
}

/**
 * A cluster of brokers in this process, for tests. Records are in memory and are lost when the cluster is
 * closed. Each broker listens on a loopback port. A partition with one replica cannot be used while its
 * broker is stopped.
 *
 * @example In a unit test
 * ```ts
 * import { Cluster } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 *
 * await using cluster = await Cluster.start({ brokers: 3 });
 * await using client = new Client({ brokers: cluster.addresses });
 * ```
 */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #store: LocalMetadataStore;
  readonly #resources: AsyncDisposableStack;
  readonly #members: Member[] = [];
  #closing: Promise<void> | undefined;

  /** The cluster's id, 22 characters of base64url. */
  readonly clusterId: string = randomUuid();

  private constructor(
    options: ClusterOptions,
    store: LocalMetadataStore,
    resources: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.#store = store;
    this.#resources = resources;
  }

  /**
   * Starts a cluster; all its brokers serve clients when this resolves.
   *
   * @throws {ConfigError} If a setting cannot be used.
   */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    await using opened = new AsyncDisposableStack();
    const { clock = systemClock } = options;
    const nowMs = clock.now();
    const directory = opened.use(
      await LogDirectory.open(new MemoryFileSystem(), MEMORY_FOLDER, { nowMs }),
    );
    const log = directory.create(METADATA_LOG_NAME, { nowMs });
    const store = await LocalMetadataStore.open(log, { clock });
    opened.defer(() => store.close());
    const cluster = new Cluster(options, store, opened.move());
    try {
      for (let nodeId = 1; nodeId <= (options.brokers ?? 3); nodeId++) {
        const fileSystem = new MemoryFileSystem();
        cluster.#members.push({ nodeId, fileSystem, listeners: undefined, broker: undefined });
        await cluster.startBroker(nodeId);
      }
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  /** The running brokers, by id. */
  get brokers(): readonly Broker[] {
    return this.#members.flatMap(({ broker }) => broker ?? []);
  }

  /** Where the brokers listen, as `HOST:PORT`, stopped ones included: by their first listener. */
  get addresses(): readonly string[] {
    return this.#members.flatMap(({ listeners }) =>
      listeners?.slice(0, 1).map(formatHostPort) ?? []
    );
  }

  /** Where the brokers listen by the listener with a name, as `HOST:PORT`, stopped ones included. */
  addressesOf(listener: string): readonly string[] {
    return this.#members.flatMap(({ listeners = [] }) =>
      listeners.filter(({ name }) => name === listener).map(formatHostPort)
    );
  }

  /** The broker with an id; undefined if there is none, or it is stopped. */
  broker(nodeId: number): Broker | undefined {
    return this.#members.find((member) => member.nodeId === nodeId)?.broker;
  }

  /**
   * Starts a broker that was stopped, with the records and at the addresses that it had.
   *
   * @param changes What is different from the options of the cluster, as in a rolling change of all
   *   brokers; at addresses that are not named here, it listens no more.
   * @throws {RangeError} If the cluster has no such broker.
   */
  async startBroker(
    nodeId: number,
    changes: Pick<ClusterOptions, "config" | "listen"> = {},
  ): Promise<Broker> {
    const member = this.#member(nodeId);
    if (member.broker !== undefined) return member.broker;
    const { racks, logger = silentLogger, clock = systemClock } = this.#options;
    const { listen = ["127.0.0.1:0"] } = { ...this.#options, ...changes };
    const names = listen.map((text) => parseNamedAddress(text).name);
    const addresses = listen.map((text, i) => {
      // A name can have several addresses.
      const earlier = names.slice(0, i).filter((name) => name === names[i]).length;
      const known = member.listeners?.filter(({ name }) => name === names[i])[earlier];
      return known === undefined ? text : formatNamedAddress(known);
    });
    const broker = await Broker.start({
      fileSystem: member.fileSystem,
      listen: addresses,
      config: {
        ...MEMORY_CONFIG,
        ...this.#options.config,
        ...changes.config,
        "log.dirs": MEMORY_FOLDER,
        "node.id": nodeId,
        "cluster.id": this.clusterId,
        ...(racks === undefined ? {} : { "broker.rack": racks[nodeId - 1] ?? null }),
      },
      logger,
      clock,
      membership: {
        store: new SharedMetadataStore(this.#store),
        failsAlone: true,
        connect: (address, session) => this.#connect(address, session),
      },
    });
    member.listeners = broker.addresses.map((address, i) => ({ ...address, name: names[i]! }));
    member.broker = broker;
    return broker;
  }

  /**
   * Stops a broker. The others continue without it.
   *
   * @throws {RangeError} If the cluster has no such broker.
   */
  async stopBroker(nodeId: number): Promise<void> {
    const member = this.#member(nodeId);
    const { broker } = member;
    member.broker = undefined;
    await broker?.close();
  }

  /**
   * Kills a broker: its connections end at once, and it starts again with the files that it had at
   * that moment.
   *
   * @throws {RangeError} If the cluster has no such broker.
   */
  async killBroker(nodeId: number): Promise<void> {
    const member = this.#member(nodeId);
    const { broker } = member;
    if (broker === undefined) return;
    member.broker = undefined;
    const ended = broker.abort();
    // What it writes on its way out is lost.
    member.fileSystem = member.fileSystem.clone({ unsynced: "kept" });
    await ended;
  }

  /** Stops all brokers. Closing again waits for the same end. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Stops all brokers. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const { nodeId } of this.#members) await this.stopBroker(nodeId);
    await this.#resources.disposeAsync();
  }

  #member(nodeId: number): Member {
    const member = this.#members.find((known) => known.nodeId === nodeId);
    if (member !== undefined) return member;
    throw new RangeError(`Cannot find broker ${nodeId}: the cluster has ${this.#members.length}`);
  }

  /** @throws {Deno.errors.ConnectionRefused} If the broker with the address is stopped. */
  #connect(address: string, session?: Session): FrameChannel | undefined {
    const member = this.#members.find(({ listeners = [] }) =>
      listeners.some((each) => formatHostPort(each) === address)
    );
    if (member === undefined) return undefined;
    if (member.broker !== undefined) return member.broker.connectHere(session);
    throw new Deno.errors.ConnectionRefused(`Cannot connect: broker ${member.nodeId} is stopped`);
  }
}
