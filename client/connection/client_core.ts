/**
 * The internals shared by `Admin`, `Producer` and `Consumer`: connections, metadata and retries.
 *
 * An operation is retried until it succeeds, fails permanently or times out. The client backs off
 * between attempts, and refreshes the metadata first if the failure shows that they are outdated.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import type { Api, DecodedFields, Fields, ResponseOf } from "../../protocol/schema/schema.ts";
import { type BrokerAddress, formatAddress } from "./address.ts";
import { backoffMs } from "./backoff.ts";
import type { ResolvedClientOptions } from "../client_options.ts";
import { type BrokerNode, ClusterMetadata, type TopicMetadata } from "./cluster_metadata.ts";
import type { BrokerConnection, RequestBody, RequestOptions } from "./connection.ts";
import { ConnectionLane } from "./connection_lane.ts";
import { ConnectionMonitor } from "./connection_status.ts";
import { Deadline } from "./deadline.ts";
import {
  ClosedError,
  ConnectionError,
  type DqueueError,
  isRetriable,
  KafkaError,
  refreshesMetadata,
} from "../errors.ts";
import { firstSuccess } from "./first_success.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { type CloseOptions, delay } from "./waiting.ts";

/**
 * The interval at which an unknown topic is looked up again: a new topic may not be known to all
 * brokers yet.
 */
const UNKNOWN_TOPIC_ATTEMPTS = 4;
/** How long one broker has to answer before the next is tried as well. */
const DIAL_DELAY_MS = 50;

/** Options of an operation that waits. */
export interface OperationOptions {
  /** Aborts the operation, which then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The time limit of the operation including retries, in milliseconds. Default: the client's
   * `timeoutMs`.
   */
  readonly timeoutMs?: number | undefined;
}

/** Called for each failed attempt that is retried. */
export interface FailureListener {
  readonly onFailure?: (error: DqueueError) => void;
}

/** A producer or consumer, closed before its client. */
export interface ClientUser {
  close(options?: CloseOptions): Promise<void>;
}

/** The internals of a client. */
export class ClientCore {
  readonly options: ResolvedClientOptions;
  readonly metadata: ClusterMetadata;
  /** The state of the connections to each broker. */
  readonly connections: ConnectionMonitor;
  /** The lane of requests with prompt responses. */
  readonly control: ConnectionLane;
  readonly #lanes = new Set<ConnectionLane>();
  readonly #users = new Set<ClientUser>();
  /** Addresses that the cluster has listed brokers at. */
  readonly #listed = new Set<string>();
  /** Silent brokers that others are being asked about. */
  readonly #doubted = new Set<string>();
  readonly #closing = new AbortController();
  readonly #end = Promise.withResolvers<DqueueError | undefined>();
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedClientOptions) {
    this.options = options;
    this.connections = new ConnectionMonitor(options.onStatus);
    this.control = this.openLane();
    this.metadata = new ClusterMetadata(
      (topics, allowAutoTopicCreation) => this.#askMetadata(topics, allowAutoTopicCreation),
      options.metadataMaxAgeMs,
    );
    this.metadata.onUpdate(() => {
      for (const broker of this.metadata.brokers) this.#listed.add(formatAddress(broker));
    });
  }

  /** Aborted with a `ClosedError` when the client is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Resolves when the client is closed, with the error of closing if there was one. */
  get closed(): Promise<DqueueError | undefined> {
    return this.#end.promise;
  }

  /** Opens a lane for a producer or consumer, which has to close it. */
  openLane(clientId: string = this.options.clientId): ConnectionLane {
    const lane = new ConnectionLane({
      ...this.options,
      clientId,
      observer: this.connections,
      onSilence: (address) => this.#doubt(address),
    });
    this.#lanes.add(lane);
    return lane;
  }

  /** Closes the connections of a lane. */
  closeLane(lane: ConnectionLane): Promise<void> {
    this.#lanes.delete(lane);
    return lane.close();
  }

  /** Registers something that has to be closed before the client. */
  addUser(user: ClientUser): void {
    this.closing.throwIfAborted();
    this.#users.add(user);
  }

  /** Unregisters something that was closed. */
  removeUser(user: ClientUser): void {
    this.#users.delete(user);
  }

  /** Closes producers and consumers, then all connections. Calling it again has no effect. */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#closed ??= this.#close(options);
  }

  async #close(options: CloseOptions): Promise<void> {
    const results = await Promise.allSettled([...this.#users].map((user) => user.close(options)));
    this.#closing.abort(new ClosedError("The client was closed"));
    await Promise.all([...this.#lanes].map((lane) => lane.close()));
    const failure = results.find((result) => result.status === "rejected");
    this.#end.resolve(failure?.reason);
    if (failure !== undefined) throw failure.reason;
  }

  /**
   * Retries `attempt` until it succeeds, fails permanently, or times out.
   *
   * @param action The operation, for messages.
   * @param isFinal Returns whether not to retry a retriable failure.
   * @throws {TimeoutError} If the operation times out; the last failure is its cause.
   */
  async retry<T>(
    action: string,
    options: OperationOptions & FailureListener,
    attempt: (signal: AbortSignal) => Promise<T>,
    isFinal: (error: unknown) => boolean = () => false,
  ): Promise<T> {
    const { timeoutMs, initialBackoffMs, maxBackoffMs, attempts } = this.options;
    using deadline = new Deadline(
      action,
      options.timeoutMs ?? timeoutMs,
      options.signal,
      this.closing,
    );
    for (let failures = 1;; failures++) {
      try {
        deadline.signal.throwIfAborted();
        return await attempt(deadline.signal);
      } catch (error) {
        if (!isRetriable(error) || isFinal(error) || failures >= attempts) throw error;
        deadline.signal.throwIfAborted();
        deadline.cause = error;
        options.onFailure?.(error as DqueueError);
        await delay(backoffMs(failures, initialBackoffMs, maxBackoffMs), deadline.signal);
      }
    }
  }

  /** Sends a request to any reachable broker. */
  async requestAny<Req extends Fields, Res extends Fields>(
    api: Api<Req, Res>,
    body: RequestBody<Req>,
    options: RequestOptions = {},
  ): Promise<DecodedFields<Res>> {
    const connection = await this.#anyConnection(options.signal);
    return await connection.request(api, body, options);
  }

  /**
   * Sends a request to the controller. After a failure, the next call looks up the controller
   * again.
   */
  async requestController<Req extends Fields, Res extends Fields>(
    api: Api<Req, Res>,
    body: RequestBody<Req>,
    options: RequestOptions = {},
  ): Promise<DecodedFields<Res>> {
    const controller = this.metadata.controller ?? await this.discoverController();
    try {
      const connection = await this.control.connection(controller, options.signal);
      return await connection.request(api, body, options);
    } catch (error) {
      if (refreshesMetadata(error)) this.metadata.forgetController();
      throw error;
    }
  }

  /**
   * Asks the cluster which broker is its controller.
   *
   * @throws {ConnectionError} If the cluster has no controller at the moment.
   */
  async discoverController(): Promise<BrokerNode> {
    await this.metadata.refresh();
    const { controller } = this.metadata;
    if (controller === undefined) {
      throw new ConnectionError("Cannot reach the controller: the cluster has none at the moment");
    }
    return controller;
  }

  /** Sends a request to the broker with the given id. */
  async requestBroker<Req extends Fields, Res extends Fields>(
    id: number,
    api: Api<Req, Res>,
    body: RequestBody<Req>,
    options: RequestOptions = {},
  ): Promise<DecodedFields<Res>> {
    const node = this.metadata.broker(id);
    if (node === undefined) {
      throw new ConnectionError(`Cannot reach broker ${id}: the cluster does not list it`);
    }
    const connection = await this.control.connection(node, options.signal);
    return await connection.request(api, body, options);
  }

  /**
   * Returns the metadata of a topic, at most as old as the age limit.
   *
   * @throws {KafkaError} If the topic does not exist, or may not be described.
   */
  async topic(
    name: string,
    options: OperationOptions & FailureListener & { readonly allowAutoTopicCreation?: boolean } =
      {},
  ): Promise<TopicMetadata> {
    const known = this.metadata.topic(name);
    if (known !== undefined && this.metadata.isFresh(name)) return known;
    let unknown = 0;
    return await this.retry(
      `describe topic "${name}"`,
      options,
      () => this.refreshTopic(name, options.allowAutoTopicCreation),
      (error) => isUnknownTopic(error) && ++unknown >= UNKNOWN_TOPIC_ATTEMPTS,
    );
  }

  /**
   * Requests the metadata of a topic once. @throws {KafkaError} If the broker returns an error for
   * it.
   */
  async refreshTopic(name: string, allowAutoTopicCreation?: boolean): Promise<TopicMetadata> {
    const errors = await this.metadata.refresh([name], allowAutoTopicCreation);
    const errorCode = errors.get(name) ?? ErrorCode.NONE;
    const topic = this.metadata.topic(name);
    if (errorCode !== ErrorCode.NONE || topic === undefined) {
      throw new KafkaError(
        `describe topic "${name}"`,
        errorCode || ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      );
    }
    return topic;
  }

  /**
   * Returns the leader of a partition.
   *
   * @throws {KafkaError} If the partition does not exist, or has no leader at the moment.
   */
  async leader(action: string, { topic, partition }: TopicPartition): Promise<BrokerNode> {
    const isFresh = this.metadata.isFresh(topic);
    let known = isFresh ? this.metadata.topic(topic)! : await this.refreshTopic(topic);
    // It may have been added since the topic was last described.
    if (isFresh && known.partitions[partition] === undefined) {
      known = await this.refreshTopic(topic);
    }
    if (known.partitions[partition] === undefined) {
      throw new KafkaError(
        action,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `topic "${topic}" has ${known.partitions.length} partitions, there is no partition ${partition}`,
      );
    }
    const leader = this.metadata.leader(topic, partition);
    if (leader === undefined) {
      this.metadata.invalidate(topic);
      throw new KafkaError(action, ErrorCode.LEADER_NOT_AVAILABLE);
    }
    return leader;
  }

  async #askMetadata(
    topics: readonly string[],
    allowAutoTopicCreation: boolean,
  ): Promise<ResponseOf<typeof metadata>> {
    return await this.requestAny(
      metadata,
      (version) => ({
        topics: topics.map((name) => ({ name })),
        // Before version 4 auto-creation cannot be turned off by the client.
        ...(version >= 4 ? { allowAutoTopicCreation } : {}),
      }),
      { signal: this.closing },
    );
  }

  /**
   * Asks other brokers about one that does not respond, and leaves it if the cluster has given it
   * up: its partitions have other leaders then, and a response may never come. At an address that
   * only the options name, it is asked for nothing that another could not answer.
   */
  async #doubt(silent: BrokerAddress): Promise<void> {
    const address = formatAddress(silent);
    if (this.#doubted.has(address)) return;
    this.#doubted.add(address);
    try {
      const brokers = await this.#brokersAsSeenBy((other) => formatAddress(other) !== address);
      const isListed = brokers.some((broker) => formatAddress(broker) === address);
      if (isListed) return;
      const reason = new ConnectionError(
        `Connection to ${address} was closed: the broker does not respond, and ` +
          (this.#listed.has(address) ? "has left the cluster" : "another one does"),
      );
      // What fails now must not return to it before the new leaders are known.
      this.metadata.forgetBroker(silent);
      for (const lane of this.#lanes) lane.leave(silent, reason);
    } catch {
      // No other broker responds either; requests end with their time limits.
    } finally {
      this.#doubted.delete(address);
    }
  }

  /** The brokers of the cluster, as seen by the first of some brokers to respond. */
  async #brokersAsSeenBy(
    isAsked: (address: BrokerAddress) => boolean,
  ): Promise<readonly BrokerAddress[]> {
    const asked = [...this.metadata.brokers, ...this.options.bootstrap].filter(isAsked);
    if (asked.length === 0) throw new ConnectionError("Cannot ask: there is no other broker");
    const attempts = asked.map((address) => async () => {
      const connection = await this.control.connection(address, this.closing);
      const { brokers } = await connection.request(metadata, { topics: [] }, {
        signal: this.closing,
        minVersion: 1,
      });
      return brokers;
    });
    return await firstSuccess(attempts, DIAL_DELAY_MS, () => this.closing.aborted);
  }

  /**
   * A connection to any broker that can be reached: known ones in random order, then the bootstrap
   * addresses. A broker that is silent delays the next attempt for a moment only.
   */
  async #anyConnection(signal?: AbortSignal): Promise<BrokerConnection> {
    const attempts = this.#candidates().map((address) => () =>
      this.control.connection(address, signal)
    );
    const isFinal = (error: unknown) => signal?.aborted === true || !isRetriable(error);
    try {
      return await firstSuccess(attempts, DIAL_DELAY_MS, isFinal);
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error;
      const failures: Error[] = error.errors;
      if (failures.length === 1) throw failures[0];
      throw new ConnectionError(
        `Cannot reach the cluster: ${failures.map(({ message }) => message).join("; ")}`,
        { cause: error },
      );
    }
  }

  #candidates(): readonly BrokerAddress[] {
    const known = this.metadata.brokers.slice();
    for (let i = known.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [known[i], known[j]] = [known[j]!, known[i]!];
    }
    const all: BrokerAddress[] = [...known, ...this.options.bootstrap];
    const open = all.find((address) => this.control.existing(address) !== undefined);
    return open === undefined ? all : [open];
  }
}

/** Returns whether `error` means that the topic or partition does not exist. */
export function isUnknownTopic(error: unknown): boolean {
  return error instanceof KafkaError && error.code === "UNKNOWN_TOPIC_OR_PARTITION";
}
