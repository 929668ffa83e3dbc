/**
 * A broker in this process with a TLS listener, and certificates for its clients.
 *
 * @module
 */

import { Broker, type BrokerSettings, createLogger } from "../../../broker/mod.ts";
import type { Clock } from "../../../broker/time/clock.ts";
import { Client, type TlsOptions } from "../../../client/mod.ts";
import { TemporaryFolder } from "../temporary_folder.ts";
import { TestAuthority } from "./test_authority.ts";

/** Options of {@linkcode TlsBroker.start}. */
export interface TlsBrokerOptions {
  /** Further settings. */
  readonly config?: Partial<BrokerSettings>;
  /** Time of the broker. Default: the system's. */
  readonly clock?: Clock;
}

/** A broker with an SSL and a PLAINTEXT listener. */
export class TlsBroker {
  readonly broker: Broker;
  readonly authority: TestAuthority;
  /** What it has logged. */
  readonly lines: string[];
  readonly #folder: TemporaryFolder;

  private constructor(
    broker: Broker,
    authority: TestAuthority,
    lines: string[],
    folder: TemporaryFolder,
  ) {
    this.broker = broker;
    this.authority = authority;
    this.lines = lines;
    this.#folder = folder;
  }

  static async start({ config = {}, clock }: TlsBrokerOptions = {}): Promise<TlsBroker> {
    const authority = TestAuthority.create();
    const folder = await TemporaryFolder.create();
    const files = { keystore: folder.join("keystore.pem"), ca: folder.join("ca.pem") };
    await Deno.writeTextFile(files.keystore, authority.issueServer().keystore);
    await Deno.writeTextFile(files.ca, authority.cert);
    const lines: string[] = [];
    const broker = await Broker.start({
      storage: "memory",
      listen: ["SSL://127.0.0.1:0", "PLAINTEXT://127.0.0.1:0"],
      config: {
        "inter.broker.listener.name": "PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": files.keystore,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": files.ca,
        ...config,
      },
      logger: createLogger({ sink: (line) => lines.push(line.slice(25)) }),
      ...(clock === undefined ? {} : { clock }),
    });
    return new TlsBroker(broker, authority, lines, folder);
  }

  /** The address of the SSL listener. */
  get address(): string {
    return this.#address(0);
  }

  /** The address of the PLAINTEXT listener. */
  get plaintext(): string {
    return this.#address(1);
  }

  get port(): number {
    return this.broker.addresses[0]!.port;
  }

  /** The file of the broker's key and certificates. */
  get keystoreFile(): string {
    return this.#folder.join("keystore.pem");
  }

  /** The file of the authority's certificate. */
  get caFile(): string {
    return this.#folder.join("ca.pem");
  }

  /** A file in the broker's folder. */
  file(name: string): string {
    return this.#folder.join(name);
  }

  /** A client that trusts the broker. */
  client(tls: TlsOptions = {}): Client {
    return new Client({ brokers: this.address, tls: { ca: this.authority.cert, ...tls } });
  }

  /** Lines of a level other than INFO, about TLS. */
  get problems(): string[] {
    return this.lines.filter((line) =>
      !line.startsWith("INFO") && !line.includes("expires within")
    );
  }

  #address(index: number): string {
    const { host, port } = this.broker.addresses[index]!;
    return `${host}:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}
