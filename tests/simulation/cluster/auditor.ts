/**
 * Looks at a cluster that has had time to heal: everything must work, and everything promised be there.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ListOffsetsTimestamp } from "../../../protocol/messages/records/list_offsets.ts";
import {
  ConfigResourceType,
  describeConfigs,
} from "../../../protocol/messages/configs/describe_configs.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import type { FoundRecord } from "../partition_model.ts";
import { check, Violation } from "../violation.ts";
import { ClusterClient, liveTopics, nameOf } from "./client.ts";
import type { ClusterPartition, ClusterTopic } from "./model.ts";
import { offsetOf, read } from "./reading.ts";
import { TRANSACTION_TOPICS } from "./transactions.ts";

const MAX_BYTES = 8000;
const MAX_ATTEMPTS = 50;

/** Compares the cluster with the model. */
export class ClusterAuditor extends ClusterClient {
  /**
   * Returns what keeps the cluster from being whole; undefined if all brokers agree that they all are
   * there, and that every partition has its leader and all replicas in sync.
   */
  async problem(): Promise<string | undefined> {
    const controllers = new Set<number>();
    for (const broker of this.world.machines) {
      const answer = await this.request(broker, metadata, 12, {
        topics: null,
        allowAutoTopicCreation: false,
      });
      if (answer === undefined) return `${broker.name} does not answer`;
      const { brokers, controllerId, topics } = answer.response;
      controllers.add(controllerId);
      if (brokers.length < this.world.machines.length) {
        return `${broker.name} knows ${brokers.map(({ nodeId }) => nodeId)}`;
      }
      for (const { name, partitions } of topics) {
        for (const { partitionIndex, leaderId, replicaNodes, isrNodes } of partitions) {
          const partition = `${name}-${partitionIndex}`;
          if (leaderId < 0) return `${broker.name} knows no leader of ${partition}`;
          if (isrNodes.length < replicaNodes.length) {
            return `${broker.name} has ${isrNodes} in sync of ${replicaNodes} of ${partition}`;
          }
        }
      }
    }
    return controllers.size === 1 ? undefined : `controllers are ${[...controllers]}`;
  }

  /** Compares everything. */
  async auditAll(): Promise<void> {
    for (const broker of this.world.machines) await this.#auditTopics(broker.id);
    for (const topic of liveTopics(this.world)) {
      await this.#auditConfigs(topic);
      for (const partition of topic.partitions) await this.#auditPartition(partition);
    }
  }

  async #auditTopics(id: number): Promise<void> {
    const { topics } = this.world;
    const broker = this.machine(id)!;
    const response = await this.#insist(async () =>
      (await this.request(broker, metadata, 12, { topics: null, allowAutoTopicCreation: false }))
        ?.response
    );
    const found = new Map(
      response.topics.filter(({ isInternal, name }) =>
        !isInternal && !TRANSACTION_TOPICS.includes(name!)
      ).map((topic) => [topic.name!, topic]),
    );
    for (const topic of topics.slice()) {
      const there = found.get(topic.name);
      found.delete(topic.name);
      if (there === undefined) {
        check(topic.state !== "live", () => `${broker.name} does not know ${topic}`);
        topic.state = "deleted";
        topics.splice(topics.indexOf(topic), 1);
        continue;
      }
      if (topic.state === "creating") topic.id = there.topicId;
      check(topic.id === there.topicId, () => `${topic} has another id than before`);
      topic.state = "live";
      const { length } = there.partitions;
      check(
        length >= topic.partitions.length && length <= topic.partitionLimit,
        () => `${topic} has ${length} partitions, not ${topic.partitions.length}`,
      );
      topic.grow(length);
      for (const { errorCode, partitionIndex, replicaNodes } of there.partitions) {
        check(errorCode === 0, () => `${topic}-${partitionIndex} has error ${nameOf(errorCode)}`);
        check(
          replicaNodes.length === topic.replicationFactor,
          () => `${topic}-${partitionIndex} has replicas ${replicaNodes}`,
        );
      }
    }
    check(found.size === 0, () => `Topics are there that must not be: ${[...found.keys()]}`);
  }

  async #auditConfigs(topic: ClusterTopic): Promise<void> {
    const response = await this.#insist(async () =>
      (await this.request(this.world.random.pick(this.world.machines), describeConfigs, 4, {
        resources: [{ resourceType: ConfigResourceType.topic, resourceName: topic.name }],
      }))?.response
    );
    const found = new Map(response.results[0]!.configs.map(({ name, value }) => [name, value]));
    // Internal settings are not listed.
    const matching = topic.possibleConfigs.filter((configs) =>
      [...configs].every(([name, value]) =>
        name.startsWith("internal.") || found.get(name) === value
      )
    );
    check(matching.length > 0, () => `${topic} has settings that nobody has given it`);
  }

  /** Reads a partition from start to end, and compares it with the model. */
  async #auditPartition(partition: ClusterPartition): Promise<void> {
    const { leaderEpoch, offset: logStartOffset } = await this.#insist(() =>
      this.#bound(partition, ListOffsetsTimestamp.earliest)
    );
    const { offset: highWatermark } = await this.#insist(() =>
      this.#bound(partition, ListOffsetsTimestamp.latest)
    );
    const found: FoundRecord[] = [];
    for (let offset = logStartOffset; offset < highWatermark;) {
      const answer = await this.#insist(async () => {
        const answer = await read(this, this.world.book, partition, offset, {
          maxBytes: MAX_BYTES,
          maxWaitMs: 0,
        });
        return answer?.errorCode === ErrorCode.NONE ? answer : undefined;
      });
      check(
        answer.nextOffset > offset,
        () => `A read of ${partition} from ${offset} finds nothing`,
      );
      found.push(...answer.records);
      offset = answer.nextOffset;
    }
    partition.compare(found, { leaderEpoch, logStartOffset, highWatermark });
    this.world.trace(`${partition} has ${logStartOffset} to ${highWatermark}`);
  }

  async #bound(
    partition: ClusterPartition,
    timestamp: typeof ListOffsetsTimestamp.earliest | typeof ListOffsetsTimestamp.latest,
  ) {
    const answer = await offsetOf(this, partition, timestamp);
    if (answer?.errorCode === ErrorCode.NONE) return answer;
    this.world.trace(`${partition} is answered ${answer && nameOf(answer.errorCode)}`);
    this.forgetLeader(partition);
    return undefined;
  }

  /** Asks until there is an answer. */
  async #insist<T>(ask: () => Promise<T | undefined>): Promise<T> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      await new Promise<void>((resolve) => this.world.timeline.after(50, resolve));
    }
    throw new Violation("A cluster where nothing fails does not answer");
  }
}
