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

/**
 * A broker for a test. Where the broker logs an error, which it does for faults of its own alone, the
 * test fails as this is disposed of.
 */
export class LocalBroker {
  readonly #folder: TemporaryFolder;
  readonly #options: LocalBrokerOptions;
  readonly #errors: string[] = [];
  #broker!: Broker;

  private constructor(folder: TemporaryFolder, options: LocalBrokerOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Starts one in a new folder. */
  static async start(options: LocalBrokerOptions = {}): Promise<LocalBroker> {
    const local = new LocalBroker(await TemporaryFolder.create(), options);
    await local.#start();
    return local;
  }

  /** The broker itself; another one after each restart. */
  get broker(): Broker {
    return this.#broker;
  }

  /** Where it listens. */
  get hostPort(): HostPort {
    return this.#broker.addresses[0]!;
  }

  /** Where it listens, as `host:port`. */
  get address(): string {
    return `${this.hostPort.host}:${this.hostPort.port}`;
  }

  /** The folder with its data. */
  get dataPath(): string {
    return this.#folder.join("data");
  }

  /** Stops the broker in good order and starts it anew on its data, on another port. */
  async restart(): Promise<void> {
    await this.#broker.close();
    await this.#start();
  }

  async #start(): Promise<void> {
    this.#broker = await Broker.start({
      listen: "127.0.0.1:0",
      config: { ...this.#options.config, "log.dirs": this.dataPath },
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
