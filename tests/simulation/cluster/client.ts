/**
 * What the participants of a simulated cluster share: connections to its brokers, and what clients know
 * of leaders.
 *
 * @module
 */

import { ErrorCode, errorInfo } from "../../../protocol/errors.ts";
import { readResponseHeaderTags, writeRequestHeader } from "../../../protocol/frames/headers.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import { Reader } from "../../../protocol/primitives/reader.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import { codec } from "../../../protocol/schema/codec.ts";
import type { Api, RequestTo, ResponseOf } from "../../../protocol/schema/schema.ts";
import type { RecordBook } from "../record_book.ts";
import { check } from "../violation.ts";
import type { ClusterMachine } from "./cluster_machine.ts";
import type { LeaderWatch } from "./leader_watch.ts";
import type { ClusterPartition, ClusterTopic } from "./model.ts";
import type { Host, SimChannel, SimNetwork } from "./network.ts";
import type { Timeline } from "./timeline.ts";

/** Timeout of requests, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 3000;

/** The shared state of a simulation. */
export interface ClusterWorld {
  readonly timeline: Timeline;
  readonly network: SimNetwork;
  readonly machines: readonly ClusterMachine[];
  readonly book: RecordBook;
  readonly topics: ClusterTopic[];
  readonly leaders: LeaderWatch;
  /** Whether nothing is failing, so that errors need another explanation. */
  readonly isCalm: boolean;
  /** The random numbers of the current step. */
  readonly random: Random;
  /** Called when more records of a partition are promised than before. */
  promised(partition: ClusterPartition): void;
  /** Records an event. */
  trace(event: string): void;
  /** Runs something in the background; if it throws, the simulation fails. */
  spawn(task: () => Promise<void>): void;
}

/** The leader of a partition, as a client knows it. */
export interface KnownLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** An answer, and where it is from. */
export interface Answer<T> {
  readonly response: T;
  readonly broker: ClusterMachine;
  /** When the broker received the request, if it was past its deadline then and when it answered. */
  readonly pastDeadlineMs: number | undefined;
}

/** A participant, on a host of its own. */
export class ClusterClient implements Host {
  readonly name: string;
  readonly hasPower = true;
  readonly isListening = false;
  readonly isPastDeadline = false;
  readonly renewals = 0;
  protected readonly world: ClusterWorld;
  readonly #connections: Map<ClusterMachine, Promise<ClientConnection | undefined>> = new Map();
  readonly #leaders: Map<ClusterPartition, KnownLeader> = new Map();
  #refreshing: Promise<void> | undefined;

  constructor(name: string, world: ClusterWorld) {
    this.name = name;
    this.world = world;
    world.network.add(this);
  }

  enter(callback: () => void): void {
    callback();
  }

  accept(): undefined {}

  /** The leader of a partition; undefined until it is known. */
  leaderOf(partition: ClusterPartition): KnownLeader | undefined {
    return this.#leaders.get(partition);
  }

  /** The machine of a broker. */
  machine(id: number): ClusterMachine | undefined {
    return this.world.machines[id - 1];
  }

  /** Forgets a leader, so that it is asked for. */
  forgetLeader(partition: ClusterPartition): void {
    this.#leaders.delete(partition);
  }

  /** Asks any broker for the leaders of all partitions. */
  refresh(): Promise<void> {
    return this.#refreshing ??= this.#refresh().finally(() => this.#refreshing = undefined);
  }

  async #refresh(): Promise<void> {
    const broker = this.world.random.pick(this.world.machines);
    const answer = await this.request(broker, metadata, 12, {
      topics: null,
      allowAutoTopicCreation: false,
    });
    if (answer === undefined) return;
    for (const { name, topicId, partitions } of answer.response.topics) {
      const topic = this.world.topics.find((topic) => topic.name === name && topic.id === topicId);
      for (const { partitionIndex, leaderId, leaderEpoch = -1 } of partitions) {
        const partition = topic?.partitions[partitionIndex];
        if (partition === undefined || leaderId < 0) continue;
        const known = this.#leaders.get(partition);
        if (known !== undefined && known.leaderEpoch > leaderEpoch) continue;
        this.#leaders.set(partition, { leaderId, leaderEpoch });
      }
    }
  }

  /** Sends a request to a partition's leader; returns nothing if none is known, or it does not answer. */
  async requestLeader<A extends Api>(
    partition: ClusterPartition,
    api: A,
    version: number,
    request: (leaderEpoch: number) => RequestTo<A>,
  ): Promise<Answer<ResponseOf<A>> & KnownLeader | undefined> {
    if (!this.#leaders.has(partition)) await this.refresh();
    const leader = this.#leaders.get(partition);
    const broker = leader && this.machine(leader.leaderId);
    if (broker === undefined) return undefined;
    const answer = await this.request(broker, api, version, request(leader!.leaderEpoch));
    if (answer === undefined) {
      this.forgetLeader(partition);
      return undefined;
    }
    return { ...answer, ...leader! };
  }

  /** Sends a request and returns its answer; nothing if none came in time. */
  async request<A extends Api>(
    broker: ClusterMachine,
    api: A,
    version: number,
    request: RequestTo<A>,
  ): Promise<Answer<ResponseOf<A>> | undefined> {
    let connecting = this.#connections.get(broker);
    if (connecting === undefined) {
      connecting = this.#connect(broker);
      this.#connections.set(broker, connecting);
    }
    const connection = await connecting;
    if (connection === undefined) {
      if (this.#connections.get(broker) === connecting) this.#connections.delete(broker);
      return undefined;
    }
    const answer = await connection.request(api, version, request);
    if (connection.isOver && this.#connections.get(broker) === connecting) {
      this.#connections.delete(broker);
    }
    return answer && { ...answer, broker };
  }

  async #connect(broker: ClusterMachine): Promise<ClientConnection | undefined> {
    const { network, timeline } = this.world;
    const giveUp = new AbortController();
    const timer = timeline.after(REQUEST_TIMEOUT_MS, () => giveUp.abort());
    try {
      return new ClientConnection(
        await network.connect(this, broker.name, giveUp.signal),
        timeline,
      );
    } catch {
      return undefined;
    } finally {
      timer.callback = undefined;
    }
  }

  /** Fails if a broker answered as a partition's leader though another had replaced it. */
  checkLeader(answer: Answer<unknown>, { topic, index }: ClusterPartition): void {
    this.world.leaders.check(answer, topic.id, index);
  }

  /** Fails if a broker answered as a group's coordinator though another had replaced it. */
  protected checkCoordinator(answer: Answer<unknown>, groupId: string): void {
    const found = answer.broker.partitionOfGroup(groupId);
    if (found !== undefined) this.world.leaders.check(answer, found.topicId, found.index);
  }

  /** Records an outcome, which must be one of those allowed while nothing fails. */
  protected note(what: string, errorCode: number, allowed: readonly number[] = []): void {
    const answer = nameOf(errorCode);
    this.world.trace(`${this.name} ${what}: ${answer}`);
    check(
      errorCode === ErrorCode.NONE || allowed.includes(errorCode) ||
        errorInfo(errorCode).retriable && errorCode !== ErrorCode.CORRUPT_MESSAGE,
      () => `${this.name} ${what} and was answered ${answer}`,
    );
  }
}

/** The name of an error code. */
export function nameOf(errorCode: number): string {
  return errorInfo(errorCode).name;
}

/** Returns the topics that certainly exist. */
export function liveTopics({ topics }: ClusterWorld): ClusterTopic[] {
  return topics.filter(({ state }) => state === "live");
}

type Received<T> = Omit<Answer<T>, "broker">;

interface Sent {
  readonly api: Api;
  readonly version: number;
  readonly resolve: (answer: Received<never> | undefined) => void;
}

/** A connection of a client, which gives it up when an answer is late. */
class ClientConnection {
  readonly #channel: SimChannel;
  readonly #timeline: Timeline;
  readonly #sent: Map<number, Sent> = new Map();
  #correlationId = 0;
  isOver = false;

  constructor(channel: SimChannel, timeline: Timeline) {
    this.#channel = channel;
    this.#timeline = timeline;
    void this.#receive();
  }

  async request<A extends Api>(
    api: A,
    apiVersion: number,
    request: RequestTo<A>,
  ): Promise<Received<ResponseOf<A>> | undefined> {
    if (this.isOver) return undefined;
    const { out } = this.#channel;
    const correlationId = this.#correlationId++;
    out.beginFrame();
    const header = { apiKey: api.key, apiVersion, correlationId, clientId: "simulation" };
    writeRequestHeader(out, api, header);
    codec(api.request, apiVersion).encode(out, request as never);
    out.endFrame();
    this.#channel.flush();
    const timer = this.#timeline.after(REQUEST_TIMEOUT_MS + 500, () => this.#cut());
    const answer = await new Promise<Parameters<Sent["resolve"]>[0]>((resolve) => {
      this.#sent.set(correlationId, { api, version: apiVersion, resolve });
    });
    timer.callback = undefined;
    return answer;
  }

  async #receive(): Promise<void> {
    for (;;) {
      const frame = await this.#channel.nextFrame();
      if (frame === null || this.isOver) break;
      const reader = new Reader(frame.bytes);
      const correlationId = reader.int32();
      const { api, version, resolve } = this.#sent.get(correlationId)!;
      this.#sent.delete(correlationId);
      readResponseHeaderTags(reader, api, version);
      const response = codec(api.response, version).decode(reader) as never;
      resolve({ response, pastDeadlineMs: frame.pastDeadlineMs });
    }
    this.#end();
  }

  #cut(): void {
    if (this.isOver) return;
    this.#end();
    this.#channel.abort();
  }

  #end(): void {
    this.isOver = true;
    for (const { resolve } of this.#sent.values()) resolve(undefined);
    this.#sent.clear();
  }
}
