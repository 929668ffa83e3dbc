/**
 * The admin: creates, describes, changes and deletes topics, describes and mends groups, and describes
 * the cluster.
 *
 * What changes topics goes to the controller, what concerns records to the leader of their partition,
 * what concerns a group to its coordinator, the settings of a broker to that broker, all else to any.
 *
 * @module
 */

import {
  CHANGE_NAMES,
  CREATE_PARTITIONS_NAMES,
  DESCRIBE_CONFIGS_NAMES,
  DESCRIBE_LOG_DIRS_NAMES,
  LIST_GROUP_OFFSETS_NAMES,
  LIST_GROUPS_NAMES,
  LIST_OFFSETS_NAMES,
  LIST_TOPICS_NAMES,
  NEW_TOPIC_NAMES,
  RESET_GROUP_OFFSETS_NAMES,
} from "./option_names.ts";
import { OPERATION_NAMES } from "../connection/option_names.ts";
import { ensureKnown } from "../ensure_known.ts";
import { alterTopicConfigs, describeResourceConfigs } from "./admin_configs.ts";
import type {
  CommittedOffset,
  DeleteGroupResult,
  GroupDescription,
  GroupListing,
  GroupOffset,
  GroupOffsetTarget,
  ListGroupOffsetsOptions,
  ListGroupsOptions,
  ResetGroupOffset,
  ResetGroupOffsetsOptions,
} from "../group/group_types.ts";
import {
  alterOffsetsOfGroup,
  deleteOffsetsOfGroup,
  listOffsetsOfGroup,
  resetOffsetsOfGroup,
} from "./admin_group_offsets.ts";
import { describeAllTopics, describeWholeCluster, listAllTopics } from "./admin_descriptions.ts";
import { deleteAllGroups, describeAllGroups, listAllGroups } from "./admin_groups.ts";
import { deleteRecordsBefore, describeBrokerLogDirs } from "./admin_records.ts";
import { addPartitions, createAll, deleteAll } from "./admin_topics.ts";
import type {
  ChangeOptions,
  ClusterDescription,
  ConfigChange,
  ConfigEntry,
  ConfigResource,
  CreatedTopic,
  CreatePartitionsOptions,
  CreateTopicResult,
  DeletedRecords,
  DeleteTopicResult,
  DescribeConfigsOptions,
  DescribeLogDirsOptions,
  ListOffsetsOptions,
  ListTopicsOptions,
  LogDirDescription,
  NewTopic,
  TopicDescription,
  TopicListing,
} from "./admin_types.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { lookUpOffsets, type OffsetSpec, type PartitionOffset } from "../consumer/offset_lookup.ts";

/**
 * Creates, describes, changes and deletes topics, describes and mends groups, and describes the cluster.
 * It holds nothing that would have to be closed.
 *
 * @example Creating a topic
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client } from "@dqueue/dqueue/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * const admin = client.admin();
 * await admin.createTopic({ name: "orders", partitions: 3, configs: { "retention.ms": 3600000 } });
 * const { partitions } = await admin.describeTopic("orders");
 * assertEquals(partitions.length, 3);
 * ```
 */
export class Admin {
  readonly #core: ClientCore;

  /** @ignore `client.admin()` makes one. */
  constructor(core: ClientCore) {
    this.#core = core;
  }

  /**
   * Creates a topic.
   *
   * @param topic The topic to create.
   * @param options How to do it.
   * @returns The topic as the broker has made it.
   * @throws {KafkaError} If the broker refuses, for one with `TOPIC_ALREADY_EXISTS`.
   */
  async createTopic(topic: NewTopic, options: ChangeOptions = {}): Promise<CreatedTopic> {
    ensureKnown("createTopic()", options, CHANGE_NAMES);
    ensureKnown("createTopic()", topic, NEW_TOPIC_NAMES);
    const [result] = await createAll(this.#core, [topic], options);
    if (result!.error !== undefined) throw result!.error;
    return result!.topic!;
  }

  /**
   * Creates several topics. One that cannot be created does not keep the others from it.
   *
   * @param topics The topics to create.
   * @param options How to do it.
   * @returns What became of each, in the order of the topics.
   */
  async createTopics(
    topics: readonly NewTopic[],
    options: ChangeOptions = {},
  ): Promise<CreateTopicResult[]> {
    ensureKnown("createTopics()", options, CHANGE_NAMES);
    for (const topic of topics) ensureKnown("createTopics()", topic, NEW_TOPIC_NAMES);
    return await createAll(this.#core, topics, options);
  }

  /**
   * Deletes a topic and all that is in it.
   *
   * @param name The name of the topic.
   * @param options How long to try.
   * @throws {KafkaError} If the broker refuses, for one with `UNKNOWN_TOPIC_OR_PARTITION`.
   */
  async deleteTopic(name: string, options: OperationOptions = {}): Promise<void> {
    ensureKnown("deleteTopic()", options, OPERATION_NAMES);
    const [result] = await deleteAll(this.#core, [name], options);
    if (result!.error !== undefined) throw result!.error;
  }

  /**
   * Deletes several topics. One that cannot be deleted does not keep the others from it.
   *
   * @param names The names of the topics.
   * @param options How long to try.
   * @returns What became of each, in the order of the names.
   */
  async deleteTopics(
    names: readonly string[],
    options: OperationOptions = {},
  ): Promise<DeleteTopicResult[]> {
    ensureKnown("deleteTopics()", options, OPERATION_NAMES);
    return await deleteAll(this.#core, names, options);
  }

  /**
   * Lists topics.
   *
   * @param options Which.
   * @returns The topics in the order of their names.
   */
  async listTopics(options: ListTopicsOptions = {}): Promise<TopicListing[]> {
    ensureKnown("listTopics()", options, LIST_TOPICS_NAMES);
    return await listAllTopics(this.#core, options);
  }

  /**
   * Describes a topic as it is now.
   *
   * @param name The name of the topic.
   * @param options How long to try.
   * @throws {KafkaError} If there is no such topic, with `UNKNOWN_TOPIC_OR_PARTITION`.
   */
  async describeTopic(name: string, options: OperationOptions = {}): Promise<TopicDescription> {
    ensureKnown("describeTopic()", options, OPERATION_NAMES);
    const [topic] = await this.describeTopics([name], options);
    return topic!;
  }

  /**
   * Describes several topics as they are now.
   *
   * @param names The names of the topics.
   * @param options How long to try.
   * @returns The topics in the order of the names.
   * @throws {KafkaError} If one of them does not exist, with `UNKNOWN_TOPIC_OR_PARTITION`.
   */
  async describeTopics(
    names: readonly string[],
    options: OperationOptions = {},
  ): Promise<TopicDescription[]> {
    ensureKnown("describeTopics()", options, OPERATION_NAMES);
    return await describeAllTopics(this.#core, names, options);
  }

  /**
   * Adds partitions to a topic. Keys may go to other partitions from then on.
   *
   * @param topic The name of the topic.
   * @param count How many partitions it shall have in all.
   * @param options How to do it.
   * @throws {KafkaError} If the broker refuses, with `INVALID_PARTITIONS` if it has as many already.
   */
  async createPartitions(
    topic: string,
    count: number,
    options: CreatePartitionsOptions = {},
  ): Promise<void> {
    ensureKnown("createPartitions()", options, CREATE_PARTITIONS_NAMES);
    await addPartitions(this.#core, topic, count, options);
  }

  /**
   * Describes the settings of a topic, a broker or a group.
   *
   * @param resource What the settings belong to.
   * @param options Which settings, and how fully.
   * @returns The settings in the order of their names.
   * @throws {KafkaError} If there is no such thing, or the broker refuses.
   *
   * @example How long a topic keeps messages
   * ```ts
   * import { Broker } from "@dqueue/dqueue/broker";
   * import { Client } from "@dqueue/dqueue/client";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = await Broker.start({ storage: "memory" });
   * await using client = new Client({ broker });
   * const admin = client.admin();
   * await admin.createTopic({ name: "orders", configs: { "retention.ms": 3600000 } });
   * const [retention] = await admin.describeConfigs(
   *   { type: "topic", name: "orders" },
   *   { names: ["retention.ms"] },
   * );
   * assertEquals(retention?.value, "3600000");
   * ```
   */
  async describeConfigs(
    resource: ConfigResource,
    options: DescribeConfigsOptions = {},
  ): Promise<ConfigEntry[]> {
    ensureKnown("describeConfigs()", options, DESCRIBE_CONFIGS_NAMES);
    return await describeResourceConfigs(this.#core, resource, options);
  }

  /**
   * Changes settings and leaves all others as they are (KIP-339).
   *
   * @param resource What the settings belong to.
   * @param changes The new value of each setting; null for the default, or what to add to a list or take
   * from it.
   * @param options How to do it.
   * @throws {KafkaError} If the broker refuses, with `INVALID_CONFIG` for a setting or value it does not
   * know.
   */
  async alterConfigs(
    resource: ConfigResource,
    changes: { readonly [name: string]: ConfigChange },
    options: ChangeOptions = {},
  ): Promise<void> {
    ensureKnown("alterConfigs()", options, CHANGE_NAMES);
    return await alterTopicConfigs(this.#core, resource, changes, options);
  }

  /**
   * Looks up offsets in the partitions of a topic: where they begin or end, or the first message at or
   * after a time.
   *
   * @param topic The name of the topic.
   * @param at The place to look up.
   * @param options In which partitions.
   * @returns The offset in each partition, in their order; −1 where there is no such message.
   * @throws {KafkaError} If there is no such topic or partition.
   *
   * @example Where the messages of the last hour begin
   * ```ts
   * import { Broker } from "@dqueue/dqueue/broker";
   * import { Client } from "@dqueue/dqueue/client";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = await Broker.start({ storage: "memory" });
   * await using client = new Client({ broker });
   * await client.admin().createTopic({ name: "orders" });
   * await client.producer().send({ topic: "orders", value: "paid" });
   * const anHourAgo = Date.now() - 3_600_000;
   * const [first] = await client.admin().listOffsets("orders", { timestamp: anHourAgo });
   * assertEquals(first?.offset, 0);
   * ```
   */
  async listOffsets(
    topic: string,
    at: OffsetSpec = "latest",
    options: ListOffsetsOptions = {},
  ): Promise<PartitionOffset[]> {
    ensureKnown("listOffsets()", options, LIST_OFFSETS_NAMES);
    const { isolationLevel = "read_uncommitted" } = options;
    let { partitions } = options;
    if (partitions === undefined) {
      const [described] = await describeAllTopics(this.#core, [topic], options);
      partitions = described!.partitions.map(({ partition }) => partition);
    }
    const queries = partitions.map((partition) => ({ topic, partition, at }));
    return await lookUpOffsets(this.#core, queries, isolationLevel, options);
  }

  /**
   * Deletes the records of a topic before given offsets.
   *
   * @param topic The name of the topic.
   * @param before For each partition the first offset to keep; `"latest"` deletes all there is now.
   * @param options How long to try.
   * @returns Where each partition begins now, in the order of the partitions.
   * @throws {KafkaError} If an offset lies outside the partition, with `OFFSET_OUT_OF_RANGE`.
   */
  async deleteRecords(
    topic: string,
    before: { readonly [partition: number]: number | "latest" },
    options: OperationOptions = {},
  ): Promise<DeletedRecords[]> {
    ensureKnown("deleteRecords()", options, OPERATION_NAMES);
    return await deleteRecordsBefore(this.#core, topic, before, options);
  }

  /**
   * Describes the cluster as it is now.
   *
   * @param options How long to try.
   */
  async describeCluster(options: OperationOptions = {}): Promise<ClusterDescription> {
    ensureKnown("describeCluster()", options, OPERATION_NAMES);
    return await describeWholeCluster(this.#core, options);
  }

  /**
   * Describes the folders in which brokers keep partitions, with the size of each partition.
   *
   * @param options Of which brokers and topics.
   * @returns The folders, by broker.
   */
  async describeLogDirs(options: DescribeLogDirsOptions = {}): Promise<LogDirDescription[]> {
    ensureKnown("describeLogDirs()", options, DESCRIBE_LOG_DIRS_NAMES);
    return await describeBrokerLogDirs(this.#core, options);
  }

  /**
   * Lists the groups of the cluster.
   *
   * @param options Which.
   * @returns The groups in the order of their ids.
   */
  async listGroups(options: ListGroupsOptions = {}): Promise<GroupListing[]> {
    ensureKnown("listGroups()", options, LIST_GROUPS_NAMES);
    return await listAllGroups(this.#core, options);
  }

  /**
   * Describes a group, of the classic protocol or of KIP-848, as it is now.
   *
   * @param groupId The id of the group.
   * @param options How long to try.
   * @throws {KafkaError} If there is no such group, with `GROUP_ID_NOT_FOUND`.
   */
  async describeGroup(groupId: string, options: OperationOptions = {}): Promise<GroupDescription> {
    ensureKnown("describeGroup()", options, OPERATION_NAMES);
    const [group] = await describeAllGroups(this.#core, [groupId], options);
    return group!;
  }

  /**
   * Describes several groups as they are now.
   *
   * @param groupIds The ids of the groups.
   * @param options How long to try.
   * @returns The groups in the order of the ids.
   * @throws {KafkaError} If one of them does not exist, with `GROUP_ID_NOT_FOUND`.
   */
  async describeGroups(
    groupIds: readonly string[],
    options: OperationOptions = {},
  ): Promise<GroupDescription[]> {
    ensureKnown("describeGroups()", options, OPERATION_NAMES);
    return await describeAllGroups(this.#core, groupIds, options);
  }

  /**
   * Deletes a group that has no members, and the offsets it has committed.
   *
   * @param groupId The id of the group.
   * @param options How long to try.
   * @throws {KafkaError} If the broker refuses, with `NON_EMPTY_GROUP` or `GROUP_ID_NOT_FOUND`.
   */
  async deleteGroup(groupId: string, options: OperationOptions = {}): Promise<void> {
    ensureKnown("deleteGroup()", options, OPERATION_NAMES);
    const [result] = await deleteAllGroups(this.#core, [groupId], options);
    if (result!.error !== undefined) throw result!.error;
  }

  /**
   * Deletes several groups. One that cannot be deleted does not keep the others from it.
   *
   * @param groupIds The ids of the groups.
   * @param options How long to try.
   * @returns What became of each, in the order of the ids.
   */
  async deleteGroups(
    groupIds: readonly string[],
    options: OperationOptions = {},
  ): Promise<DeleteGroupResult[]> {
    ensureKnown("deleteGroups()", options, OPERATION_NAMES);
    return await deleteAllGroups(this.#core, groupIds, options);
  }

  /**
   * Lists the offsets that a group has committed.
   *
   * @param groupId The id of the group; one that does not exist has committed nothing.
   * @param options For which partitions.
   * @returns The offsets in the order of topics and partitions, or of the partitions asked for.
   */
  async listGroupOffsets(
    groupId: string,
    options: ListGroupOffsetsOptions = {},
  ): Promise<CommittedOffset[]> {
    ensureKnown("listGroupOffsets()", options, LIST_GROUP_OFFSETS_NAMES);
    return await listOffsetsOfGroup(this.#core, groupId, options);
  }

  /**
   * Commits offsets for a group that has no members, or does not exist yet.
   *
   * @param groupId The id of the group.
   * @param offsets The next offset to read in each partition.
   * @param options How long to try.
   * @throws {KafkaError} If the broker refuses, with `UNKNOWN_MEMBER_ID` if the group has members.
   * @throws {UsageError} If an offset is negative.
   */
  async alterGroupOffsets(
    groupId: string,
    offsets: readonly GroupOffset[],
    options: OperationOptions = {},
  ): Promise<void> {
    ensureKnown("alterGroupOffsets()", options, OPERATION_NAMES);
    return await alterOffsetsOfGroup(this.#core, groupId, offsets, options);
  }

  /**
   * Sets a group that has no members to another place in a topic. An offset that there is not is brought
   * within the partition.
   *
   * @param groupId The id of the group; it may have committed nothing yet.
   * @param topic The name of the topic.
   * @param target Where to set it.
   * @param options In which partitions, and whether to do it.
   * @returns What changed in each partition, or would change.
   * @throws {KafkaError} If the group has members, with `NON_EMPTY_GROUP`.
   *
   * @example Having a group read a topic again
   * ```ts
   * import { Broker } from "@dqueue/dqueue/broker";
   * import { Client } from "@dqueue/dqueue/client";
   * import { assertEquals } from "@std/assert";
   *
   * await using broker = await Broker.start({ storage: "memory" });
   * await using client = new Client({ broker });
   * const admin = client.admin();
   * await admin.createTopic({ name: "orders" });
   * await client.producer().send({ topic: "orders", value: "paid" });
   * await admin.alterGroupOffsets("billing", [{ topic: "orders", partition: 0, offset: 1 }]);
   *
   * const resets = await admin.resetGroupOffsets("billing", "orders", "earliest");
   * assertEquals(resets, [{ topic: "orders", partition: 0, before: 1, offset: 0 }]);
   * ```
   */
  async resetGroupOffsets(
    groupId: string,
    topic: string,
    target: GroupOffsetTarget,
    options: ResetGroupOffsetsOptions = {},
  ): Promise<ResetGroupOffset[]> {
    ensureKnown("resetGroupOffsets()", options, RESET_GROUP_OFFSETS_NAMES);
    return await resetOffsetsOfGroup(this.#core, groupId, topic, target, options);
  }

  /**
   * Deletes offsets that a group has committed in topics it does not read any more.
   *
   * @param groupId The id of the group.
   * @param partitions The partitions whose offsets are deleted.
   * @param options How long to try.
   * @throws {KafkaError} If the broker refuses, with `GROUP_SUBSCRIBED_TO_TOPIC` if a member reads one.
   */
  async deleteGroupOffsets(
    groupId: string,
    partitions: readonly TopicPartition[],
    options: OperationOptions = {},
  ): Promise<void> {
    ensureKnown("deleteGroupOffsets()", options, OPERATION_NAMES);
    return await deleteOffsetsOfGroup(this.#core, groupId, partitions, options);
  }
}
