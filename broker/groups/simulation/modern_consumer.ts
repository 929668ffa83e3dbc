/**
 * A simulated consumer of the KIP-848 protocol.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { ConsumerGroupHeartbeatResponse } from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { consumerHeartbeat } from "../consumer/heartbeat.ts";
import type { GroupShard } from "../group_shard.ts";
import { PendingResponse, topicIdOf } from "../testing.ts";
import { codeOf } from "./classic_consumer.ts";
import { Consumer, REBALANCE_TIMEOUT_MS, TOPIC, type World } from "./consumer.ts";
import type { Ledger } from "./ledger.ts";

/** A consumer of the KIP-848 protocol. */
export class ModernConsumer extends Consumer {
  protected readonly commitVersion = 9;
  readonly #assignor: string | null;
  #incarnation = 0;
  #epoch = 0;
  #waiting: PendingResponse<ConsumerGroupHeartbeatResponse> | undefined;
  /** Whether the next heartbeat reports a change. */
  #hasNews = true;

  constructor(world: World, groupId: string, ledger: Ledger, index: number) {
    super(
      world,
      groupId,
      ledger,
      `${groupId}/${index}`,
      index % 3 === 0 ? `static-${index}` : null,
    );
    this.#assignor = [null, "range", "uniform"][index % 3]!;
  }

  get memberId(): string {
    return `${this.name}.${this.#incarnation}`;
  }

  get generation(): number {
    return this.#epoch;
  }

  get isSettled(): boolean {
    return this.#epoch > 0 && this.#waiting === undefined && !this.#hasNews;
  }

  protected forget(): void {
    this.#incarnation++;
    this.#rejoin();
  }

  #rejoin(): void {
    this.#epoch = 0;
    this.positions = this.#waiting = undefined;
    this.#hasNews = true;
  }

  disconnect(): void {
    this.#waiting = undefined;
    this.#hasNews = true;
  }

  protected async step(shard: GroupShard): Promise<void> {
    if (this.#waiting !== undefined) {
      const { value } = this.#waiting;
      if (value === undefined) return;
      this.#waiting = undefined;
      await this.#receive(shard, value);
    } else if (this.#hasNews) this.beat(shard);
  }

  protected beat(shard: GroupShard): void {
    const isJoining = this.#epoch === 0;
    // Unchanged fields may be omitted or sent.
    const saysAll = isJoining || this.#hasNews || this.world.random.chance(0.3);
    this.#waiting = new PendingResponse(this.#send(shard, this.#epoch, saysAll));
    this.#hasNews = false;
  }

  #send(
    shard: GroupShard,
    memberEpoch: number,
    saysAll: boolean,
  ): Promise<ConsumerGroupHeartbeatResponse> {
    const request = {
      groupId: this.groupId,
      memberId: this.memberId,
      memberEpoch,
      instanceId: this.instanceId,
      rackId: null,
      rebalanceTimeoutMs: saysAll ? REBALANCE_TIMEOUT_MS : -1,
      subscribedTopicNames: saysAll ? [TOPIC] : null,
      subscribedTopicRegex: null,
      serverAssignor: saysAll ? this.#assignor : null,
      topicPartitions: saysAll ? this.#held() : null,
    };
    const client = { apiVersion: 1, clientId: this.name, clientHost: "/test" };
    const failed = (error: unknown) => ({
      errorCode: codeOf(error),
      memberEpoch: 0,
      heartbeatIntervalMs: 0,
    });
    return (async () => await consumerHeartbeat(shard, request, client))().catch(failed);
  }

  #held() {
    const partitions = [...this.positions?.keys() ?? []];
    return partitions.length === 0 ? [] : [{ topicId: topicIdOf(TOPIC), partitions }];
  }

  async #receive(shard: GroupShard, response: ConsumerGroupHeartbeatResponse): Promise<void> {
    const { errorCode, memberEpoch, assignment } = response;
    if (errorCode !== ErrorCode.NONE) return this.actOn(errorCode);
    this.#epoch = memberEpoch;
    if (!assignment) return;
    const wanted = assignment.topicPartitions.flatMap(({ partitions }) => [...partitions]);
    this.ledger.assigned(memberEpoch, this.owner, wanted);
    const kept = [...this.positions ?? []].filter(([partition]) => wanted.includes(partition));
    const gained = wanted.filter((partition) => !this.positions?.has(partition));
    const hasGivenUp = kept.length < (this.positions?.size ?? 0);
    this.positions = new Map(kept);
    const offsets = gained.length === 0 ? new Map() : await this.committed(shard, gained);
    if (offsets === undefined) return this.#rejoin();
    // It may have been fenced in the meantime.
    if (this.positions === undefined || this.#epoch !== memberEpoch) return;
    for (const [partition, offset] of offsets) this.positions.set(partition, offset);
    this.#hasNews = hasGivenUp || gained.length > 0;
  }

  protected sendLeave(shard: GroupShard): void {
    const epoch = this.instanceId !== null && this.world.random.chance(0.5) ? -2 : -1;
    void this.#send(shard, epoch, false);
  }

  protected actOn(errorCode: number): void {
    switch (errorCode) {
      case ErrorCode.NONE:
      case ErrorCode.STALE_MEMBER_EPOCH:
        return;
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.FENCED_MEMBER_EPOCH:
      case ErrorCode.UNRELEASED_INSTANCE_ID:
      case ErrorCode.GROUP_ID_NOT_FOUND:
        return this.#rejoin();
      case ErrorCode.FENCED_INSTANCE_ID:
        return this.forget();
      default:
        this.#hasNews = true;
    }
  }
}
