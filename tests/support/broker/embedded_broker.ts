/**
 * An embedded broker that tests of the SDK can cut off, stop and start again under their clients.
 *
 * @module
 */

import { Broker, type BrokerSettings, silentLogger } from "../../../broker/mod.ts";
import type { EmbeddedBroker, EmbeddedChannel } from "../../../client/mod.ts";
import { TemporaryFolder } from "../temporary_folder.ts";

/** A broker without a socket, on disk so that it can be started again. */
export class RestartableBroker implements EmbeddedBroker, AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly #config: Partial<BrokerSettings>;
  #broker: Broker | undefined;

  private constructor(folder: TemporaryFolder, config: Partial<BrokerSettings>) {
    this.#folder = folder;
    this.#config = config;
  }

  /** Starts a broker in a new folder. */
  static async start(config: Partial<BrokerSettings>): Promise<RestartableBroker> {
    const restartable = new RestartableBroker(await TemporaryFolder.create(), config);
    await restartable.start();
    return restartable;
  }

  connect(): EmbeddedChannel {
    if (this.#broker === undefined) throw new Deno.errors.ConnectionRefused("It is stopped");
    return this.#broker.connect();
  }

  /** Starts it again on its data. */
  async start(): Promise<void> {
    this.#broker = await Broker.start({
      listen: [],
      config: { ...this.#config, "log.dirs": this.#folder.join("data") },
      logger: silentLogger,
    });
  }

  /** Shuts it down cleanly; connections are refused until it is started again. */
  async stop(): Promise<void> {
    const broker = this.#broker;
    this.#broker = undefined;
    await broker?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A client's route to a broker, which can be cut: the broker then sees the client as dead. */
export class CuttableBroker implements EmbeddedBroker {
  readonly #broker: EmbeddedBroker;
  readonly #channels = new Set<EmbeddedChannel>();
  #isCut = false;

  constructor(broker: EmbeddedBroker) {
    this.#broker = broker;
  }

  async connect(address: string): Promise<EmbeddedChannel> {
    if (this.#isCut) throw new Deno.errors.ConnectionRefused("It is cut off");
    const channel = await this.#broker.connect(address);
    this.#channels.add(channel);
    return channel;
  }

  /** Closes all connections; the client can open new ones. */
  disconnect(): void {
    for (const channel of this.#channels) channel.abort();
    this.#channels.clear();
  }

  /** Closes all connections for good, as if the client's process had been killed. */
  cut(): void {
    this.#isCut = true;
    this.disconnect();
  }
}
