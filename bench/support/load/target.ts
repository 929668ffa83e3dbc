/**
 * The measured broker, ours or another, and topics on it.
 *
 * @module
 */

import { ErrorCode, errorInfo } from "../../../protocol/errors.ts";
import { createTopics as createTopicsApi } from "../../../protocol/messages/topics/create_topics.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import { deleteTopics } from "../../../protocol/messages/topics/delete_topics.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { LoadConnection, TLS_PREFIX } from "./load_connection.ts";
import { sampleBatch } from "./record_batches.ts";

/** Versions of the requests: the latest that name topics instead of giving their ids. */
export const PRODUCE_VERSION = 9;
export const FETCH_VERSION = 12;
const CREATE_TOPICS_VERSION = 7;
const DELETE_TOPICS_VERSION = 5;
const METADATA_VERSION = 9;

export const TIMEOUT_MS = 30_000;

/** A new topic is not known immediately on all brokers of a cluster. */
const NOT_YET: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.LEADER_NOT_AVAILABLE,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
]);
const RETRY_MS = 50;
const MAX_TRIES = 200;
/** Fewest replicas in sync, where there are several. */
const MIN_IN_SYNC = "2";

/** A broker, or a cluster of brokers. */
export interface Target {
  readonly name: string;
  /** `host:port`, or `ssl://host:port`. */
  readonly address: string;
  /** The ids of its processes, if known. */
  readonly pids: readonly number[];
  /** Replicas of each partition of a topic for load. Default: 1. */
  readonly replicationFactor?: number;
}

/** Options of a topic. */
export interface TopicOptions {
  readonly partitions: number;
  /** `commit` syncs appends before they are answered, `os` leaves that to the system. */
  readonly flush: string;
  readonly maxMessageBytes: number;
}

/** The topic settings for each policy, in our names and Kafka's. */
const FLUSH_CONFIGS: Readonly<Record<string, readonly Readonly<Record<string, string>>[]>> = {
  default: [{}],
  own: [{}],
  commit: [{ "flush": "commit" }, { "flush.messages": "1" }],
  os: [{ "flush": "os" }, {}],
};

/** A topic on a target, which is deleted on disposal. */
export class LoadTopic {
  readonly name: string;
  readonly partitions: number;
  /** The address of each partition's leader, as `host:port`. */
  readonly leaders: readonly string[];
  readonly #connection: LoadConnection;

  private constructor(name: string, leaders: readonly string[], connection: LoadConnection) {
    this.name = name;
    this.partitions = leaders.length;
    this.leaders = leaders;
    this.#connection = connection;
  }

  /**
   * Creates a topic with one small record in each partition, at offset 0.
   *
   * @throws {Error} If the broker refuses.
   */
  static async create(target: Target, options: TopicOptions): Promise<LoadTopic> {
    const name = `bench-${crypto.randomUUID().slice(0, 8)}`;
    const connection = await LoadConnection.connect(target.address);
    const { replicationFactor = 1 } = target;
    let errorCode = -1;
    for (const flush of FLUSH_CONFIGS[options.flush]!) {
      const configs = {
        ...flush,
        "file.delete.delay.ms": "1000",
        "max.message.bytes": String(options.maxMessageBytes),
        ...(replicationFactor === 1 ? {} : { "min.insync.replicas": MIN_IN_SYNC }),
      };
      errorCode = await tryCreateTopics(connection, [name], {
        numPartitions: options.partitions,
        replicationFactor,
        configs,
      });
      if (errorCode !== ErrorCode.INVALID_CONFIG) break;
    }
    expectNone(errorCode, "create a topic");
    const scheme = target.address.startsWith(TLS_PREFIX) ? TLS_PREFIX : "";
    const leaders = (await leadersOf(connection, name, options.partitions))
      .map((leader) => `${scheme}${leader}`);
    for (const [address, partitions] of Map.groupBy(leaders.keys(), (index) => leaders[index]!)) {
      using leader = await LoadConnection.connect(address);
      for (const index of partitions) await prime(leader, name, index);
    }
    return new LoadTopic(name, leaders, connection);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.request(deleteTopics, DELETE_TOPICS_VERSION, {
      topicNames: [this.name],
      timeoutMs: TIMEOUT_MS,
    });
    this.#connection.close();
  }
}

/** Returns the address of the leader of each partition. @throws {Error} If one has none. */
async function leadersOf(
  connection: LoadConnection,
  name: string,
  partitions: number,
): Promise<string[]> {
  for (let tries = 1;; tries++) {
    const { brokers, topics } = await connection.request(metadata, METADATA_VERSION, {
      topics: [{ name }],
      allowAutoTopicCreation: false,
    });
    const addresses = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, `${host}:${port}`]));
    const known = topics[0]!.partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex);
    const leaders = known.flatMap(({ leaderId }) => addresses.get(leaderId) ?? []);
    if (leaders.length === partitions) return leaders;
    if (tries === MAX_TRIES) throw new Error(`Topic "${name}" has no leaders`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Waits until a cluster knows as many brokers, so that topics spread over all of them. */
export async function brokersRegistered(connection: LoadConnection, count: number): Promise<void> {
  for (let tries = 1;; tries++) {
    const { brokers } = await connection.request(metadata, METADATA_VERSION, {
      topics: [],
      allowAutoTopicCreation: false,
    });
    if (brokers.length >= count) return;
    if (tries === MAX_TRIES) throw new Error(`Only ${brokers.length} of ${count} brokers serve`);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Writes a small record. */
async function prime(leader: LoadConnection, name: string, index: number): Promise<void> {
  const records = sampleBatch({ size: 1, count: 1 });
  for (let tries = 1;; tries++) {
    const { responses } = await leader.request(produce, PRODUCE_VERSION, {
      acks: 1,
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name, partitionData: [{ index, records }] }],
    });
    const { errorCode } = responses[0]!.partitionResponses[0]!;
    if (!NOT_YET.has(errorCode) || tries === MAX_TRIES) return expectNone(errorCode, "produce");
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/**
 * Creates topics with a number of partitions each, which are not deleted.
 *
 * @throws {Error} If the broker refuses one.
 */
export async function createTopics(
  connection: LoadConnection,
  names: readonly string[],
  numPartitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const errorCode = await tryCreateTopics(connection, names, {
    numPartitions,
    replicationFactor: 1,
    configs,
  });
  expectNone(errorCode, "create a topic");
}

/** Returns the first error. */
async function tryCreateTopics(
  connection: LoadConnection,
  names: readonly string[],
  { numPartitions, replicationFactor, configs }: {
    readonly numPartitions: number;
    readonly replicationFactor: number;
    readonly configs: Readonly<Record<string, string>>;
  },
): Promise<number> {
  const { topics } = await connection.request(createTopicsApi, CREATE_TOPICS_VERSION, {
    topics: names.map((name) => ({
      name,
      numPartitions,
      replicationFactor,
      assignments: [],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    })),
    timeoutMs: TIMEOUT_MS,
  });
  return topics.find(({ errorCode }) => errorCode !== ErrorCode.NONE)?.errorCode ?? ErrorCode.NONE;
}

/** @throws {Error} If `errorCode` is not NONE. */
export function expectNone(errorCode: number, action: string): void {
  if (errorCode === ErrorCode.NONE) return;
  throw new Error(`Cannot ${action}: ${errorInfo(errorCode).name}`);
}

/** Returns acks as on the wire. */
export function acksOf(text: string): number {
  return text === "all" ? -1 : Number(text);
}
