/**
 * An administrator who creates, changes and deletes topics, and deletes records.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { createPartitions } from "../../protocol/messages/topics/create_partitions.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { deleteRecords } from "../../protocol/messages/records/delete_records.ts";
import { deleteTopics } from "../../protocol/messages/topics/delete_topics.ts";
import { ConfigResourceType } from "../../protocol/messages/configs/describe_configs.ts";
import {
  ConfigOperation,
  incrementalAlterConfigs,
} from "../../protocol/messages/configs/incremental_alter_configs.ts";
import type { Random } from "../../protocol/random_testing.ts";
import { TopicModel } from "./model.ts";
import { check } from "./violation.ts";
import { Client, liveTopics, REQUEST_TIMEOUT_MS } from "./world.ts";

const MAX_TOPICS = 4;
const MAX_PARTITIONS = 3;

/** Answers that leave open whether a change happened. */
const UNCERTAIN = [ErrorCode.REQUEST_TIMED_OUT];

/** Changes topics, with at most one change of each topic in flight. */
export class Administrator extends Client {
  /** Creates a topic, unless there are enough. */
  createTopic(): void {
    const { machine, random, topics } = this.world;
    if (!machine.isUp || topics.length >= MAX_TOPICS) return;
    // A name is reused only after a restart, when nothing is in flight to the topic that had it.
    const names = topics.map(({ name }) => name).concat(this.#retiredNames);
    let number = 0;
    while (names.includes(`topic-${number}`)) number++;
    const topic = new TopicModel(`topic-${number}`, 1 + random.below(2), drawConfigs(random));
    topics.push(topic);
    machine.spawn(async () => {
      const configs = Array.from(topic.possibleConfigs[0]!, ([name, value]) => ({ name, value }));
      const response = await this.request(createTopics, 7, {
        topics: [{
          name: topic.name,
          numPartitions: topic.partitions.length,
          replicationFactor: 1,
          configs,
        }],
        timeoutMs: REQUEST_TIMEOUT_MS,
      });
      if (response === undefined) return;
      const { errorCode, errorMessage, topicId } = response.topics[0]!;
      this.note(
        `creates ${topic} with ${configs.map(({ value }) => value)}`,
        errorCode,
        UNCERTAIN,
        errorMessage,
      );
      if (errorCode !== ErrorCode.NONE) return;
      topic.id = topicId;
      topic.state = "live";
    });
  }

  #retiredNames: string[] = [];

  /** Records that the broker was restarted. */
  forgetNames(): void {
    this.#retiredNames = [];
  }

  /** Deletes a topic. */
  deleteTopic(): void {
    const topic = this.#pickTopic();
    if (topic === undefined) return;
    const { machine, topics } = this.world;
    topic.state = "deleting";
    machine.spawn(async () => {
      const response = await this.request(deleteTopics, 6, {
        topics: [{ name: null, topicId: topic.id }],
        timeoutMs: REQUEST_TIMEOUT_MS,
      });
      if (response === undefined) return;
      const { errorCode, errorMessage } = response.responses[0]!;
      this.note(`deletes ${topic}`, errorCode, UNCERTAIN, errorMessage);
      if (errorCode !== ErrorCode.NONE) return;
      topic.state = "deleted";
      topics.splice(topics.indexOf(topic), 1);
      this.#retiredNames.push(topic.name);
    });
  }

  /** Changes a topic's settings. */
  alterConfigs(): void {
    const topic = this.#pickTopic();
    if (topic === undefined) return;
    const { machine, random } = this.world;
    const drawn = drawConfigs(random);
    const before = topic.possibleConfigs[0]!;
    const name = random.pick(CHANGEABLE.filter((name) => drawn.has(name)));
    const value = drawn.get(name)!;
    const changed = new Map(before).set(name, value);
    topic.isChanging = true;
    topic.mayHave(changed);
    machine.spawn(async () => {
      const response = await this.request(incrementalAlterConfigs, 1, {
        resources: [{
          resourceType: ConfigResourceType.topic,
          resourceName: topic.name,
          configs: [{ name, configOperation: ConfigOperation.set, value }],
        }],
      });
      if (response === undefined) return;
      const { errorCode, errorMessage } = response.responses[0]!;
      this.note(`sets ${name}=${value} of ${topic}`, errorCode, UNCERTAIN, errorMessage);
      if (errorCode !== ErrorCode.NONE) return;
      topic.has(changed);
      topic.isChanging = false;
    });
  }

  /** Adds a partition to a topic. */
  addPartition(): void {
    const topic = this.#pickTopic();
    if (topic === undefined || topic.partitions.length >= MAX_PARTITIONS) return;
    const count = topic.partitions.length + 1;
    topic.isChanging = true;
    topic.partitionLimit = count;
    this.world.machine.spawn(async () => {
      const response = await this.request(createPartitions, 3, {
        topics: [{ name: topic.name, count }],
        timeoutMs: REQUEST_TIMEOUT_MS,
      });
      if (response === undefined) return;
      const { errorCode, errorMessage } = response.results[0]!;
      this.note(`grows ${topic} to ${count}`, errorCode, UNCERTAIN, errorMessage);
      if (errorCode !== ErrorCode.NONE) return;
      topic.grow(count);
      topic.isChanging = false;
    });
  }

  #pickTopic(): TopicModel | undefined {
    const { machine, random } = this.world;
    const topics = liveTopics(this.world).filter(({ isChanging }) => !isChanging);
    return machine.isUp && topics.length > 0 ? random.pick(topics) : undefined;
  }

  /** Deletes the first records of a partition. */
  deleteRecords(): void {
    const { machine, random } = this.world;
    const topics = liveTopics(this.world);
    if (!machine.isUp || topics.length === 0) return;
    const partition = random.pick(random.pick(topics).partitions);
    const { topic, index: partitionIndex } = partition;
    const { highWatermark, logStartOffset } = partition.bounds;
    const offset = logStartOffset + random.below(highWatermark - logStartOffset + 1);
    partition.mayDelete(offset);
    machine.spawn(async () => {
      const response = await this.request(deleteRecords, 2, {
        topics: [{ name: topic.name, partitions: [{ partitionIndex, offset }] }],
        timeoutMs: REQUEST_TIMEOUT_MS,
      });
      if (response === undefined) return;
      const { errorCode, lowWatermark } = response.topics[0]!.partitions[0]!;
      const isGoing = topic.state !== "live" || machine.hasFailed;
      this.note(`deletes records of ${partition} before ${offset}`, errorCode, [
        ...UNCERTAIN,
        ...topic.allowsDeleteRecords ? [] : [ErrorCode.POLICY_VIOLATION],
        ...isGoing ? [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.NOT_LEADER_OR_FOLLOWER] : [],
      ]);
      if (errorCode !== ErrorCode.NONE) return;
      check(topic.allowsDeleteRecords, () => `${topic} is compacted, and lost records by request`);
      check(lowWatermark >= offset, () => `${partition} starts at ${lowWatermark}, not ${offset}`);
      const { bounds } = partition;
      const logStartOffset = Math.max(bounds.logStartOffset, lowWatermark);
      const highWatermark = Math.max(bounds.highWatermark, logStartOffset);
      partition.tell({ highWatermark, logStartOffset }, bounds, machine.clock.now());
    });
  }
}

const CHANGEABLE: readonly string[] = [
  "flush",
  "retention.ms",
  "retention.bytes",
  "internal.segment.bytes",
  "preallocate",
];

/** Draws settings of a topic: small limits, so that much happens. */
function drawConfigs(random: Random): Map<string, string> {
  const configs = new Map([
    ["flush", random.weighted([[6, "commit"], [2, "os"], [2, "interval"]])],
    ["flush.ms", "400"],
    ["internal.segment.bytes", random.pick(["1500", "3000", "20000"])],
    ["preallocate", random.pick(["false", "true"])],
    ["index.interval.bytes", random.pick(["0", "200", "4096"])],
    ["file.delete.delay.ms", random.pick(["0", "1000"])],
    ["message.timestamp.type", random.pick(["CreateTime", "CreateTime", "LogAppendTime"])],
    ["retention.ms", random.pick(["-1", "-1", "8000"])],
    ["retention.bytes", random.pick(["-1", "-1", "6000"])],
  ]);
  if (random.chance(0.2)) configs.set("segment.ms", "3000");
  const policy = random.weighted([[6, "delete"], [3, "compact"], [1, "compact,delete"]]);
  configs.set("cleanup.policy", policy);
  if (policy.includes("compact")) {
    configs.set("min.cleanable.dirty.ratio", random.pick(["0", "0.3"]));
    configs.set("delete.retention.ms", random.pick(["500", "4000"]));
    if (random.chance(0.3)) configs.set("min.compaction.lag.ms", "1000");
  }
  return configs;
}
