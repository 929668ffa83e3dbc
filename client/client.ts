/**
 * The client: a program's connection to a cluster.
 *
 * @module
 */

import { CLOSE_NAMES, OPERATION_NAMES } from "./connection/option_names.ts";
import { ensureKnown } from "./ensure_known.ts";
import { Admin } from "./admin/admin.ts";
import { ClientCore, type OperationOptions } from "./connection/client_core.ts";
import { type ClientOptions, resolveClientOptions } from "./client_options.ts";
import type { BrokerNode } from "./connection/cluster_metadata.ts";
import type { ConnectionStatus } from "./connection/connection_status.ts";
import type { DqueueError } from "./errors.ts";
import { Consumer } from "./consumer/consumer.ts";
import type { ConsumerOptions } from "./consumer/consumer_options.ts";
import type { Message } from "./consumer/message.ts";
import { GroupConsumer } from "./group/group_consumer.ts";
import type { GroupConsumerOptions } from "./group/group_consumer_options.ts";
import { Producer } from "./producer/producer.ts";
import type { ProducerOptions } from "./producer/producer_options.ts";
import type { CloseOptions } from "./connection/waiting.ts";
import { Transform } from "./transform/transform.ts";
import type { TransformFunction, TransformOptions } from "./transform/transform_options.ts";

/** Returns the internals of a client, for tests. */
export let coreOf: (client: Client) => ClientCore;

/**
 * A connection to a cluster: the connections to its brokers and the cached metadata.
 *
 * Admins, producers and consumers are created from a client and share it. Creating one costs
 * nothing: the client connects on first use.
 *
 * @example Writing and reading a message
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * await client.admin().createTopic({ name: "greetings" });
 * await client.producer().send({ topic: "greetings", value: "hello" });
 *
 * const consumer = client.consumer();
 * await consumer.subscribe("greetings");
 * for await (const message of consumer) {
 *   console.log(message.text());
 *   break;
 * }
 * ```
 */
export class Client implements AsyncDisposable {
  readonly #core: ClientCore;

  static {
    coreOf = (client) => client.#core;
  }

  /**
   * Creates a client. It connects on first use.
   *
   * @param options How to reach the cluster.
   * @throws {UsageError} If an option is invalid.
   */
  constructor(options: ClientOptions) {
    this.#core = new ClientCore(resolveClientOptions(options));
  }

  /** The known brokers of the cluster; empty before the first request. */
  get brokers(): readonly BrokerNode[] {
    return this.#core.metadata.brokers;
  }

  /** The id of the cluster; null before the first request. */
  get clusterId(): string | null {
    return this.#core.metadata.clusterId;
  }

  /**
   * The state of the connections to each broker that the client is connected to, or has lost. The
   * `onStatus` option reports changes.
   */
  get connections(): readonly ConnectionStatus[] {
    return this.#core.connections.statuses;
  }

  /**
   * The broker that requests for the controller are sent to; undefined before the first request.
   * See `discoverController()`.
   */
  get controller(): BrokerNode | undefined {
    return this.#core.metadata.controller;
  }

  /**
   * Asks the cluster which broker is its controller. Requests that need the controller do this when
   * necessary.
   *
   * @param options Time limit and signal.
   * @returns The controller.
   * @throws {TimeoutError} If no broker can be reached, or the cluster has no controller, within
   * the time limit.
   */
  async discoverController(options: OperationOptions = {}): Promise<BrokerNode> {
    ensureKnown("discoverController()", options, OPERATION_NAMES);
    return await this.#core.retry(
      "discover the controller",
      options,
      () => this.#core.discoverController(),
    );
  }

  /** Creates an admin, which creates, describes and alters topics. */
  admin(): Admin {
    return new Admin(this.#core);
  }

  /**
   * Creates a producer, which sends messages.
   *
   * @param options How to send.
   * @throws {UsageError} If an option is invalid.
   */
  producer(options: ProducerOptions = {}): Producer {
    return new Producer(this.#core, options);
  }

  /**
   * Creates a consumer, which reads messages.
   *
   * @param options How to read.
   * @throws {UsageError} If an option is invalid.
   */
  consumer(options: ConsumerOptions = {}): Consumer {
    return new Consumer(this.#core, options);
  }

  /**
   * Creates a group consumer, which shares the messages of its topics with the other members of a
   * group.
   *
   * @param options The group, the topics, and how to read.
   * @throws {UsageError} If an option is invalid.
   */
  groupConsumer(options: GroupConsumerOptions): GroupConsumer {
    return new GroupConsumer(this.#core, options);
  }

  /**
   * Reads messages as a member of a group, makes others of them and writes those, exactly once: each
   * transaction holds what was written together with the offsets of what was read (KIP-447).
   * Rebalances, outages and aborted transactions are handled by reading again from the committed
   * offsets. It runs in the background until it is stopped.
   *
   * @param options What to read and write.
   * @param run Makes messages of a message: one, several or none.
   * @throws {UsageError} If an option is invalid.
   */
  transform(options: TransformOptions, run: TransformFunction): Transform {
    return new Transform(this.#core, options, run);
  }

  /**
   * Runs what processes a message. With the `tracing` option it is a span of the trace that the
   * message's headers name, and what it sends continues that trace; otherwise it is only run.
   *
   * @param message The message.
   * @param run Processes it.
   * @returns What `run` returns.
   *
   * @example Continuing the trace of each message
   * ```ts
   * import { Broker } from "@dqueue/dqueue/broker";
   * import { Client } from "@dqueue/dqueue/client";
   * // import * as tracing from "npm:@opentelemetry/api";
   *
   * await using broker = await Broker.start({ storage: "memory" });
   * await using client = new Client({ broker }); // With tracing: new Client({ broker, tracing })
   * await client.admin().createTopics([{ name: "orders" }, { name: "bills" }]);
   * const producer = client.producer();
   * await producer.send({ topic: "orders", value: "1" });
   *
   * const consumer = client.consumer();
   * await consumer.subscribe("orders");
   * for await (const message of consumer) {
   *   await client.process(message, () => producer.send({ topic: "bills", value: message.value }));
   *   break;
   * }
   * ```
   */
  process<T>(message: Message, run: () => T): T {
    const { tracing } = this.#core.options;
    return tracing === undefined ? run() : tracing.process(message, run);
  }

  /**
   * Closes the client and all producers and consumers created from it, after sending the messages
   * that are queued. Calling it again has no effect.
   *
   * @param options How long to wait for queued messages.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    ensureKnown("close()", options, CLOSE_NAMES);
    await this.#core.close(options);
  }

  /**
   * Waits until the client is closed. A client does not close by itself: while no broker can be
   * reached it keeps trying, and `onStatus` reports that.
   *
   * @returns A promise that resolves once `close()` is done: with the error if a producer or consumer
   * could not be closed, otherwise with undefined. It never rejects.
   *
   * @example Logging the end of a client
   * ```ts
   * import { Broker } from "@dqueue/dqueue/broker";
   * import { Client } from "@dqueue/dqueue/client";
   *
   * await using broker = await Broker.start({ storage: "memory" });
   * const client = new Client({ broker });
   * client.closed().then((error) => console.log("client closed", error?.message ?? "cleanly"));
   * await client.close();
   * ```
   */
  closed(): Promise<DqueueError | undefined> {
    return this.#core.closed;
  }

  /** Closes the client. See {@linkcode Client.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
