/**
 * What the client knows of the cluster: brokers, the controller, topics and who leads their partitions.
 *
 * Only topics that were asked for are kept. At most one request for metadata is under way; topics asked
 * for meanwhile go together into the next. What is older than the age limit is asked for again when it
 * is next used, so that new partitions are found; what an error has shown to be wrong is asked for at
 * once. Leader epochs never go back for the same topic id, for a broker that lags behind may still tell
 * of an earlier leader (KIP-320).
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { metadata } from "../../protocol/messages/topics/metadata.ts";
import type { ResponseOf } from "../../protocol/schema/schema.ts";
import type { BrokerAddress } from "./address.ts";
import { ConnectionError, KafkaError } from "../errors.ts";

type MetadataResponse = ResponseOf<typeof metadata>;
type TopicResponse = MetadataResponse["topics"][number];

/** A broker of the cluster. */
export interface BrokerNode extends BrokerAddress {
  /** The broker's node id. */
  readonly id: number;
  /** The rack or zone it stands in, if it says so. */
  readonly rack: string | null;
}

/** A partition and who holds it. */
export interface PartitionMetadata {
  /** The partition's number within its topic. */
  readonly partition: number;
  /** The broker that leads it, −1 if none does. */
  readonly leaderId: number;
  /** How often the leader has changed, −1 if the broker is too old to tell. */
  readonly leaderEpoch: number;
  /** The brokers that hold a copy; the preferred leader first. */
  readonly replicas: readonly number[];
  /** Those whose copy is up to date. */
  readonly isr: readonly number[];
  /** Those that are not running. */
  readonly offlineReplicas: readonly number[];
}

/** A topic and its partitions. */
export interface TopicMetadata {
  readonly name: string;
  /** The topic's id, all zeros if the broker is too old to tell. */
  readonly id: string;
  readonly isInternal: boolean;
  /** Each partition at the index of its number. */
  readonly partitions: readonly PartitionMetadata[];
  /** When this was learnt, on the clock of `performance.now()`. */
  readonly fetchedAt: number;
}

/** Asks a broker for metadata of the topics. */
export type MetadataSource = (
  topics: readonly string[],
  allowAutoTopicCreation: boolean,
) => Promise<MetadataResponse>;

/** The topics of the next request, and that request once somebody waits for it. */
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
  /** Topics known to be out of date. */
  readonly #stale = new Set<string>();
  readonly #listeners = new Set<() => void>();
  /** Requests that may create topics and those that may not cannot be one. */
  readonly #refreshers: readonly [Refresher, Refresher] = [refresher(), refresher()];
  #running: Promise<unknown> = Promise.resolve();
  #controllerId = -1;
  #clusterId: string | null = null;

  constructor(source: MetadataSource, maxAgeMs: number) {
    this.#source = source;
    this.#maxAgeMs = maxAgeMs;
  }

  /** The brokers that are alive, as far as known. */
  get brokers(): readonly BrokerNode[] {
    return [...this.#brokers.values()];
  }

  /** The id of the cluster, null if not known. */
  get clusterId(): string | null {
    return this.#clusterId;
  }

  /** Whom to send requests for the controller to, undefined if not known. */
  get controller(): BrokerNode | undefined {
    return this.#brokers.get(this.#controllerId);
  }

  /** A broker by its id, undefined if it is not known to be alive. */
  broker(id: number): BrokerNode | undefined {
    return this.#brokers.get(id);
  }

  /** What is known of a topic, even if it may be out of date. */
  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  /** Whether a topic is known, and neither too old nor shown to be wrong. */
  isFresh(name: string): boolean {
    const topic = this.#topics.get(name);
    return topic !== undefined && !this.#stale.has(name) &&
      performance.now() - topic.fetchedAt < this.#maxAgeMs;
  }

  /** The broker that leads a partition, undefined if none is known. */
  leader(topic: string, partition: number): BrokerNode | undefined {
    const leaderId = this.#topics.get(topic)?.partitions[partition]?.leaderId;
    return leaderId === undefined ? undefined : this.#brokers.get(leaderId);
  }

  /** Notes that what is known of a topic is wrong. */
  invalidate(topic: string): void {
    this.#stale.add(topic);
  }

  /** Notes that the controller is not the one that was known. */
  forgetController(): void {
    this.#controllerId = -1;
  }

  /** Calls `listener` whenever something was learnt. Returns what ends that. */
  onUpdate(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Asks for the given topics; with none, for brokers and controller only.
   *
   * @returns Kafka's error codes of the topics that could not be described.
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
   * Takes over what a response says.
   *
   * @throws {ConnectionError} If the client has to start over from its first addresses (KIP-1102).
   * @throws {KafkaError} If the response as a whole is an error.
   */
  update(response: MetadataResponse): void {
    if (response.errorCode === ErrorCode.REBOOTSTRAP_REQUIRED) {
      this.#brokers.clear();
      throw new ConnectionError(
        "Cannot go on with the brokers known: the cluster asks to start over",
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
   * Takes over who leads a partition from an answer that says so (KIP-951).
   *
   * @returns Whether that was news.
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

/** A topic as the response describes it, but no leader older than one that was known before. */
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

/** A partition that the response left out. */
function noLeader(partition: number): PartitionMetadata {
  return { partition, leaderId: -1, leaderEpoch: -1, replicas: [], isr: [], offlineReplicas: [] };
}
