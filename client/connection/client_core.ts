/**
 * What `Admin`, `Producer` and `Consumer` share and users do not see: connections, metadata, and
 * asking again.
 *
 * An operation is tried until it succeeds, fails for good or runs out of time. Between tries the client
 * waits, and when the failure says that metadata are out of date it asks for them again first.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import type { Api, DecodedFields, Fields, ResponseOf } from "../../protocol/schema/schema.ts";
import type { BrokerAddress } from "./address.ts";
import { backoffMs } from "./backoff.ts";
import type { ResolvedClientOptions } from "../client_options.ts";
import { type BrokerNode, ClusterMetadata, type TopicMetadata } from "./cluster_metadata.ts";
import type { BrokerConnection, RequestBody, RequestOptions } from "./connection.ts";
import { ConnectionLane } from "./connection_lane.ts";
import { Deadline } from "./deadline.ts";
import {
  ClosedError,
  ConnectionError,
  type DqueueError,
  isRetriable,
  KafkaError,
  refreshesMetadata,
} from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { type CloseOptions, delay } from "./waiting.ts";

/**
 * How often a topic that a broker does not know is asked for, since a topic just created may not be
 * known to all brokers yet.
 */
const UNKNOWN_TOPIC_ATTEMPTS = 4;

/** What an operation may be told about waiting. */
export interface OperationOptions {
  /** Gives up; the call then rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
  /** How long the operation may take in all, in milliseconds. Default: the client's `timeout`. */
  readonly timeout?: number | undefined;
}

/** Wants to know of tries that failed and are followed by another. */
export interface FailureListener {
  readonly onFailure?: (error: DqueueError) => void;
}

/** A producer or consumer, which is closed before its client. */
export interface ClientUser {
  close(options?: CloseOptions): Promise<void>;
}

/** The inner side of a client. */
export class ClientCore {
  readonly options: ResolvedClientOptions;
  readonly metadata: ClusterMetadata;
  /** For requests that are answered soon. */
  readonly control: ConnectionLane;
  readonly #lanes = new Set<ConnectionLane>();
  readonly #users = new Set<ClientUser>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(options: ResolvedClientOptions) {
    this.options = options;
    this.control = this.openLane();
    this.metadata = new ClusterMetadata(
      (topics, allowAutoTopicCreation) => this.#askMetadata(topics, allowAutoTopicCreation),
      options.metadataMaxAgeMs,
    );
  }

  /** Aborted, with a `ClosedError`, when the client is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Connections of their own for a producer or consumer, which closes them itself. */
  openLane(): ConnectionLane {
    const lane = new ConnectionLane(this.options);
    this.#lanes.add(lane);
    return lane;
  }

  /** Closes the connections of a lane. */
  closeLane(lane: ConnectionLane): Promise<void> {
    this.#lanes.delete(lane);
    return lane.close();
  }

  /** Notes what has to be closed before the client is. */
  addUser(user: ClientUser): void {
    this.closing.throwIfAborted();
    this.#users.add(user);
  }

  /** Notes that it is closed. */
  removeUser(user: ClientUser): void {
    this.#users.delete(user);
  }

  /** Closes producers and consumers, then all connections. Safe to call again. */
  close(options: CloseOptions = {}): Promise<void> {
    return this.#closed ??= this.#close(options);
  }

  async #close(options: CloseOptions): Promise<void> {
    const results = await Promise.allSettled([...this.#users].map((user) => user.close(options)));
    this.#closing.abort(new ClosedError("Client was closed"));
    await Promise.all([...this.#lanes].map((lane) => lane.close()));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /**
   * Tries until `attempt` succeeds, fails for good, or the time is over.
   *
   * @param action What is tried, for messages.
   * @param isFinal Whether a failure that might be retried is taken as final.
   * @throws {TimeoutError} If the time is over; the last failure is its cause.
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
      options.timeout ?? timeoutMs,
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

  /** Asks any broker that can be reached. */
  async requestAny<Req extends Fields, Res extends Fields>(
    api: Api<Req, Res>,
    body: RequestBody<Req>,
    options: RequestOptions = {},
  ): Promise<DecodedFields<Res>> {
    const connection = await this.#anyConnection(options.signal);
    return await connection.request(api, body, options);
  }

  /** Asks the controller, of which each call that fails makes the next one look anew. */
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
   * Asks the cluster who its controller is.
   *
   * @throws {ConnectionError} If the cluster does not know at the moment.
   */
  async discoverController(): Promise<BrokerNode> {
    await this.metadata.refresh();
    const { controller } = this.metadata;
    if (controller === undefined) {
      throw new ConnectionError("Cannot reach the controller: the cluster has none at the moment");
    }
    return controller;
  }

  /** Asks the broker of the given id. */
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
   * A topic as it is now, or was not long ago.
   *
   * @throws {KafkaError} If there is no such topic, or it may not be described.
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

  /** Asks for a topic once. @throws {KafkaError} If the broker does not describe it. */
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
   * The broker that leads a partition.
   *
   * @throws {KafkaError} If there is no such partition, or nobody leads it at the moment.
   */
  async leader(action: string, { topic, partition }: TopicPartition): Promise<BrokerNode> {
    const known = this.metadata.isFresh(topic)
      ? this.metadata.topic(topic)!
      : await this.refreshTopic(topic);
    if (known.partitions[partition] === undefined) {
      throw new KafkaError(
        action,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        `topic "${topic}" has ${known.partitions.length} partitions, none is number ${partition}`,
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
        // Before version 4 the broker creates topics as it sees fit.
        ...(version >= 4 ? { allowAutoTopicCreation } : {}),
      }),
      { signal: this.closing },
    );
  }

  /** A connection to whichever broker answers: known ones in random order, then the bootstrap ones. */
  async #anyConnection(signal?: AbortSignal): Promise<BrokerConnection> {
    const failures: unknown[] = [];
    for (const address of this.#candidates()) {
      try {
        return await this.control.connection(address, signal);
      } catch (error) {
        if (signal?.aborted || !isRetriable(error)) throw error;
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    throw new ConnectionError(
      `Cannot reach the cluster: ${failures.map((error) => (error as Error).message).join("; ")}`,
      { cause: new AggregateError(failures) },
    );
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

/** Whether `error` says that there is no such topic or partition. */
export function isUnknownTopic(error: unknown): boolean {
  return error instanceof KafkaError && error.code === "UNKNOWN_TOPIC_OR_PARTITION";
}
