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

  /** Starts one in a new folder. */
  static async start(config: Partial<BrokerSettings>): Promise<RestartableBroker> {
    const restartable = new RestartableBroker(await TemporaryFolder.create(), config);
    await restartable.start();
    return restartable;
  }

  connect(): EmbeddedChannel {
    if (this.#broker === undefined) throw new Deno.errors.ConnectionRefused("It is stopped");
    return this.#broker.connect();
  }

  /** Starts it on its data. */
  async start(): Promise<void> {
    this.#broker = await Broker.start({
      listen: [],
      config: { ...this.#config, "log.dirs": this.#folder.join("data") },
      logger: silentLogger,
    });
  }

  /** Stops it in good order; whoever connects is refused until it is started. */
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

/** The way of one client to a broker, which can be cut: the client is then dead to the broker. */
export class CuttableBroker implements EmbeddedBroker {
  readonly #broker: EmbeddedBroker;
  readonly #channels = new Set<EmbeddedChannel>();
  #isCut = false;

  constructor(broker: EmbeddedBroker) {
    this.#broker = broker;
  }

  connect(address: string): EmbeddedChannel {
    if (this.#isCut) throw new Deno.errors.ConnectionRefused("It is cut off");
    const channel = this.#broker.connect(address);
    this.#channels.add(channel);
    return channel;
  }

  /** Ends all connections; the client can open others. */
  disconnect(): void {
    for (const channel of this.#channels) channel.abort();
    this.#channels.clear();
  }

  /** Ends all connections for good, as if the client's process had been killed. */
  cut(): void {
    this.#isCut = true;
    this.disconnect();
  }
}
