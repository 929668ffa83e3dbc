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
import { MemoryTopic } from "../coordinators/testing.ts";
import { consumerHeartbeat } from "./consumer/heartbeat.ts";
import { consumerProtocolSubscription } from "../../protocol/consumer_protocol.ts";
import type { GroupClient } from "./environment.ts";
import { GroupCoordinator, loadGroups } from "./group_coordinator.ts";
import {
  type GroupAppend,
  type GroupAppendOptions,
  type GroupLog,
  type GroupLogVisitor,
  NO_PRODUCER,
} from "./group_log.ts";
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

/** A record, or the end of a transaction, in an in-memory log. */
type LogEntry =
  & { readonly offset: number; readonly producerId: number }
  & ({ readonly record: RecordBytes } | { readonly isCommit: boolean });

/** An in-memory log whose records become durable immediately or on request. */
export class MemoryGroupLog implements GroupLog {
  #entries: LogEntry[] = [];
  #nextOffset = 0;
  #durableEnd = 0;
  #waiting: { readonly end: number; readonly settled: PromiseWithResolvers<void> }[] = [];
  /** Whether records wait for `release()` before they are durable. */
  isHeld = false;
  /** The error that the next append throws. */
  nextFailure: Error | undefined;

  /** Nothing need be asked: tests call the coordinator of groups directly. */
  startVerification(): undefined {
    return undefined;
  }

  append(records: readonly GroupRecord[], { transaction }: GroupAppendOptions): GroupAppend {
    const producerId = transaction?.producerId ?? NO_PRODUCER;
    return this.#append(
      records.map((record) => ({ record: encodeGroupRecord(record), producerId })),
    );
  }

  /** Appends the marker that ends a transaction; resolves when it is durable. */
  appendMarker(producerId: number, isCommit: boolean): Promise<void> | undefined {
    return this.#append([{ producerId, isCommit }]).committed;
  }

  #append(entries: readonly Entry[]): GroupAppend {
    const failure = this.nextFailure;
    this.nextFailure = undefined;
    if (failure !== undefined) throw failure;
    const firstOffset = this.#nextOffset;
    for (const entry of entries) this.#entries.push({ ...entry, offset: this.#nextOffset++ });
    if (!this.isHeld && this.#waiting.length === 0) {
      this.#durableEnd = this.#nextOffset;
      return { firstOffset, committed: undefined };
    }
    const settled = Promise.withResolvers<void>();
    this.#waiting.push({ end: this.#nextOffset, settled });
    return { firstOffset, committed: settled.promise };
  }

  // deno-lint-ignore require-await
  async replay(visitor: GroupLogVisitor, _signal: AbortSignal): Promise<void> {
    for (const entry of this.#entries) {
      const { offset, producerId } = entry;
      if ("isCommit" in entry) visitor.endTransaction(producerId, entry.isCommit);
      else visitor.record(decoded(entry.record), { offset, producerId });
    }
  }

  /** The appended records, decoded. */
  get records(): GroupRecord[] {
    return this.#entries.flatMap((entry) => "record" in entry ? [decoded(entry.record)] : []);
  }

  /** Makes pending appends durable, all or the first few. */
  release(count = Infinity): void {
    for (const { end, settled } of this.#waiting.splice(0, count)) {
      this.#durableEnd = end;
      settled.resolve();
    }
  }

  /** Fails pending appends. */
  fail(error: Error): void {
    this.#truncate();
    for (const { settled } of this.#waiting.splice(0)) settled.reject(error);
  }

  /** Drops records that are not durable, like a crash. Pending promises are not settled. */
  crash(): void {
    this.#truncate();
    this.#waiting = [];
  }

  #truncate(): void {
    this.#entries = this.#entries.filter(({ offset }) => offset < this.#durableEnd);
    this.#nextOffset = this.#durableEnd;
  }

  /**
   * Keeps only the last record of each key, like compaction: of aborted transactions nothing, and
   * everything from the first open one on. Markers stay.
   */
  compact(): void {
    const open = new Map<number, LogEntry[]>();
    const aborted = new Set<LogEntry>();
    for (const entry of this.#entries) {
      const { producerId } = entry;
      if (producerId === NO_PRODUCER) continue;
      if ("isCommit" in entry) {
        if (!entry.isCommit) { for (const each of open.get(producerId) ?? []) aborted.add(each); }
        open.delete(producerId);
      } else open.set(producerId, [...open.get(producerId) ?? [], entry]);
    }
    const end = Math.min(Infinity, ...Array.from(open.values(), ([first]) => first!.offset));
    const last = new Map<string, LogEntry>();
    for (const entry of this.#entries) {
      if (entry.offset >= end || "isCommit" in entry || aborted.has(entry)) continue;
      last.set(entry.record.key.join(","), entry);
    }
    const kept = new Set(last.values());
    this.#entries = this.#entries.filter((entry) =>
      entry.offset >= end || "isCommit" in entry ||
      (kept.has(entry) && entry.record.value !== null)
    );
  }
}

type Entry = LogEntry extends infer E ? E extends LogEntry ? Omit<E, "offset"> : never : never;

function decoded({ key, value }: RecordBytes): GroupRecord {
  return decodeGroupRecord(key, value);
}

/** An offsets topic of in-memory logs. */
export class MemoryOffsetsTopic extends MemoryTopic<MemoryGroupLog> implements OffsetsTopic {
  constructor(partitionCount = 1, isCreated = true) {
    const logs = Array.from({ length: partitionCount }, () => new MemoryGroupLog());
    super(OFFSETS_TOPIC, logs, isCreated);
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
    await loadGroups();
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

  /** Writes the marker that ends a producer's transaction, and ends it in the groups. */
  endTransaction(producerId: number, isCommit: boolean): void {
    this.log.appendMarker(producerId, isCommit);
    this.coordinator.endTransaction(0, producerId, isCommit);
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
