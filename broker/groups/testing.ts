/**
 * An in-memory coordinator on a manual clock, for tests.
 *
 * @module
 */

import type {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from "../../protocol/messages/groups/consumer_group_heartbeat.ts";
import type {
  JoinGroupRequest,
  JoinGroupResponse,
} from "../../protocol/messages/groups/join_group.ts";
import type {
  LeaveGroupRequest,
  LeaveGroupResponse,
} from "../../protocol/messages/groups/leave_group.ts";
import type {
  SyncGroupRequest,
  SyncGroupResponse,
} from "../../protocol/messages/groups/sync_group.ts";
import { codec } from "../../protocol/schema/codec.ts";
import { Writer } from "../../protocol/primitives/writer.ts";
import { ApiError } from "../api_error.ts";
import { ManualClock } from "../time/clock.ts";
import { BrokerConfig, type BrokerSettings } from "../settings/config.ts";
import { silentLogger } from "../logger.ts";
import { consumerHeartbeat } from "./consumer/heartbeat.ts";
import { consumerProtocolSubscription } from "../../protocol/consumer_protocol.ts";
import type { GroupClient } from "./environment.ts";
import { GroupCoordinator } from "./group_coordinator.ts";
import type { GroupAppendOptions, GroupLog } from "./group_log.ts";
import type { GroupShard } from "./group_shard.ts";
import { heartbeat, joinGroup, leaveGroup, syncGroup } from "./membership.ts";
import type { GroupTopic, GroupTopics, TopicListener } from "./group_topics.ts";
import { OFFSETS_TOPIC, type OffsetsTopic } from "./offsets_topic.ts";
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  type RecordBytes,
} from "./records/group_record.ts";

/** An in-memory log whose records become durable immediately or on request. */
export class MemoryGroupLog implements GroupLog {
  #records: RecordBytes[] = [];
  #durableCount = 0;
  #waiting: { readonly count: number; readonly settled: PromiseWithResolvers<void> }[] = [];
  /** Whether records wait for `release()` before they are durable. */
  isHeld = false;
  /** The error that the next append throws. */
  nextFailure: Error | undefined;

  append(records: readonly GroupRecord[], _options: GroupAppendOptions): Promise<void> | undefined {
    const failure = this.nextFailure;
    this.nextFailure = undefined;
    if (failure !== undefined) throw failure;
    this.#records.push(...records.map(encodeGroupRecord));
    if (!this.isHeld && this.#waiting.length === 0) {
      this.#durableCount = this.#records.length;
      return undefined;
    }
    const settled = Promise.withResolvers<void>();
    this.#waiting.push({ count: this.#records.length, settled });
    return settled.promise;
  }

  // deno-lint-ignore require-await
  async replay(visit: (record: GroupRecord) => void, _signal: AbortSignal): Promise<void> {
    for (const record of this.records) visit(record);
  }

  /** The appended records, decoded. */
  get records(): GroupRecord[] {
    return this.#records.map(({ key, value }) => decodeGroupRecord(key, value));
  }

  /** Makes pending appends durable, all or the first few. */
  release(count = Infinity): void {
    for (const { count: upTo, settled } of this.#waiting.splice(0, count)) {
      this.#durableCount = upTo;
      settled.resolve();
    }
  }

  /** Fails pending appends. */
  fail(error: Error): void {
    this.#records.length = this.#durableCount;
    for (const { settled } of this.#waiting.splice(0)) settled.reject(error);
  }

  /** Drops records that are not durable, like a crash. Pending promises are not settled. */
  crash(): void {
    this.#records.length = this.#durableCount;
    this.#waiting = [];
  }

  /** Keeps only the last record of each key, like compaction. */
  compact(): void {
    const last = new Map<string, RecordBytes>();
    for (const record of this.#records.splice(0)) {
      const key = record.key.join(",");
      last.delete(key);
      if (record.value !== null) last.set(key, record);
    }
    this.#records = [...last.values()];
    this.#durableCount = this.#records.length;
  }
}

/** An offsets topic of in-memory logs. */
export class MemoryOffsetsTopic implements OffsetsTopic {
  readonly name = OFFSETS_TOPIC;
  readonly logs: MemoryGroupLog[];
  #isCreated: boolean;

  constructor(partitionCount = 1, isCreated = true) {
    this.logs = Array.from({ length: partitionCount }, () => new MemoryGroupLog());
    this.#isCreated = isCreated;
  }

  get partitionCount(): number {
    return this.#isCreated ? this.logs.length : 0;
  }

  // deno-lint-ignore require-await
  async create(): Promise<void> {
    this.#isCreated = true;
  }

  /** Epochs of partitions that are led in another than 0; undefined for one that is not led here. */
  readonly leaderEpochs: Map<number, number | undefined> = new Map();
  readonly #listeners: Set<() => void> = new Set();

  leaderEpoch(index: number): number | undefined {
    return this.leaderEpochs.has(index) ? this.leaderEpochs.get(index) : 0;
  }

  /** Partitions that this broker leads without being sure of it. */
  readonly unserved: Set<number> = new Set();

  isServed(index: number): boolean {
    return !this.unserved.has(index);
  }

  /** Elects this broker in an epoch, or another. */
  elect(index: number, leaderEpoch: number | undefined): void {
    this.leaderEpochs.set(index, leaderEpoch);
    this.changed();
  }

  /** Says that it has changed. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  log(index: number): GroupLog | undefined {
    return this.leaderEpoch(index) === undefined ? undefined : this.logs[index];
  }
}

/** Topics defined by a test. */
export class MemoryTopics implements GroupTopics {
  readonly #topics: Map<string, GroupTopic> = new Map();
  readonly #listeners: Set<TopicListener> = new Set();
  newestRevision = 0;

  /** Creates a topic or adds partitions. Its id is its padded name. */
  set(name: string, partitionCount: number): GroupTopic {
    const topic = { name, id: topicIdOf(name), partitions: new Array(partitionCount).fill(null) };
    if (!this.#topics.has(name)) this.newestRevision++;
    this.#topics.set(name, topic);
    for (const listener of this.#listeners) listener(name, false);
    return topic;
  }

  delete(name: string): void {
    this.#topics.delete(name);
    for (const listener of this.#listeners) listener(name, true);
  }

  topic(name: string): GroupTopic | undefined {
    return this.#topics.get(name);
  }

  topicById(id: string): GroupTopic | undefined {
    return [...this.#topics.values()].find((topic) => topic.id === id);
  }

  topics(): Iterable<GroupTopic> {
    return this.#topics.values();
  }

  onChange(listener: TopicListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** The id that `MemoryTopics` assigns to a topic. */
export function topicIdOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, "_").padEnd(21, "_") + "A";
}

/** A response that may be pending. */
export class PendingResponse<T> {
  /** The response, once available. */
  value: T | undefined;
  readonly promise: Promise<T>;

  constructor(promise: Promise<T>) {
    this.promise = promise.then((value) => this.value = value);
  }
}

const encoder = new TextEncoder();

/** A coordinator of one partition, with shorthands for requests. */
export class TestCoordinator {
  readonly clock: ManualClock;
  readonly topic: MemoryOffsetsTopic;
  readonly topics: MemoryTopics = new MemoryTopics();
  readonly config: BrokerConfig;
  /** Settings of single groups. */
  readonly groupConfigs: Map<string, ReadonlyMap<string, string>> = new Map();
  coordinator: GroupCoordinator;
  #nextId = 1;

  private constructor(settings: Partial<BrokerSettings>) {
    this.clock = new ManualClock();
    this.topic = new MemoryOffsetsTopic();
    this.config = BrokerConfig.from({ "group.initial.rebalance.delay.ms": 0, ...settings });
    this.coordinator = this.#start();
  }

  static async start(settings: Partial<BrokerSettings> = {}): Promise<TestCoordinator> {
    const test = new TestCoordinator(settings);
    await test.coordinator.loaded();
    return test;
  }

  #start(): GroupCoordinator {
    const { topic, topics, config, clock } = this;
    const uniqueId = () => String(this.#nextId++);
    const configsOf = (groupId: string) => this.groupConfigs.get(groupId) ?? new Map();
    const logger = silentLogger;
    return GroupCoordinator.start({ topic, topics, config, configsOf, clock, logger, uniqueId });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.coordinator.close();
  }

  get log(): MemoryGroupLog {
    return this.topic.logs[0]!;
  }

  get shard(): GroupShard {
    return this.coordinator.shards[0]!;
  }

  /** Stops the coordinator, drops what is not durable, and restarts from the log. */
  async restart(whileDown: () => void = () => {}): Promise<void> {
    this.log.crash();
    await this.coordinator.close();
    whileDown();
    this.coordinator = this.#start();
    await this.coordinator.loaded();
  }

  join(
    request: Partial<Omit<JoinGroupRequest, "protocols">> & {
      readonly protocols?: readonly (string | readonly [string, string | Uint8Array])[];
      readonly apiVersion?: number;
      readonly clientId?: string;
      /** Aborted when the client disconnects. */
      readonly signal?: AbortSignal;
    } = {},
  ): PendingResponse<JoinGroupResponse> {
    const { apiVersion = 3, clientId = "client", protocols = ["range"], signal, ...rest } = request;
    const client: GroupClient = { apiVersion, clientId, clientHost: "/127.0.0.1" };
    const filled: JoinGroupRequest = {
      groupId: "g",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      memberId: "",
      groupInstanceId: null,
      protocolType: "consumer",
      reason: null,
      ...rest,
      protocols: protocols.map((protocol) => {
        const [name, metadata] = typeof protocol === "string" ? [protocol, ""] : protocol;
        const bytes = typeof metadata === "string" ? encoder.encode(metadata) : metadata;
        return { name, metadata: bytes };
      }),
    };
    return new PendingResponse(joinGroup(this.shard, filled, client, signal));
  }

  sync(
    memberId: string,
    generationId: number,
    assignments: Readonly<Record<string, string>> = {},
    rest: Partial<SyncGroupRequest> = {},
  ): PendingResponse<SyncGroupResponse> {
    const request: SyncGroupRequest = {
      groupId: "g",
      generationId,
      memberId,
      groupInstanceId: null,
      protocolType: null,
      protocolName: null,
      assignments: Object.entries(assignments).map(([memberId, text]) => ({
        memberId,
        assignment: encoder.encode(text),
      })),
      ...rest,
    };
    return new PendingResponse(syncGroup(this.shard, request));
  }

  heartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null): number {
    try {
      return heartbeat(this.shard, { groupId: "g", memberId, generationId, groupInstanceId });
    } catch (error) {
      if (error instanceof ApiError) return error.code;
      throw error;
    }
  }

  leave(
    ...members: (string | { instance: string; memberId?: string })[]
  ): LeaveGroupResponse | Promise<LeaveGroupResponse> {
    const leaving: LeaveGroupRequest["members"] = members.map((member) =>
      typeof member === "string"
        ? { memberId: member, groupInstanceId: null, reason: null }
        : { memberId: member.memberId ?? "", groupInstanceId: member.instance, reason: null }
    );
    return leaveGroup(this.shard, "g", leaving);
  }

  /** A KIP-848 heartbeat, which joins unless an epoch is given. */
  beat(request: Partial<ConsumerGroupHeartbeatRequest> & { apiVersion?: number }): Promise<
    ConsumerGroupHeartbeatResponse
  > {
    const { apiVersion = 1, ...rest } = request;
    const isJoining = (rest.memberEpoch ?? 0) === 0;
    const filled: ConsumerGroupHeartbeatRequest = {
      groupId: "g",
      memberId: "m",
      memberEpoch: 0,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: isJoining ? 30_000 : -1,
      subscribedTopicNames: isJoining && rest.subscribedTopicRegex === undefined ? ["t"] : null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: isJoining ? [] : null,
      ...rest,
    };
    const client: GroupClient = { apiVersion, clientId: "client", clientHost: "/127.0.0.1" };
    return new Promise((resolve) => resolve(consumerHeartbeat(this.shard, filled, client)));
  }

  /**
   * Brings a group to its next generation with these members joining concurrently, the first of
   * them new to it, and lets the leader assign each its own id.
   */
  async stable(...members: Parameters<TestCoordinator["join"]>[0][]): Promise<{
    readonly generation: number;
    readonly ids: string[];
    readonly leader: string;
  }> {
    const joins = members.map((member) => this.join(member));
    this.clock.advance(this.config.get("group.initial.rebalance.delay.ms"));
    const joined = await Promise.all(joins.map(({ promise }) => promise));
    const ids = joined.map(({ memberId }) => memberId);
    const generation = joined[0]!.generationId!;
    const leader = joined[0]!.leader;
    const assignments = Object.fromEntries(ids.map((id) => [id, `for ${id}`]));
    const syncs = ids.map((id) => this.sync(id, generation, id === leader ? assignments : {}));
    await Promise.all(syncs.map(({ promise }) => promise));
    return { generation, ids, leader };
  }
}

/** Lets all pending microtasks run. */
export async function turn(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** Decodes text. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A subscription to topics in the consumers' format. */
export function subscription(...topics: string[]): Uint8Array {
  const writer = new Writer();
  writer.int16(0);
  codec(consumerProtocolSubscription, 0).encode(writer, { topics });
  return writer.takeBytes();
}
