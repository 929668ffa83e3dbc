/**
 * A broker with an HTTP port, for tests.
 *
 * @module
 */

import { HttpServer } from "../../broker/http/mod.ts";
import { Broker, type BrokerSettings } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { alterUserScramCredentials } from "../../protocol/messages/mod.ts";
import { scramSaltedPassword } from "../../protocol/sasl/scram.ts";
import { ChannelConnection } from "./protocol/channel_connection.ts";

/** How to start it. */
export interface HttpBrokerOptions {
  readonly config?: Partial<BrokerSettings>;
  readonly allowsWrites?: boolean;
  readonly streamRate?: number | undefined;
}

/** An answer, with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any
  readonly json: any;
}

/** A broker in memory that serves HTTP. */
export class HttpBroker implements AsyncDisposable {
  readonly broker: Broker;
  readonly client: Client;
  readonly #server: HttpServer;
  #credentials: Readonly<Record<string, string>> = {};

  private constructor(broker: Broker, server: HttpServer) {
    this.broker = broker;
    this.#server = server;
    this.client = new Client({ broker });
  }

  /** Starts it. */
  static async start(
    { config = {}, allowsWrites, streamRate }: HttpBrokerOptions = {},
  ): Promise<HttpBroker> {
    const broker = await Broker.start({ storage: "memory", config });
    return HttpBroker.of(broker, allowsWrites, streamRate);
  }

  /** Serves HTTP for a broker, which is closed with it. */
  static of(broker: Broker, allowsWrites = true, streamRate = Infinity): HttpBroker {
    const server = HttpServer.start({
      broker,
      address: { host: "127.0.0.1", port: 0 },
      version: "1.2.3",
      allowsWrites,
      streamRate,
    });
    return new HttpBroker(broker, server);
  }

  /** `host:port`. */
  get host(): string {
    return `127.0.0.1:${this.#server.address.port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  /** The path of the cluster in version 3 of the API. */
  get cluster(): string {
    return `/v3/clusters/${this.broker.clusterId}`;
  }

  /** Creates the first user, which closes the cluster, and sends requests as it from then on. */
  async signIn(name: string, password: string): Promise<void> {
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const saltedPassword = await scramSaltedPassword("SCRAM-SHA-256", password, salt, 4096);
    await using connection = new ChannelConnection(this.broker.connect());
    await connection.request(alterUserScramCredentials, 0, {
      deletions: [],
      upsertions: [{ name, mechanism: 1, iterations: 4096, salt, saltedPassword }],
    });
    this.#credentials = { authorization: `Basic ${btoa(`${name}:${password}`)}` };
  }

  /** Sends a request, by default with JSON, and reads the answer. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = { "content-type": "application/json", ...this.#credentials },
  ): Promise<Answer> {
    const isText = typeof body === "string" || body === undefined;
    const response = await fetch(`${this.url}${path}`, {
      method,
      redirect: "manual",
      headers,
      ...(body === undefined ? {} : { body: isText ? body as string : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return {
      status: response.status,
      headers: response.headers,
      json: text === "" ? undefined : isJson && !text.includes("}\n") ? JSON.parse(text) : text,
    };
  }

  /** Sends a GET request. */
  get(path: string): Promise<Answer> {
    return this.send("GET", path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    await this.client.close();
    await this.broker.close();
  }
}
