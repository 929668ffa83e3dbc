/**
 * The client's view of the cluster: brokers, the controller, topics and partition leaders.
 *
 * Only requested topics are cached. At most one Metadata request is in flight; topics requested
 * meanwhile are combined into the next one. Metadata older than the age limit are refreshed on next
 * use, which finds new partitions; metadata that an error has shown to be wrong are refreshed
 * immediately. Leader epochs never go back for the same topic id: a broker that lags may still
 * report an earlier leader (KIP-320).
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { metadata } from "../../protocol/messages/topics/metadata.ts";
import type { ResponseOf } from "../../protocol/schema/schema.ts";
import { type BrokerAddress, formatAddress } from "./address.ts";
import { ConnectionError, KafkaError } from "../errors.ts";

type MetadataResponse = ResponseOf<typeof metadata>;
type TopicResponse = MetadataResponse["topics"][number];

/** A broker of the cluster. */
export interface BrokerNode extends BrokerAddress {
  /** The node id. */
  readonly id: number;
  /** Its rack, if it has one. */
  readonly rack: string | null;
}

/** A partition and its replicas. */
export interface PartitionMetadata {
  /** The partition number. */
  readonly partition: number;
  /** The node id of the leader; −1 if there is none. */
  readonly leaderId: number;
  /** The leader epoch; −1 if the broker is too old to return it. */
  readonly leaderEpoch: number;
  /** The node ids of the replicas; the preferred leader is first. */
  readonly replicas: readonly number[];
  /** The node ids of the in-sync replicas. */
  readonly isr: readonly number[];
  /** The node ids of offline replicas. */
  readonly offlineReplicas: readonly number[];
}

/** A topic and its partitions. */
export interface TopicMetadata {
  readonly name: string;
  /** The topic id; all zeros if the broker is too old to return it. */
  readonly id: string;
  readonly isInternal: boolean;
  /** The partitions, indexed by partition number. */
  readonly partitions: readonly PartitionMetadata[];
  /** When the metadata were received, on the clock of `performance.now()`. */
  readonly fetchedAt: number;
}

/** Requests metadata of topics from a broker. */
export type MetadataSource = (
  topics: readonly string[],
  allowAutoTopicCreation: boolean,
) => Promise<MetadataResponse>;

/** The topics of the next request, and its promise once someone waits for it. */
interface Refresher {
  topics: Set<string>;
  next: Promise<ReadonlyMap<string, number>> | undefined;
}

/** The cache of metadata. */
export class ClusterMetadata {
  readonly #source: MetadataSource;
  readonly #maxAgeMs: number;
  readonly #brokers = new Map<number, BrokerNode>();
  readonly #topics = new Map<string, TopicMetadata>();
  /** Topics known to be outdated. */
  readonly #stale = new Set<string>();
  readonly #listeners = new Set<() => void>();
  /** Requests that allow auto-creation are kept apart from those that do not. */
  readonly #refreshers: readonly [Refresher, Refresher] = [refresher(), refresher()];
  #running: Promise<unknown> = Promise.resolve();
  #controllerId = -1;
  #clusterId: string | null = null;

  constructor(source: MetadataSource, maxAgeMs: number) {
    this.#source = source;
    this.#maxAgeMs = maxAgeMs;
  }

  /** The live brokers. */
  get brokers(): readonly BrokerNode[] {
    return [...this.#brokers.values()];
  }

  /** The cluster id; null if unknown. */
  get clusterId(): string | null {
    return this.#clusterId;
  }

  /** The broker that requests for the controller are sent to; undefined if unknown. */
  get controller(): BrokerNode | undefined {
    return this.#brokers.get(this.#controllerId);
  }

  /** A broker by node id; undefined if it is not known to be alive. */
  broker(id: number): BrokerNode | undefined {
    return this.#brokers.get(id);
  }

  /** The cached metadata of a topic, even if outdated. */
  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  /** Whether a topic is cached, younger than the age limit and not known to be outdated. */
  isFresh(name: string): boolean {
    const topic = this.#topics.get(name);
    return topic !== undefined && !this.#stale.has(name) &&
      performance.now() - topic.fetchedAt < this.#maxAgeMs;
  }

  /** The leader of a partition; undefined if unknown. */
  leader(topic: string, partition: number): BrokerNode | undefined {
    const leaderId = this.#topics.get(topic)?.partitions[partition]?.leaderId;
    return leaderId === undefined ? undefined : this.#brokers.get(leaderId);
  }

  /** Marks a topic as outdated. */
  invalidate(topic: string): void {
    this.#stale.add(topic);
  }

  /** Marks the controller as outdated. */
  forgetController(): void {
    this.#controllerId = -1;
  }

  /** Notes that a broker has left the cluster: what it led has no known leader. */
  forgetBroker(address: BrokerAddress): void {
    const gone = formatAddress(address);
    for (const broker of this.#brokers.values()) {
      if (formatAddress(broker) === gone) this.#brokers.delete(broker.id);
    }
  }

  /** Calls `listener` after each update. Returns a function that unregisters it. */
  onUpdate(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Refreshes the given topics; with none, only brokers and controller.
   *
   * @returns Kafka's error codes for the topics that could not be described.
   */
  refresh(
    topics: Iterable<string> = [],
    allowAutoTopicCreation = false,
  ): Promise<ReadonlyMap<string, number>> {
    const waiting = this.#refreshers[allowAutoTopicCreation ? 1 : 0];
    for (const topic of topics) waiting.topics.add(topic);
    if (waiting.next !== undefined) return waiting.next;
    const asked = this.#running.then(() => {
      const names = [...waiting.topics];
      waiting.topics = new Set();
      waiting.next = undefined;
      return this.#ask(names, allowAutoTopicCreation);
    });
    this.#running = asked.catch(() => {});
    return waiting.next = asked;
  }

  /**
   * Applies a response.
   *
   * @throws {ConnectionError} If the client has to bootstrap again (KIP-1102).
   * @throws {KafkaError} If the whole response is an error.
   */
  update(response: MetadataResponse): void {
    if (response.errorCode === ErrorCode.REBOOTSTRAP_REQUIRED) {
      this.#brokers.clear();
      throw new ConnectionError(
        "Cannot use the known brokers: the cluster asks the client to bootstrap again",
      );
    }
    if (response.errorCode !== ErrorCode.NONE) {
      throw new KafkaError("read cluster metadata", response.errorCode);
    }
    this.#brokers.clear();
    for (const { nodeId, host, port, rack } of response.brokers) {
      this.#brokers.set(nodeId, { id: nodeId, host, port, rack });
    }
    this.#controllerId = response.controllerId;
    this.#clusterId = response.clusterId;
    for (const topic of response.topics) this.#updateTopic(topic);
    this.#notify();
  }

  /**
   * Applies the leader that a response of a broker names for a partition (KIP-951).
   *
   * @returns Whether the leader was new.
   */
  updateLeader(
    topic: string,
    partition: number,
    leader: { readonly leaderId: number; readonly leaderEpoch: number },
    nodes: readonly { nodeId: number; host: string; port: number; rack: string | null }[],
  ): boolean {
    const known = this.#topics.get(topic);
    const before = known?.partitions[partition];
    if (known === undefined || before === undefined || leader.leaderId < 0) return false;
    if (leader.leaderEpoch <= before.leaderEpoch) return false;
    for (const { nodeId, host, port, rack } of nodes) {
      if (nodeId === leader.leaderId) this.#brokers.set(nodeId, { id: nodeId, host, port, rack });
    }
    if (!this.#brokers.has(leader.leaderId)) return false;
    const partitions = known.partitions.slice();
    partitions[partition] = {
      ...before,
      leaderId: leader.leaderId,
      leaderEpoch: leader.leaderEpoch,
    };
    this.#topics.set(topic, { ...known, partitions });
    this.#notify();
    return true;
  }

  async #ask(
    topics: readonly string[],
    allowAutoTopicCreation: boolean,
  ): Promise<ReadonlyMap<string, number>> {
    const response = await this.#source(topics, allowAutoTopicCreation);
    this.update(response);
    const errors = new Map<string, number>();
    for (const { name, errorCode } of response.topics) {
      if (errorCode !== ErrorCode.NONE) errors.set(name ?? "", errorCode);
    }
    return errors;
  }

  #updateTopic(response: TopicResponse): void {
    const { name } = response;
    if (name === null) return;
    if (response.errorCode === ErrorCode.NONE) {
      this.#topics.set(name, topicMetadata(response, name, this.#topics.get(name)));
      this.#stale.delete(name);
    } else if (response.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
      this.#topics.delete(name);
      this.#stale.delete(name);
    }
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function refresher(): Refresher {
  return { topics: new Set(), next: undefined };
}

/** Converts a topic of a response; a leader older than the cached one is ignored. */
export function topicMetadata(
  response: TopicResponse,
  name: string,
  before?: TopicMetadata,
): TopicMetadata {
  const sameTopic = before !== undefined && before.id === response.topicId;
  const partitions: PartitionMetadata[] = [];
  for (const partition of response.partitions) {
    const index = partition.partitionIndex;
    const known = sameTopic ? before.partitions[index] : undefined;
    const isNewer = known === undefined || partition.leaderEpoch < 0 ||
      partition.leaderEpoch >= known.leaderEpoch;
    partitions[index] = isNewer
      ? {
        partition: index,
        leaderId: partition.leaderId,
        leaderEpoch: partition.leaderEpoch,
        replicas: partition.replicaNodes,
        isr: partition.isrNodes,
        offlineReplicas: partition.offlineReplicas,
      }
      : known;
  }
  for (let index = 0; index < partitions.length; index++) {
    partitions[index] ??= noLeader(index);
  }
  return {
    name,
    id: response.topicId,
    isInternal: response.isInternal,
    partitions,
    fetchedAt: performance.now(),
  };
}

/** A partition that is missing in the response. */
function noLeader(partition: number): PartitionMetadata {
  return { partition, leaderId: -1, leaderEpoch: -1, replicas: [], isr: [], offlineReplicas: [] };
}
