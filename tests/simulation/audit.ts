/**
 * Reads everything while no other client is active, and compares it with the model.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  ConfigResourceType,
  describeConfigs,
} from "../../protocol/messages/configs/describe_configs.ts";
import { ListOffsetsTimestamp } from "../../protocol/messages/records/list_offsets.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import type { Api, RequestTo, ResponseOf } from "../../protocol/schema/schema.ts";
import type { TopicModel } from "./model.ts";
import type { FoundRecord, PartitionModel } from "./partition_model.ts";
import { offsetOf, read } from "./reading.ts";
import { check, Violation } from "./violation.ts";
import { Client, liveTopics, nameOf } from "./world.ts";

const MAX_BYTES = 4000;
const MAX_ATTEMPTS = 20;
/** How many offsets and timestamps are looked up in each partition. */
const LOOKUPS = 3;

/** Compares the broker with the model. */
export class Auditor extends Client {
  /** Compares everything. */
  async auditAll(): Promise<void> {
    await this.#auditTopics();
    for (const topic of liveTopics(this.world)) {
      await this.#auditConfigs(topic);
      for (const partition of topic.partitions) await this.auditPartition(partition);
    }
  }

  async #auditTopics(): Promise<void> {
    const { topics } = this.world;
    const response = await this.#ask(metadata, 12, { topics: null, allowAutoTopicCreation: false });
    const found = new Map(
      response.topics.filter(({ isInternal }) => !isInternal).map((topic) => [topic.name!, topic]),
    );
    for (const topic of topics.slice()) {
      const there = found.get(topic.name);
      found.delete(topic.name);
      if (there === undefined) {
        check(topic.state !== "live", () => `${topic} is gone`);
        topic.state = "deleted";
        topics.splice(topics.indexOf(topic), 1);
        continue;
      }
      if (topic.state === "creating") topic.id = there.topicId;
      check(topic.id === there.topicId, () => `${topic} has another id than before`);
      topic.state = "live";
      topic.isChanging = false;
      const { length } = there.partitions;
      check(
        length >= topic.partitions.length && length <= topic.partitionLimit,
        () => `${topic} has ${length} partitions, not ${topic.partitions.length}`,
      );
      topic.grow(length);
      topic.partitionLimit = length;
      for (const { errorCode, partitionIndex } of there.partitions) {
        check(errorCode === 0, () => `${topic}-${partitionIndex} has error ${nameOf(errorCode)}`);
      }
    }
    check(found.size === 0, () => `Topics are there that must not be: ${[...found.keys()]}`);
  }

  async #auditConfigs(topic: TopicModel): Promise<void> {
    const response = await this.#ask(describeConfigs, 4, {
      resources: [{ resourceType: ConfigResourceType.topic, resourceName: topic.name }],
    });
    const found = new Map(response.results[0]!.configs.map(({ name, value }) => [name, value]));
    // Internal settings are not listed.
    const matching = topic.possibleConfigs.filter((configs) =>
      [...configs].every(([name, value]) =>
        name.startsWith("internal.") || found.get(name) === value
      )
    );
    check(matching.length > 0, () => `${topic} has settings that nobody has given it`);
    if (topic.possibleConfigs.length > 1) topic.has(matching[0]!);
  }

  /** Reads a partition from start to end, and compares it with the model. */
  async auditPartition(partition: PartitionModel): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const logStartOffset = await this.#lookUp(partition, ListOffsetsTimestamp.earliest);
      const highWatermark = await this.#lookUp(partition, ListOffsetsTimestamp.latest);
      const found = await this.#scan(partition, logStartOffset, highWatermark);
      if (found === undefined) continue;
      const nowMs = this.world.machine.clock.now();
      partition.compare({ logStartOffset, highWatermark }, found, nowMs);
      this.world.trace(`${partition} has ${logStartOffset} to ${highWatermark}`);
      for (let i = 0; i < LOOKUPS; i++) await this.#auditLookups(partition, found);
      return;
    }
    throw new Violation(`${partition} cannot be read from start to end`);
  }

  /** Reads a partition while other clients use it, and checks the records that must be there. */
  async auditLive(partition: PartitionModel): Promise<void> {
    const before = partition.bounds;
    const logStartOffset = await this.#lookUp(partition, ListOffsetsTimestamp.earliest);
    const highWatermark = await this.#lookUp(partition, ListOffsetsTimestamp.latest);
    const found = await this.#scan(partition, logStartOffset, highWatermark);
    if (found === undefined) return;
    const nowMs = this.world.machine.clock.now();
    partition.tell({ logStartOffset, highWatermark }, before, nowMs);
    partition.compareLive(highWatermark, found, nowMs);
  }

  /** Reads all records; returns nothing if some were deleted meanwhile. */
  async #scan(
    partition: PartitionModel,
    logStartOffset: number,
    highWatermark: number,
  ): Promise<FoundRecord[] | undefined> {
    const found: FoundRecord[] = [];
    for (let offset = logStartOffset; offset < highWatermark;) {
      const answer = await this.#read(partition, offset);
      const { errorCode } = answer;
      if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return undefined;
      if (errorCode !== ErrorCode.NONE && this.world.machine.hasFailed) return undefined;
      const next = partition.nextAfterDamage(offset);
      if (errorCode === ErrorCode.CORRUPT_MESSAGE && next !== undefined) {
        offset = next;
        continue;
      }
      check(
        errorCode === ErrorCode.NONE,
        () => `A read of ${partition} from ${offset} is answered ${nameOf(errorCode)}`,
      );
      check(
        answer.nextOffset > offset || partition.topic.hadCompaction,
        () => `A read of ${partition} from ${offset} finds nothing`,
      );
      if (answer.nextOffset === offset) break;
      found.push(...answer.records);
      offset = answer.nextOffset;
    }
    return found;
  }

  async #auditLookups(partition: PartitionModel, found: readonly FoundRecord[]): Promise<void> {
    const { random } = this.world;
    if (found.length === 0 || partition.isDamaged) return;
    const wanted = random.pick(found);
    const answer = await this.#read(partition, wanted.offset);
    if (answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return;
    check(
      answer.records[0]?.record === wanted.record || partition.topic.hadCompaction,
      () => `A read of ${partition} from ${wanted.offset} does not find what a scan found there`,
    );
    const timestamp = random.pick(found).timestamp + random.below(3) - 1;
    const first = found.find((record) => record.timestamp >= timestamp);
    const offset = await this.#lookUp(partition, timestamp);
    const { logStartOffset } = partition.bounds;
    check(
      offset === (first?.offset ?? -1) || partition.topic.hadCompaction ||
        (first !== undefined && first.offset < logStartOffset),
      () => `${partition} says ${offset} for timestamp ${timestamp}, a scan says ${first?.offset}`,
    );
  }

  async #lookUp(partition: PartitionModel, timestamp: number): Promise<number> {
    const answer = await offsetOf(this, partition, timestamp);
    if (answer === undefined) throw new Violation("The broker closed the connection");
    check(
      answer.errorCode === ErrorCode.NONE,
      () => `Timestamp ${timestamp} of ${partition} is answered ${nameOf(answer.errorCode)}`,
    );
    return answer.offset;
  }

  async #read(partition: PartitionModel, offset: number) {
    const { random, book } = this.world;
    const limits = { maxBytes: 1 + random.below(MAX_BYTES), maxWaitMs: 0 };
    const answer = await read(this, book, partition, offset, limits);
    if (answer === undefined) throw new Violation("The broker closed the connection");
    return answer;
  }

  async #ask<A extends Api>(
    api: A,
    version: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A>> {
    const response = await this.request(api, version, request);
    if (response === undefined) throw new Violation("The broker closed the connection");
    return response;
  }
}
