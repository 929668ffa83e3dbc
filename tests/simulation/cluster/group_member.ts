/**
 * Members of a consumer group (KIP-848), which commit what they own.
 *
 * However coordinators move, offsets of a partition are committed by one member after another: each
 * finds the last offset that was acknowledged, and no commit of a former owner is accepted after it.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { consumerGroupHeartbeat } from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { findCoordinator } from "../../../protocol/messages/groups/find_coordinator.ts";
import { offsetCommit } from "../../../protocol/messages/groups/offset_commit.ts";
import { offsetFetch } from "../../../protocol/messages/groups/offset_fetch.ts";
import type { ResponseOf } from "../../../protocol/schema/schema.ts";
import { check } from "../violation.ts";
import { ClusterClient, type ClusterWorld, liveTopics } from "./client.ts";
import type { ClusterMachine } from "./cluster_machine.ts";
import type { ClusterPartition } from "./model.ts";

const HEARTBEAT_MS = 400;
const REBALANCE_TIMEOUT_MS = 2000;

/** What a group committed, by partition. */
export type GroupOffsets = Map<ClusterPartition, {
  /** The highest offset that was acknowledged. */
  acknowledged: number;
  /** The highest offset that a member tried to commit. */
  attempted: number;
}>;

/** Errors that make a member join again. */
const REJOIN: readonly number[] = [
  ErrorCode.FENCED_MEMBER_EPOCH,
  ErrorCode.UNKNOWN_MEMBER_ID,
  ErrorCode.STALE_MEMBER_EPOCH,
];

/** A member of a group. */
export class GroupMember extends ClusterClient {
  readonly #groupId: string;
  readonly #offsets: GroupOffsets;
  readonly #memberId: string;
  #memberEpoch = 0;
  #coordinator: ClusterMachine | undefined;
  /** The owned partitions, and the position in each once it is known. */
  readonly #owned: Map<ClusterPartition, number | undefined> = new Map();
  #isBusy = false;

  constructor(name: string, world: ClusterWorld, groupId: string, offsets: GroupOffsets) {
    super(name, world);
    this.#groupId = groupId;
    this.#offsets = offsets;
    this.#memberId = `${name}-of-${groupId}`;
  }

  /** Heartbeats for ever. */
  start(): void {
    this.world.timeline.after(HEARTBEAT_MS, () => {
      this.world.spawn(async () => {
        await this.#heartbeat();
        this.start();
      });
    });
  }

  /** Number of partitions that it owns. */
  get ownedCount(): number {
    return this.#owned.size;
  }

  /** Commits a position in one of the partitions. */
  act(): void {
    if (this.#isBusy || this.#owned.size === 0 || this.#coordinator === undefined) return;
    const partition = this.world.random.pick([...this.#owned.keys()]);
    const advance = 1 + this.world.random.below(20);
    this.world.spawn(async () => {
      this.#isBusy = true;
      const position = this.#owned.get(partition);
      if (position === undefined) await this.#fetch(partition);
      else await this.#commit(partition, position + advance);
      this.#isBusy = false;
    });
  }

  async #heartbeat(): Promise<void> {
    await this.#findCoordinator();
    const coordinator = this.#coordinator;
    if (coordinator === undefined) return;
    const isJoining = this.#memberEpoch === 0;
    const answer = await this.request(coordinator, consumerGroupHeartbeat, 1, {
      groupId: this.#groupId,
      memberId: this.#memberId,
      memberEpoch: this.#memberEpoch,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      subscribedTopicNames: liveTopics(this.world).map(({ name }) => name),
      serverAssignor: isJoining ? "uniform" : null,
      topicPartitions: isJoining ? [] : this.#ownedByTopic(),
    });
    if (answer === undefined) {
      this.#coordinator = undefined;
      return;
    }
    const { errorCode, memberEpoch, assignment } = answer.response;
    this.note(`heartbeats in epoch ${this.#memberEpoch}, ${memberEpoch}`, errorCode, REJOIN);
    if (errorCode !== ErrorCode.NONE) {
      this.#fail(errorCode);
      return;
    }
    this.checkCoordinator(answer, this.#groupId);
    this.#memberEpoch = memberEpoch;
    if (assignment !== null) this.#assign(assignment);
  }

  #ownedByTopic() {
    const topics = new Set([...this.#owned.keys()].map(({ topic }) => topic));
    return Array.from(topics, (topic) => ({
      topicId: topic.id,
      partitions: [...this.#owned.keys()].filter((partition) => partition.topic === topic)
        .map(({ index }) => index),
    }));
  }

  #assign(
    { topicPartitions }: NonNullable<ResponseOf<typeof consumerGroupHeartbeat>["assignment"]>,
  ): void {
    const assigned = new Set(topicPartitions.flatMap(({ topicId, partitions }) => {
      const topic = this.world.topics.find(({ id }) => id === topicId);
      return partitions.flatMap((index) => topic?.partitions[index] ?? []);
    }));
    for (const partition of this.#owned.keys()) {
      if (!assigned.has(partition)) this.#owned.delete(partition);
    }
    for (const partition of assigned) {
      if (!this.#owned.has(partition)) this.#owned.set(partition, undefined);
    }
    this.world.trace(`${this.name} owns ${[...assigned]}`);
  }

  #fail(errorCode: number): void {
    if (!REJOIN.includes(errorCode)) this.#coordinator = undefined;
    else if (errorCode !== ErrorCode.STALE_MEMBER_EPOCH) {
      this.#memberEpoch = 0;
      this.#owned.clear();
    }
  }

  async #findCoordinator(): Promise<void> {
    if (this.#coordinator !== undefined) return;
    const broker = this.world.random.pick(this.world.machines);
    const answer = await this.request(broker, findCoordinator, 3, { key: this.#groupId });
    if (answer === undefined) return;
    const { errorCode, nodeId } = answer.response;
    this.note(`finds its coordinator ${nodeId}`, errorCode);
    if (errorCode === ErrorCode.NONE) this.#coordinator = this.machine(nodeId);
  }

  #of(partition: ClusterPartition): { acknowledged: number; attempted: number } {
    let offsets = this.#offsets.get(partition);
    if (offsets === undefined) {
      this.#offsets.set(partition, offsets = { acknowledged: -1, attempted: -1 });
    }
    return offsets;
  }

  async #commit(partition: ClusterPartition, committedOffset: number): Promise<void> {
    const { topic, index } = partition;
    const offsets = this.#of(partition);
    offsets.attempted = Math.max(offsets.attempted, committedOffset);
    const before = offsets.acknowledged;
    const answer = await this.request(this.#coordinator!, offsetCommit, 9, {
      groupId: this.#groupId,
      memberId: this.#memberId,
      generationIdOrMemberEpoch: this.#memberEpoch,
      topics: [{ name: topic.name, partitions: [{ partitionIndex: index, committedOffset }] }],
    });
    // What was committed is not known: it is asked for.
    if (this.#owned.has(partition)) this.#owned.set(partition, undefined);
    if (answer === undefined) {
      this.#coordinator = undefined;
      return;
    }
    const { errorCode } = answer.response.topics[0]!.partitions[0]!;
    this.note(`commits ${committedOffset} of ${partition}`, errorCode, REJOIN);
    if (errorCode !== ErrorCode.NONE) {
      this.#fail(errorCode);
      return;
    }
    this.checkCoordinator(answer, this.#groupId);
    check(
      committedOffset > before || topic.state !== "live",
      () =>
        `${this.name} committed ${committedOffset} of ${partition}, where ${before} was acknowledged`,
    );
    offsets.acknowledged = Math.max(offsets.acknowledged, committedOffset);
    if (this.#owned.has(partition)) this.#owned.set(partition, committedOffset);
  }

  async #fetch(partition: ClusterPartition): Promise<void> {
    const { topic, index } = partition;
    const offsets = this.#of(partition);
    const before = offsets.acknowledged;
    const answer = await this.request(this.#coordinator!, offsetFetch, 9, {
      groups: [{
        groupId: this.#groupId,
        memberId: this.#memberId,
        memberEpoch: this.#memberEpoch,
        topics: [{ name: topic.name, partitionIndexes: [index] }],
      }],
      requireStable: true,
    });
    if (answer === undefined) {
      this.#coordinator = undefined;
      return;
    }
    const [group] = answer.response.groups;
    this.note(`looks up its offset of ${partition}`, group!.errorCode, REJOIN);
    if (group!.errorCode !== ErrorCode.NONE) {
      this.#fail(group!.errorCode);
      return;
    }
    const { committedOffset, errorCode } = group!.topics[0]!.partitions[0]!;
    if (errorCode !== ErrorCode.NONE || topic.state !== "live") return;
    this.checkCoordinator(answer, this.#groupId);
    check(
      committedOffset >= before && committedOffset <= offsets.attempted,
      () =>
        `${this.name} finds ${committedOffset} for ${partition}, where ${before} was acknowledged ` +
        `and ${offsets.attempted} attempted`,
    );
    if (this.#owned.has(partition)) this.#owned.set(partition, committedOffset);
  }
}
