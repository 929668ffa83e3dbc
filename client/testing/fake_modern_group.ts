/**
 * The coordinator of a KIP-848 group of one member, whose assignment is set by the test.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  consumerGroupHeartbeat,
  type ConsumerGroupHeartbeatRequest,
  type ConsumerGroupHeartbeatResponse,
} from "../../protocol/messages/groups/consumer_group_heartbeat.ts";
import type { FakeCluster } from "./fake_cluster.ts";
import { FakeCoordinator } from "./fake_coordinator.ts";

const HEARTBEAT_INTERVAL_MS = 5;

/** A KIP-848 group of one member. */
export class FakeModernGroup extends FakeCoordinator {
  readonly #cluster: FakeCluster;
  /** The epochs accepted from the member: the last response may not have arrived yet. */
  readonly #epochs = new Set<number>();
  /** The member's epoch. */
  epoch = 0;
  /** The owned partitions of topic `a` last reported by the member. */
  owned: readonly number[] = [];
  #assigned: readonly number[] = [0];
  #isChanged = false;

  constructor(cluster: FakeCluster) {
    super(cluster);
    this.#cluster = cluster;
    cluster.on(consumerGroupHeartbeat, (request, { nodeId }) => this.answer(request, nodeId));
  }

  /** Assigns exactly these partitions of topic `a`. */
  assign(...partitions: readonly number[]): void {
    this.#assigned = partitions;
    this.#isChanged = true;
  }

  /** Bumps the epoch in the response to the member's next heartbeat. */
  bumpEpoch(): void {
    this.epoch++;
  }

  /** Handles a heartbeat like Kafka. */
  answer(
    request: ConsumerGroupHeartbeatRequest,
    nodeId: number,
  ): ConsumerGroupHeartbeatResponse {
    const { memberId, memberEpoch, topicPartitions, subscribedTopicNames, rebalanceTimeoutMs } =
      request;
    const none = { errorCode: ErrorCode.NONE, memberId, memberEpoch, heartbeatIntervalMs: 0 };
    if (memberEpoch < 0) {
      this.memberId = undefined;
      return none;
    }
    if (memberEpoch === 0) {
      this.memberId = memberId;
      this.epoch++;
      this.#epochs.clear();
      this.#isChanged = true;
    } else {
      const errorCode = this.check(nodeId, memberId, memberEpoch);
      if (errorCode !== ErrorCode.NONE) return { ...none, errorCode };
    }
    if (topicPartitions !== null) {
      this.owned = topicPartitions.flatMap(({ partitions }) => partitions);
    }
    this.#epochs.add(this.epoch);
    const isFull = topicPartitions !== null && subscribedTopicNames !== null &&
      rebalanceTimeoutMs >= 0;
    const topicId = this.#cluster.topics.get("a")!.id;
    const mustTell = isFull || this.#isChanged;
    this.#isChanged = false;
    return {
      ...none,
      memberEpoch: this.epoch,
      heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
      assignment: mustTell ? { topicPartitions: [{ topicId, partitions: this.#assigned }] } : null,
    };
  }

  protected override check(nodeId: number, memberId: string, epoch: number): number {
    if (nodeId !== this.coordinatorId) return ErrorCode.NOT_COORDINATOR;
    if (memberId !== this.memberId) return ErrorCode.UNKNOWN_MEMBER_ID;
    return this.#epochs.has(epoch) ? ErrorCode.NONE : ErrorCode.FENCED_MEMBER_EPOCH;
  }
}
