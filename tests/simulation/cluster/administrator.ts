/**
 * An administrator who creates, changes and deletes topics, and deletes records, through any broker.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ConfigResourceType } from "../../../protocol/messages/configs/describe_configs.ts";
import {
  ConfigOperation,
  incrementalAlterConfigs,
} from "../../../protocol/messages/configs/incremental_alter_configs.ts";
import { deleteRecords } from "../../../protocol/messages/records/delete_records.ts";
import { createPartitions } from "../../../protocol/messages/topics/create_partitions.ts";
import { createTopics } from "../../../protocol/messages/topics/create_topics.ts";
import { deleteTopics } from "../../../protocol/messages/topics/delete_topics.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import { check } from "../violation.ts";
import { ClusterClient, liveTopics, REQUEST_TIMEOUT_MS } from "./client.ts";
import type { ClusterMachine } from "./cluster_machine.ts";
import { ClusterTopic } from "./model.ts";

const MAX_TOPICS = 4;
const MAX_PARTITIONS = 4;
/** How long a broker's view may be late after the store has failed. */
const MAX_VIEW_LAG_MS = 8000;

/** Answers after which a change has certainly not happened. */
const CERTAIN: readonly number[] = [
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.INVALID_REPLICATION_FACTOR,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.UNKNOWN_TOPIC_ID,
];

/** Changes topics, with at most one change of each topic in flight. */
export class ClusterAdministrator extends ClusterClient {
  #count = 0;

  /** Creates a topic, unless there are enough. */
  createTopic(replicationFactor: number): void {
    const { random, topics } = this.world;
    if (liveTopics(this.world).length >= MAX_TOPICS) return;
    // Names are not used twice: whether an unanswered request is carried out late is uncertain.
    const configs = new Map([
      ["internal.segment.bytes", random.pick(["1500", "20000"])],
      ["min.insync.replicas", random.pick(["1", "2"])],
    ]);
    const partitionCount = 1 + random.below(3);
    const name = `topic-${this.#count++}`;
    const topic = new ClusterTopic(
      name,
      partitionCount,
      replicationFactor,
      configs,
      (partition) => this.world.promised(partition),
    );
    topics.push(topic);
    this.world.spawn(async () => {
      const broker = random.pick(this.world.machines);
      const { life } = broker;
      const answer = await this.request(broker, createTopics, 7, {
        topics: [{
          name,
          numPartitions: partitionCount,
          replicationFactor,
          configs: Array.from(configs, ([name, value]) => ({ name, value })),
        }],
        timeoutMs: REQUEST_TIMEOUT_MS,
      });
      if (answer === undefined) return;
      const { errorCode, topicId } = answer.response.topics[0]!;
      this.note(`creates ${name} of ${partitionCount} x ${replicationFactor}`, errorCode, CERTAIN);
      if (CERTAIN.includes(errorCode)) topics.splice(topics.indexOf(topic), 1);
      if (errorCode !== ErrorCode.NONE) return;
      topic.id = topicId;
      topic.state = "live";
      await this.#checkKnown(topic, broker, life);
    });
  }

  /** The broker that answered a creation knows the topic. */
  async #checkKnown(topic: ClusterTopic, broker: ClusterMachine, life: number): Promise<void> {
    const answer = await this.request(broker, metadata, 12, {
      topics: [{ topicId: topic.id, name: null }],
      allowAutoTopicCreation: false,
    });
    if (answer === undefined || broker.life !== life || topic.state !== "live") return;
    // Its view may be late if the store has not sent it what has changed.
    if (this.world.timeline.nowMs < broker.weather.badUntilMs + MAX_VIEW_LAG_MS) return;
    const { errorCode } = answer.response.topics[0]!;
    check(
      errorCode === ErrorCode.NONE || errorCode === ErrorCode.LEADER_NOT_AVAILABLE,
      () => `${broker.name} answered that ${topic} was created, and does not know it`,
    );
  }

  /** Deletes a topic. */
  deleteTopic(): void {
    const topic = this.#pickTopic();
    if (topic === undefined) return;
    const { random, topics, machines } = this.world;
    topic.state = "deleting";
    this.world.spawn(async () => {
      const answer = await this.request(random.pick(machines), deleteTopics, 6, {
        topics: [{ name: null, topicId: topic.id }],
        timeoutMs: REQUEST_TIMEOUT_MS,
      });
      if (answer === undefined) return;
      const { errorCode } = answer.response.responses[0]!;
      this.note(`deletes ${topic}`, errorCode, CERTAIN);
      if (errorCode !== ErrorCode.NONE) return;
      topic.state = "deleted";
      topics.splice(topics.indexOf(topic), 1);
    });
  }

  /** Changes a topic's settings. */
  alterConfigs(): void {
    const topic = this.#pickTopic();
    if (topic === undefined) return;
    const { random, machines } = this.world;
    const name = random.chance(0.7) ? "min.insync.replicas" : "internal.segment.bytes";
    const value = name === "min.insync.replicas"
      ? random.pick(["1", "2"])
      : random.pick(["1500", "20000"]);
    const before = topic.possibleConfigs[0]!;
    const changed = new Map(before).set(name, value);
    topic.isChanging = true;
    topic.possibleConfigs = [before, changed];
    this.world.spawn(async () => {
      const answer = await this.request(random.pick(machines), incrementalAlterConfigs, 1, {
        resources: [{
          resourceType: ConfigResourceType.topic,
          resourceName: topic.name,
          configs: [{ name, configOperation: ConfigOperation.set, value }],
        }],
      });
      if (answer === undefined) return;
      const { errorCode } = answer.response.responses[0]!;
      this.note(`sets ${name}=${value} of ${topic}`, errorCode, CERTAIN);
      if (errorCode === ErrorCode.NONE) topic.possibleConfigs = [changed];
      else if (CERTAIN.includes(errorCode)) topic.possibleConfigs = [before];
      else return;
      topic.isChanging = false;
    });
  }

  /** Adds a partition to a topic. */
  addPartition(): void {
    const topic = this.#pickTopic();
    if (topic === undefined || topic.partitions.length >= MAX_PARTITIONS) return;
    const { random, machines } = this.world;
    const count = topic.partitions.length + 1;
    topic.isChanging = true;
    topic.partitionLimit = count;
    this.world.spawn(async () => {
      const answer = await this.request(random.pick(machines), createPartitions, 3, {
        topics: [{ name: topic.name, count }],
        timeoutMs: REQUEST_TIMEOUT_MS,
      });
      if (answer === undefined) return;
      const { errorCode } = answer.response.results[0]!;
      this.note(`grows ${topic} to ${count}`, errorCode, CERTAIN);
      if (errorCode === ErrorCode.NONE) topic.grow(count);
      else if (CERTAIN.includes(errorCode)) topic.partitionLimit = topic.partitions.length;
      else return;
      topic.isChanging = false;
    });
  }

  /** Deletes the first records of a partition. */
  deleteRecords(): void {
    const { random } = this.world;
    const topics = liveTopics(this.world);
    if (topics.length === 0) return;
    const partition = random.pick(random.pick(topics).partitions);
    const { topic, index: partitionIndex, promisedEnd, logStartOffset } = partition;
    const offset = logStartOffset + random.below(Math.max(0, promisedEnd - logStartOffset) + 1);
    partition.mayDelete(offset);
    this.world.spawn(async () => {
      const answer = await this.requestLeader(partition, deleteRecords, 2, () => ({
        topics: [{ name: topic.name, partitions: [{ partitionIndex, offset }] }],
        timeoutMs: REQUEST_TIMEOUT_MS,
      }));
      if (answer === undefined) return;
      const { errorCode, lowWatermark } = answer.response.topics[0]!.partitions[0]!;
      this.note(`deletes records of ${partition} before ${offset}`, errorCode, [
        ErrorCode.OFFSET_OUT_OF_RANGE,
      ]);
      if (errorCode !== ErrorCode.NONE) {
        this.forgetLeader(partition);
        return;
      }
      check(lowWatermark >= offset, () => `${partition} starts at ${lowWatermark}, not ${offset}`);
      partition.deleted(lowWatermark);
    });
  }

  #pickTopic(): ClusterTopic | undefined {
    const topics = liveTopics(this.world).filter(({ isChanging }) => !isChanging);
    return topics.length > 0 ? this.world.random.pick(topics) : undefined;
  }
}
