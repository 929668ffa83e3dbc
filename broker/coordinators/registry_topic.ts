/**
 * The topic of a coordinator in the broker's topic registry.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { ConfigTexts } from "../settings/config.ts";
import type { Partition } from "../topics/partition.ts";
import type { Topic } from "../topics/topic.ts";
import { INTERNAL_SEGMENT_BYTES, MIN_SEGMENT_BYTES } from "../topics/topic_config.ts";
import type { TopicRegistry } from "../topics/topic_registry.ts";
import type { CoordinatorTopic } from "./coordinator_topic.ts";

/** What a coordinator's topic is like. */
export interface RegistryTopicOptions<L> {
  readonly name: string;
  readonly topics: TopicRegistry;
  /** The number of partitions of a new topic. */
  readonly partitions: () => number;
  /** The number of replicas of a new topic, if the cluster has as many brokers. */
  readonly replicationFactor: () => number;
  readonly segmentBytes: () => number;
  /** Replicas that must be in sync for a write; as many as there are, if that is fewer. Default: as the broker says. */
  readonly minInSyncReplicas?: () => number;
  /** Opens the log of a partition that this broker leads. */
  readonly openLog: (partition: Partition, topic: Topic) => L;
  /** Has the controller create the topic; gives false if that is this broker. Default: it is. */
  readonly createElsewhere?: (() => Promise<boolean>) | undefined;
}

/** The topic in the broker's registry. */
export class RegistryTopic<L> implements CoordinatorTopic<L> {
  readonly name: string;
  readonly #options: RegistryTopicOptions<L>;

  constructor(options: RegistryTopicOptions<L>) {
    this.name = options.name;
    this.#options = options;
  }

  get partitionCount(): number {
    return this.#topic?.partitions.length ?? 0;
  }

  async create(): Promise<void> {
    const { topics, partitions, createElsewhere } = this.#options;
    if (this.#topic !== undefined || await createElsewhere?.() === true) return;
    try {
      await topics.createTopic({
        name: this.name,
        partitions: partitions(),
        replicationFactor: this.#replicationFactor,
        configs: this.#configs,
        isInternal: true,
      });
    } catch (error) {
      if (!isRefusal(error, ErrorCode.TOPIC_ALREADY_EXISTS)) throw error;
    }
  }

  /**
   * Restores what the topic depends on if an earlier version of this program created it or it was
   * altered: the latest record of a key must not expire, and what was answered must be on disk.
   */
  async ensureConfigs(): Promise<void> {
    const config = this.#topic?.config;
    if (config === undefined) return;
    const policy = config.get("cleanup.policy");
    const isCompacted = policy.includes("compact") && !policy.includes("delete");
    if (isCompacted && config.get("flush") === "commit") return;
    try {
      await this.#options.topics.alterConfigs(
        this.name,
        (configs) => isCompacted ? new Map([...configs, ...DURABLE]) : this.#configs,
      );
    } catch (error) {
      if (!isRefusal(error, ErrorCode.NOT_CONTROLLER)) throw error;
    }
  }

  get #topic(): Topic | undefined {
    return this.#options.topics.get(this.name);
  }

  get #replicationFactor(): number {
    const { topics, replicationFactor } = this.#options;
    return topics.replicationFactor(replicationFactor());
  }

  get #configs(): ConfigTexts {
    const { segmentBytes, minInSyncReplicas } = this.#options;
    const bytes = segmentBytes();
    return new Map([
      ["cleanup.policy", "compact"],
      ...DURABLE,
      ...(minInSyncReplicas === undefined
        ? []
        : [["min.insync.replicas", String(minInSyncReplicas())] as const]),
      // The topic setting has a minimum that the broker's setting does not have.
      [bytes < MIN_SEGMENT_BYTES ? INTERNAL_SEGMENT_BYTES : "segment.bytes", String(bytes)],
    ]);
  }

  leaderEpoch(index: number): number | undefined {
    const partition = this.#options.topics.partition(this.name, index);
    return partition?.isLeader === true ? partition.leaderEpoch : undefined;
  }

  isServed(index: number): boolean {
    return this.#options.topics.partition(this.name, index)?.isServed === true;
  }

  onChange(listener: () => void): () => void {
    return this.#options.topics.onChange((name) => {
      if (name === this.name) listener();
    });
  }

  log(index: number): L | undefined {
    const topic = this.#topic;
    const partition = topic?.partitions[index];
    if (topic === undefined || partition === undefined || !partition.isLeader) return undefined;
    return this.#options.openLog(partition, topic);
  }
}

/**
 * Whatever `log.flush.policy`: a coordinator answers what a crash must not take back, and replicas
 * require it.
 */
const DURABLE: ConfigTexts = new Map([["flush", "commit"]]);

function isRefusal(error: unknown, code: number): boolean {
  return error instanceof ApiError && error.code === code;
}
