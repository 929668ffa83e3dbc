/**
 * A classic consumer group for load. JoinGroup and SyncGroup wait for other members, so each member of a
 * group has its own connection; groups take turns in using them.
 *
 * @module
 */

import {
  decodeAssignment,
  encodeAssignment,
  encodeSubscription,
} from "../../../client/group/membership/consumer_protocol.ts";
import { CONSUMER_PROTOCOL_TYPE } from "../../../protocol/consumer_protocol.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { describeGroups } from "../../../protocol/messages/groups/describe_groups.ts";
import { heartbeat } from "../../../protocol/messages/groups/heartbeat.ts";
import { joinGroup } from "../../../protocol/messages/groups/join_group.ts";
import { leaveGroup } from "../../../protocol/messages/groups/leave_group.ts";
import { syncGroup } from "../../../protocol/messages/groups/sync_group.ts";
import { decodeResponse, type LoadConnection, requestFrame } from "../load/load_connection.ts";
import {
  DESCRIBE_GROUPS_VERSION,
  type GroupKind,
  type GroupTopic,
  type LoadGroup,
  REBALANCE_TIMEOUT_MS,
  SESSION_TIMEOUT_MS,
} from "./load_group.ts";
import { expectNone } from "../load/target.ts";

/** The first flexible versions, which most brokers serve. */
const JOIN_VERSION = 6;
const SYNC_VERSION = 4;
const HEARTBEAT_VERSION = 4;
const LEAVE_VERSION = 4;

const ASSIGNOR = "roundrobin";

/** Milliseconds between a member's heartbeats until its group is stable. */
const FORMING_BEAT_MS = 1000;
/** Milliseconds between a member's heartbeats while its group rebalances. */
const REBALANCING_BEAT_MS = 1;

/** Groups with the classic protocol. */
export const CLASSIC: GroupKind = {
  name: "classic",
  connectionsFor: (memberCount) => memberCount,
  create: (groupId, memberCount, topic, connections) =>
    new ClassicLoadGroup(groupId, memberCount, topic, connections),
  async describe(connection, groupIds) {
    const request = { groups: [...groupIds] };
    return (await connection.request(describeGroups, DESCRIBE_GROUPS_VERSION, request)).groups;
  },
  readHeartbeat: (frame) => decodeResponse(heartbeat, HEARTBEAT_VERSION, frame).errorCode,
};

class ClassicLoadGroup implements LoadGroup {
  readonly groupId: string;
  readonly #topic: GroupTopic;
  readonly #connections: readonly LoadConnection[];
  /** The last member to join comes first, so that its request is sent before the others' heartbeats. */
  readonly #members: Member[];
  /** The last generation that had all members. */
  #generation = -1;

  constructor(
    groupId: string,
    memberCount: number,
    topic: GroupTopic,
    connections: readonly LoadConnection[],
  ) {
    this.groupId = groupId;
    this.#topic = topic;
    this.#connections = connections;
    this.#members = connections.slice(0, memberCount)
      .map((connection) => new Member(groupId, topic, connection));
  }

  get assignments(): readonly (readonly number[])[] {
    return this.#members.map(({ partitions }) => partitions);
  }

  join(): Promise<void> {
    return this.#converge(FORMING_BEAT_MS);
  }

  async grow(): Promise<void> {
    const connection = this.#connections[this.#members.length]!;
    const member = new Member(this.groupId, this.#topic, connection);
    await member.introduce();
    this.#members.unshift(member);
    await this.#converge(REBALANCING_BEAT_MS);
  }

  async shrink(): Promise<void> {
    const member = this.#members.shift()!;
    await this.#remove([member]);
    await this.#converge(REBALANCING_BEAT_MS);
  }

  async confirm(): Promise<void> {
    await Promise.all(this.#members.map(async (member) => {
      await member.beat();
      if (!member.isIn) throw new Error(`Group "${this.groupId}" rebalances once more`);
    }));
  }

  heartbeatFrames(): Uint8Array[] {
    return this.#members.map((member) => member.heartbeatFrame());
  }

  leave(): Promise<void> {
    return this.#remove(this.#members);
  }

  async #remove(members: readonly Member[]): Promise<void> {
    const { errorCode, members: left } = await members[0]!.connection.request(
      leaveGroup,
      LEAVE_VERSION,
      { groupId: this.groupId, members: members.map(({ memberId }) => ({ memberId })) },
    );
    expectNone(errorCode, "leave the group");
    for (const { errorCode } of left) expectNone(errorCode, "leave the group");
  }

  /** Lets members follow their heartbeats until all are in one new generation. */
  async #converge(beatMs: number): Promise<void> {
    const stable = Promise.withResolvers<void>();
    let isStable = false;
    const follow = async (member: Member) => {
      while (!isStable) {
        if (member.isIn) await member.beat();
        if (!member.isIn) await member.enter();
        isStable ||= this.#isStable();
        if (isStable) stable.resolve();
        else await Promise.race([stable.promise, sleep(beatMs)]);
      }
    };
    await Promise.all(this.#members.map(follow));
    this.#generation = this.#members[0]!.generation;
  }

  #isStable(): boolean {
    const { generation } = this.#members[0]!;
    return generation > this.#generation &&
      this.#members.every((member) => member.isIn && member.generation === generation);
  }
}

class Member {
  readonly connection: LoadConnection;
  readonly #groupId: string;
  readonly #topic: GroupTopic;
  memberId = "";
  generation = -1;
  partitions: readonly number[] = [];
  /** Whether it has its assignment, and knows of no newer generation. */
  isIn = false;

  constructor(groupId: string, topic: GroupTopic, connection: LoadConnection) {
    this.#groupId = groupId;
    this.#topic = topic;
    this.connection = connection;
  }

  /** Gets a member id (KIP-394). */
  async introduce(): Promise<void> {
    const { errorCode, memberId } = await this.#join();
    if (errorCode !== ErrorCode.MEMBER_ID_REQUIRED) expectNone(errorCode, "join the group");
    this.memberId = memberId;
  }

  /** Joins and gets its assignment, however many generations that takes. */
  async enter(): Promise<void> {
    if (this.memberId === "") await this.introduce();
    for (;;) {
      const joined = await this.#join();
      if (joined.errorCode === ErrorCode.REBALANCE_IN_PROGRESS) continue;
      expectNone(joined.errorCode, "join the group");
      this.generation = joined.generationId;
      const isLeader = joined.leader === this.memberId;
      const { errorCode, assignment } = await this.connection.request(syncGroup, SYNC_VERSION, {
        groupId: this.#groupId,
        generationId: this.generation,
        memberId: this.memberId,
        assignments: isLeader ? assign(this.#topic, joined.members) : [],
      });
      if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) continue;
      expectNone(errorCode, "get an assignment");
      this.partitions = decodeAssignment(assignment).partitions.map(({ partition }) => partition);
      this.isIn = true;
      return;
    }
  }

  /** Sends a heartbeat, whose answer may ask to rejoin. */
  async beat(): Promise<void> {
    await this.connection.send(this.heartbeatFrame());
    const errorCode = CLASSIC.readHeartbeat(await this.connection.receive());
    if (errorCode === ErrorCode.REBALANCE_IN_PROGRESS) this.isIn = false;
    else expectNone(errorCode, "send a heartbeat");
  }

  heartbeatFrame(): Uint8Array {
    return requestFrame(heartbeat, HEARTBEAT_VERSION, {
      groupId: this.#groupId,
      generationId: this.generation,
      memberId: this.memberId,
    });
  }

  #join() {
    return this.connection.request(joinGroup, JOIN_VERSION, {
      groupId: this.#groupId,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      memberId: this.memberId,
      protocolType: CONSUMER_PROTOCOL_TYPE,
      protocols: [{
        name: ASSIGNOR,
        metadata: encodeSubscription({
          topics: [this.#topic.name],
          userData: null,
          ownedPartitions: [],
          generationId: -1,
          rackId: null,
        }),
      }],
    });
  }
}

/** Assigns the partitions of a topic, as the leader. */
function assign(
  { name: topic, partitions }: GroupTopic,
  members: readonly { readonly memberId: string }[],
): { memberId: string; assignment: Uint8Array }[] {
  return members.map(({ memberId }, index) => {
    const share: { topic: string; partition: number }[] = [];
    for (let partition = index; partition < partitions; partition += members.length) {
      share.push({ topic, partition });
    }
    return { memberId, assignment: encodeAssignment(share) };
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
