/**
 * The admin client: creates, describes, alters and deletes topics, manages groups, and describes
 * the cluster.
 *
 * Requests that change topics go to the controller, requests about records to the leader of the
 * partition, requests about a group to its coordinator, and requests about a broker's settings to
 * that broker. Any broker answers the rest.
 *
 * @module
 */

import {
  CHANGE_NAMES,
  CREATE_PARTITIONS_NAMES,
  DESCRIBE_CLUSTER_NAMES,
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
  DescribeClusterOptions,
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
import { ReplicaAdmin } from "./replica_admin.ts";
import {
  lookUpOffsets,
  type OffsetSpec,
  type PartitionOffset,
  resolveIsolation,
} from "../consumer/offset_lookup.ts";

/**
 * Creates, describes, alters and deletes topics, manages groups, and describes the cluster. It
 * holds no resources and needs no `close()`.
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
export class Admin extends ReplicaAdmin {
  readonly #core: ClientCore;

  /** @ignore Use `client.admin()`. */
  constructor(core: ClientCore) {
    super(core);
    this.#core = core;
  }

  /**
   * Creates a topic.
   *
   * @param topic The topic to create.
   * @param options Validation and time limit.
   * @returns The topic as the broker created it.
   * @throws {KafkaError} If the broker refuses, for example with `TOPIC_ALREADY_EXISTS`.
   */
  async createTopic(topic: NewTopic, options: ChangeOptions = {}): Promise<CreatedTopic> {
    ensureKnown("createTopic()", options, CHANGE_NAMES);
    ensureKnown("createTopic()", topic, NEW_TOPIC_NAMES);
    const [result] = await createAll(this.#core, [topic], options);
    if (result!.error !== undefined) throw result!.error;
    return result!.topic!;
  }

  /**
   * Creates several topics. A topic that cannot be created does not affect the others.
   *
   * @param topics The topics to create.
   * @param options Validation and time limit.
   * @returns The result for each topic, in the order of `topics`.
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
   * Deletes a topic and its records.
   *
   * @param name The name of the topic.
   * @param options Time limit and signal.
   * @throws {KafkaError} If the broker refuses, for example with `UNKNOWN_TOPIC_OR_PARTITION`.
   */
  async deleteTopic(name: string, options: OperationOptions = {}): Promise<void> {
    ensureKnown("deleteTopic()", options, OPERATION_NAMES);
    const [result] = await deleteAll(this.#core, [name], options);
    if (result!.error !== undefined) throw result!.error;
  }

  /**
   * Deletes several topics. A topic that cannot be deleted does not affect the others.
   *
   * @param names The names of the topics.
   * @param options Time limit and signal.
   * @returns The result for each topic, in the order of `names`.
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
   * @param options Which topics to list.
   * @returns The topics, sorted by name.
   */
  async listTopics(options: ListTopicsOptions = {}): Promise<TopicListing[]> {
    ensureKnown("listTopics()", options, LIST_TOPICS_NAMES);
    return await listAllTopics(this.#core, options);
  }

  /**
   * Describes a topic.
   *
   * @param name The name of the topic.
   * @param options Time limit and signal.
   * @throws {KafkaError} If the topic does not exist, with `UNKNOWN_TOPIC_OR_PARTITION`.
   */
  async describeTopic(name: string, options: OperationOptions = {}): Promise<TopicDescription> {
    ensureKnown("describeTopic()", options, OPERATION_NAMES);
    const [topic] = await this.describeTopics([name], options);
    return topic!;
  }

  /**
   * Describes several topics.
   *
   * @param names The names of the topics.
   * @param options Time limit and signal.
   * @returns The topics in the order of `names`.
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
   * Adds partitions to a topic. From then on, keys may map to other partitions than before.
   *
   * @param topic The name of the topic.
   * @param count The total number of partitions afterwards.
   * @param options Assignments, validation and time limit.
   * @throws {KafkaError} If the broker refuses, with `INVALID_PARTITIONS` unless `count` is larger
   * than the current number.
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
   * Describes the configs of a topic, a broker or a group.
   *
   * @param resource The resource the configs belong to.
   * @param options Which configs to describe, and in how much detail.
   * @returns The configs, sorted by name.
   * @throws {KafkaError} If the resource does not exist, or the broker refuses.
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
   * Alters configs and leaves all others unchanged (KIP-339).
   *
   * @param resource The resource the configs belong to.
   * @param changes The new value of each config: null resets it to its default, `append` and
   * `subtract` change a list.
   * @param options Validation and time limit.
   * @throws {KafkaError} If the broker refuses, with `INVALID_CONFIG` for an unknown config or an
   * invalid value.
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
   * Looks up offsets in the partitions of a topic: the earliest, the latest, or that of the first
   * message at or after a timestamp.
   *
   * @param topic The name of the topic.
   * @param at The place to look up.
   * @param options Which partitions, and the isolation level.
   * @returns The offset in each partition, in order; −1 where no message matches.
   * @throws {KafkaError} If the topic or a partition does not exist.
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
    const isolationLevel = resolveIsolation(options);
    let { partitions } = options;
    if (partitions === undefined) {
      const [described] = await describeAllTopics(this.#core, [topic], options);
      partitions = described!.partitions.map(({ partition }) => partition);
    }
    const queries = partitions.map((partition) => ({ topic, partition, at }));
    return await lookUpOffsets(this.#core, queries, isolationLevel, options);
  }

  /**
   * Deletes the records of a topic before the given offsets.
   *
   * @param topic The name of the topic.
   * @param before The first offset to keep in each partition; `"latest"` deletes all current
   * records.
   * @param options Time limit and signal.
   * @returns The new log start offset of each partition, in order.
   * @throws {KafkaError} If an offset is out of range, with `OFFSET_OUT_OF_RANGE`.
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
   * Describes the cluster.
   *
   * @param options Whether to include fenced brokers, time limit and signal.
   */
  async describeCluster(options: DescribeClusterOptions = {}): Promise<ClusterDescription> {
    ensureKnown("describeCluster()", options, DESCRIBE_CLUSTER_NAMES);
    return await describeWholeCluster(this.#core, options);
  }

  /**
   * Describes the log directories of brokers, with the size of each partition.
   *
   * @param options Which brokers and topics.
   * @returns The log directories, by broker.
   */
  async describeLogDirs(options: DescribeLogDirsOptions = {}): Promise<LogDirDescription[]> {
    ensureKnown("describeLogDirs()", options, DESCRIBE_LOG_DIRS_NAMES);
    return await describeBrokerLogDirs(this.#core, options);
  }

  /**
   * Lists the groups of the cluster.
   *
   * @param options Which groups to list.
   * @returns The groups, sorted by id.
   */
  async listGroups(options: ListGroupsOptions = {}): Promise<GroupListing[]> {
    ensureKnown("listGroups()", options, LIST_GROUPS_NAMES);
    return await listAllGroups(this.#core, options);
  }

  /**
   * Describes a group of the classic or the consumer (KIP-848) protocol.
   *
   * @param groupId The id of the group.
   * @param options Time limit and signal.
   * @throws {KafkaError} If the group does not exist, with `GROUP_ID_NOT_FOUND`.
   */
  async describeGroup(groupId: string, options: OperationOptions = {}): Promise<GroupDescription> {
    ensureKnown("describeGroup()", options, OPERATION_NAMES);
    const [group] = await describeAllGroups(this.#core, [groupId], options);
    return group!;
  }

  /**
   * Describes several groups.
   *
   * @param groupIds The ids of the groups.
   * @param options Time limit and signal.
   * @returns The groups in the order of `groupIds`.
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
   * Deletes a group without members, and its committed offsets.
   *
   * @param groupId The id of the group.
   * @param options Time limit and signal.
   * @throws {KafkaError} If the broker refuses, with `NON_EMPTY_GROUP` or `GROUP_ID_NOT_FOUND`.
   */
  async deleteGroup(groupId: string, options: OperationOptions = {}): Promise<void> {
    ensureKnown("deleteGroup()", options, OPERATION_NAMES);
    const [result] = await deleteAllGroups(this.#core, [groupId], options);
    if (result!.error !== undefined) throw result!.error;
  }

  /**
   * Deletes several groups. A group that cannot be deleted does not affect the others.
   *
   * @param groupIds The ids of the groups.
   * @param options Time limit and signal.
   * @returns The result for each group, in the order of `groupIds`.
   */
  async deleteGroups(
    groupIds: readonly string[],
    options: OperationOptions = {},
  ): Promise<DeleteGroupResult[]> {
    ensureKnown("deleteGroups()", options, OPERATION_NAMES);
    return await deleteAllGroups(this.#core, groupIds, options);
  }

  /**
   * Lists the committed offsets of a group.
   *
   * @param groupId The id of the group; the list is empty for a group that does not exist.
   * @param options Which partitions.
   * @returns The offsets, sorted by topic and partition, or in the order of `partitions`.
   */
  async listGroupOffsets(
    groupId: string,
    options: ListGroupOffsetsOptions = {},
  ): Promise<CommittedOffset[]> {
    ensureKnown("listGroupOffsets()", options, LIST_GROUP_OFFSETS_NAMES);
    return await listOffsetsOfGroup(this.#core, groupId, options);
  }

  /**
   * Commits offsets for a group that has no members or does not exist yet.
   *
   * @param groupId The id of the group.
   * @param offsets The committed offset of each partition: the next one to read.
   * @param options Time limit and signal.
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
   * Resets the committed offsets of a group without members to another place in a topic. An offset
   * out of range is moved to the nearest end of the partition.
   *
   * @param groupId The id of the group; it need not exist yet.
   * @param topic The name of the topic.
   * @param target The place to reset to.
   * @param options Which partitions, and whether only to validate.
   * @returns The old and new offset of each partition.
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
   * Deletes committed offsets of topics that a group is no longer subscribed to.
   *
   * @param groupId The id of the group.
   * @param partitions The partitions whose offsets are deleted.
   * @param options Time limit and signal.
   * @throws {KafkaError} If the broker refuses, with `GROUP_SUBSCRIBED_TO_TOPIC` if a member is
   * subscribed.
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
