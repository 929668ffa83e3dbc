/**
 * The client: a program's view of a cluster.
 *
 * @module
 */

import { CLOSE_NAMES, OPERATION_NAMES } from "./connection/option_names.ts";
import { ensureKnown } from "./ensure_known.ts";
import { Admin } from "./admin/admin.ts";
import { ClientCore, type OperationOptions } from "./connection/client_core.ts";
import { type ClientOptions, resolveClientOptions } from "./client_options.ts";
import type { BrokerNode } from "./connection/cluster_metadata.ts";
import { Consumer } from "./consumer/consumer.ts";
import type { ConsumerOptions } from "./consumer/consumer_options.ts";
import { GroupConsumer } from "./group/group_consumer.ts";
import type { GroupConsumerOptions } from "./group/group_consumer_options.ts";
import { Producer } from "./producer/producer.ts";
import type { ProducerOptions } from "./producer/producer_options.ts";
import type { CloseOptions } from "./connection/waiting.ts";

/** The inner side of a client, for tests of its parts. */
export let coreOf: (client: Client) => ClientCore;

/**
 * A cluster as a program sees it: the connections to its brokers and what is known of its topics.
 *
 * Admins, producers and consumers are made from a client and share it. Making one costs nothing: it
 * connects when it is first asked for something.
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
   * Makes a client; it connects when it is first used.
   *
   * @param options How to reach the cluster.
   * @throws {UsageError} If an option is not possible.
   */
  constructor(options: ClientOptions) {
    this.#core = new ClientCore(resolveClientOptions(options));
  }

  /** The brokers of the cluster, as far as known; none before the first request. */
  get brokers(): readonly BrokerNode[] {
    return this.#core.metadata.brokers;
  }

  /** The id of the cluster; null before the first request. */
  get clusterId(): string | null {
    return this.#core.metadata.clusterId;
  }

  /**
   * The broker that requests for the controller go to, as far as known; undefined before the first
   * request. `discoverController()` asks.
   */
  get controller(): BrokerNode | undefined {
    return this.#core.metadata.controller;
  }

  /**
   * Asks the cluster who its controller is. Requests that need the controller do so by themselves.
   *
   * @param options How long to try.
   * @returns The controller.
   * @throws {TimeoutError} If no broker could be reached, or the cluster has no controller, for that long.
   */
  async discoverController(options: OperationOptions = {}): Promise<BrokerNode> {
    ensureKnown("discoverController()", options, OPERATION_NAMES);
    return await this.#core.retry(
      "discover the controller",
      options,
      () => this.#core.discoverController(),
    );
  }

  /** Makes an admin, to create, describe and change topics. */
  admin(): Admin {
    return new Admin(this.#core);
  }

  /**
   * Makes a producer, to send messages.
   *
   * @param options How it sends.
   * @throws {UsageError} If an option is not possible.
   */
  producer(options: ProducerOptions = {}): Producer {
    return new Producer(this.#core, options);
  }

  /**
   * Makes a consumer, to read messages.
   *
   * @param options How it reads.
   * @throws {UsageError} If an option is not possible.
   */
  consumer(options: ConsumerOptions = {}): Consumer {
    return new Consumer(this.#core, options);
  }

  /**
   * Makes a group consumer, to read messages together with others.
   *
   * @param options Which group and topics, and how it reads.
   * @throws {UsageError} If an option is not possible.
   */
  groupConsumer(options: GroupConsumerOptions): GroupConsumer {
    return new GroupConsumer(this.#core, options);
  }

  /**
   * Closes the client, and all producers and consumers made from it: messages on their way are still
   * sent. Safe to call again.
   *
   * @param options How long to wait for them.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    ensureKnown("close()", options, CLOSE_NAMES);
    await this.#core.close(options);
  }

  /** Closes the client, like `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
