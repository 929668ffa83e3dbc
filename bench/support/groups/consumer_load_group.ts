/**
 * A KIP-848 consumer group for load. No request waits for another member, so one connection serves any
 * number of members. Until they have reached their target assignments, members do not wait for their
 * heartbeat interval.
 *
 * @module
 */

import { consumerGroupDescribe } from "../../../protocol/messages/groups/consumer_group_describe.ts";
import { consumerGroupHeartbeat } from "../../../protocol/messages/groups/consumer_group_heartbeat.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { decodeResponse, type LoadConnection, requestFrame } from "../load/load_connection.ts";
import {
  type GroupKind,
  type GroupTopic,
  type LoadGroup,
  REBALANCE_TIMEOUT_MS,
} from "./load_group.ts";
import { expectNone } from "../load/target.ts";

/** The first version in which members generate their ids (KIP-1082). */
const HEARTBEAT_VERSION = 1;
const DESCRIBE_VERSION = 0;

const JOIN_EPOCH = 0;
const LEAVE_EPOCH = -1;

/** The most members with a connection each; above it they share connections. */
const MAX_CONNECTIONS = 64;
const MEMBERS_PER_CONNECTION = 10;

/** Groups with the protocol of KIP-848. */
export const CONSUMER: GroupKind = {
  name: "KIP-848",
  connectionsFor: (memberCount) =>
    Math.min(MAX_CONNECTIONS, Math.ceil(memberCount / MEMBERS_PER_CONNECTION)),
  create: (groupId, memberCount, topic, connections) =>
    new ConsumerLoadGroup(groupId, memberCount, topic, connections),
  async describe(connection, groupIds) {
    const request = { groupIds: [...groupIds] };
    return (await connection.request(consumerGroupDescribe, DESCRIBE_VERSION, request)).groups;
  },
  readHeartbeat: (frame) =>
    decodeResponse(consumerGroupHeartbeat, HEARTBEAT_VERSION, frame).errorCode,
};

class ConsumerLoadGroup implements LoadGroup {
  readonly groupId: string;
  readonly #topic: GroupTopic;
  readonly #connections: readonly LoadConnection[];
  /** The last member to join comes first. */
  readonly #members: Member[];

  constructor(
    groupId: string,
    memberCount: number,
    topic: GroupTopic,
    connections: readonly LoadConnection[],
  ) {
    this.groupId = groupId;
    this.#topic = topic;
    this.#connections = connections;
    this.#members = Array.from({ length: memberCount }, () => new Member(groupId, topic));
  }

  get assignments(): readonly (readonly number[])[] {
    return this.#members.map(({ partitions }) => partitions);
  }

  join(): Promise<void> {
    return this.#converge();
  }

  grow(): Promise<void> {
    this.#members.unshift(new Member(this.groupId, this.#topic));
    return this.#converge();
  }

  async shrink(): Promise<void> {
    await this.#members.shift()!.leave(this.#connections[0]!);
    await this.#converge();
  }

  confirm(): Promise<void> {
    return this.#each(async (member, connection) => {
      if (!await member.beat(connection)) return;
      throw new Error(`Group "${this.groupId}" has not reached its target`);
    });
  }

  heartbeatFrames(): Uint8Array[] {
    return this.#members.map((member) => member.heartbeatFrame());
  }

  leave(): Promise<void> {
    return this.#each((member, connection) => member.leave(connection));
  }

  /** Lets members send heartbeats until they are all in one epoch with all partitions. */
  async #converge(): Promise<void> {
    let isDone = false;
    while (!isDone) {
      await this.#each(async (member, connection) => {
        if (isDone) return;
        await member.beat(connection);
        isDone ||= this.#hasConverged();
      });
    }
  }

  #hasConverged(): boolean {
    const { epoch } = this.#members[0]!;
    let assigned = 0;
    for (const member of this.#members) {
      if (member.epoch !== epoch) return false;
      assigned += member.partitions.length;
    }
    return assigned === this.#topic.partitions;
  }

  /** Runs a step for all members, one after the other on each connection. */
  async #each(
    act: (member: Member, connection: LoadConnection) => Promise<void>,
  ): Promise<void> {
    const connections = this.#connections;
    await Promise.all(connections.map(async (connection, index) => {
      for (let at = index; at < this.#members.length; at += connections.length) {
        await act(this.#members[at]!, connection);
      }
    }));
  }
}

class Member {
  readonly #groupId: string;
  readonly #topic: GroupTopic;
  readonly #memberId: string = crypto.randomUUID();
  epoch = JOIN_EPOCH;
  partitions: readonly number[] = [];
  /** Whether the member still has to report its partitions. */
  #hasNews = true;

  constructor(groupId: string, topic: GroupTopic) {
    this.#groupId = groupId;
    this.#topic = topic;
  }

  /** Sends a heartbeat and follows the answer. Returns whether anything changed. */
  async beat(connection: LoadConnection): Promise<boolean> {
    const { errorCode, memberEpoch, assignment } = await connection.request(
      consumerGroupHeartbeat,
      HEARTBEAT_VERSION,
      this.#request(),
    );
    expectNone(errorCode, "send a heartbeat");
    const isChanged = memberEpoch !== this.epoch || assignment !== null;
    this.epoch = memberEpoch;
    this.#hasNews = assignment !== null;
    if (assignment !== null) {
      this.partitions = assignment.topicPartitions.flatMap(({ partitions }) => [...partitions]);
    }
    return isChanged;
  }

  heartbeatFrame(): Uint8Array {
    return requestFrame(consumerGroupHeartbeat, HEARTBEAT_VERSION, this.#request());
  }

  async leave(connection: LoadConnection): Promise<void> {
    const { errorCode } = await connection.request(consumerGroupHeartbeat, HEARTBEAT_VERSION, {
      groupId: this.#groupId,
      memberId: this.#memberId,
      memberEpoch: LEAVE_EPOCH,
    });
    expectNone(errorCode, "leave the group");
  }

  #request(): RequestTo<typeof consumerGroupHeartbeat> {
    const request = {
      groupId: this.#groupId,
      memberId: this.#memberId,
      memberEpoch: this.epoch,
      topicPartitions: this.#hasNews ? this.#held() : null,
    };
    return this.epoch !== JOIN_EPOCH ? request : {
      ...request,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      subscribedTopicNames: [this.#topic.name],
    };
  }

  #held() {
    const partitions = [...this.partitions];
    return partitions.length === 0 ? [] : [{ topicId: this.#topic.id, partitions }];
  }
}
