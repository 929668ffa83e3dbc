/**
 * A broker in the test's own process, on a socket and on disk.
 *
 * @module
 */

import { Broker, type BrokerSettings, createLogger, type HostPort } from "../../../broker/mod.ts";
import { TemporaryFolder } from "../temporary_folder.ts";

/** How to start a broker for a test. */
export interface LocalBrokerOptions {
  readonly config?: Partial<BrokerSettings>;
}

/** The variable with the address of an etcd, as `etcd://HOST:PORT`, in which brokers have their metadata. */
export const METADATA_VARIABLE = "DQUEUE_TEST_METADATA";

/**
 * A broker for a test. Disposal fails if the broker logged an error, which it does only for its own faults.
 */
export class LocalBroker {
  readonly #folder: TemporaryFolder;
  readonly #options: LocalBrokerOptions;
  readonly #errors: string[] = [];
  /**
   * With the address of an etcd in `DQUEUE_TEST_METADATA`, as `etcd://HOST:PORT`, each broker keeps its
   * metadata there, under a name of its own.
   */
  readonly #metadata: Partial<BrokerSettings>;
  #broker!: Broker;

  private constructor(folder: TemporaryFolder, options: LocalBrokerOptions) {
    this.#folder = folder;
    this.#options = options;
    const etcd = Deno.env.get(METADATA_VARIABLE);
    this.#metadata = etcd === undefined ? {} : { metadata: `${etcd}/${crypto.randomUUID()}` };
  }

  /** Starts a broker in a new folder. */
  static async start(options: LocalBrokerOptions = {}): Promise<LocalBroker> {
    const local = new LocalBroker(await TemporaryFolder.create(), options);
    await local.#start();
    return local;
  }

  /** The broker; a new object after each restart. */
  get broker(): Broker {
    return this.#broker;
  }

  /** The address it listens on. */
  get hostPort(): HostPort {
    return this.#broker.addresses[0]!;
  }

  /** The address it listens on, as `host:port`. */
  get address(): string {
    return `${this.hostPort.host}:${this.hostPort.port}`;
  }

  /** The data folder. */
  get dataPath(): string {
    return this.#folder.join("data");
  }

  /** Shuts the broker down cleanly and starts it again on its data, on another port. */
  async restart(): Promise<void> {
    await this.#broker.close();
    await this.#start();
  }

  async #start(): Promise<void> {
    this.#broker = await Broker.start({
      listen: "127.0.0.1:0",
      config: { ...this.#options.config, ...this.#metadata, "log.dirs": this.dataPath },
      logger: createLogger({ level: "error", sink: (line) => this.#errors.push(line) }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker.close();
    await this.#folder[Symbol.asyncDispose]();
    if (this.#errors.length > 0) {
      throw new Error(`The broker logged errors:\n${this.#errors.join("\n")}`);
    }
  }
}
