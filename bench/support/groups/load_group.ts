/**
 * The common interface and helpers of both kinds of consumer groups for load.
 *
 * Members are not consumers: they use the group protocol and read nothing. Many of them share a connection
 * if the protocol allows it.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { deleteGroups } from "../../../protocol/messages/groups/delete_groups.ts";
import { describeGroups } from "../../../protocol/messages/groups/describe_groups.ts";
import { findCoordinator } from "../../../protocol/messages/groups/find_coordinator.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import type { LoadConnection } from "../load/load_connection.ts";
import { expectNone } from "../load/target.ts";

/** The first flexible versions, which most brokers serve. */
const FIND_COORDINATOR_VERSION = 3;
export const DESCRIBE_GROUPS_VERSION = 5;
const DELETE_GROUPS_VERSION = 2;
/** The first version that returns ids of topics requested by name. */
const METADATA_VERSION = 10;

/** A new coordinator needs a moment. */
const NOT_YET: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
]);
const RETRY_MS = 50;
const MAX_TRIES = 400;

/** Members without heartbeats stay members while others join. */
export const SESSION_TIMEOUT_MS = 300_000;
/** How long members may take to rejoin, or to give up partitions. */
export const REBALANCE_TIMEOUT_MS = 60_000;

/** The topic that a group reads. */
export interface GroupTopic {
  readonly name: string;
  readonly id: string;
  readonly partitions: number;
}

/** A group whose members are all in this program. */
export interface LoadGroup {
  readonly groupId: string;
  /** The partitions of each member. */
  readonly assignments: readonly (readonly number[])[];
  /** Joins all members; resolves when each has its assignment. */
  join(): Promise<void>;
  /** Joins one more member; resolves when each has its assignment. */
  grow(): Promise<void>;
  /** Removes the member that joined last; resolves when each other one has its assignment. */
  shrink(): Promise<void>;
  /**
   * Sends a heartbeat of each member.
   *
   * @throws {Error} If an answer asks for a change.
   */
  confirm(): Promise<void>;
  /** An encoded heartbeat of each member, valid until something changes. */
  heartbeatFrames(): Uint8Array[];
  /** Removes all members. */
  leave(): Promise<void>;
}

/** A group as the coordinator describes it. */
export interface GroupView {
  readonly errorCode: number;
  readonly groupId: string;
  readonly groupState: string;
  readonly members: readonly unknown[];
}

/** A kind of group. */
export interface GroupKind {
  readonly name: string;
  /** Connections that one group needs: as many as wait for an answer at the same time. */
  connectionsFor(memberCount: number): number;
  /** Makes a group whose members have not joined. There is a connection for one additional member. */
  create(
    groupId: string,
    memberCount: number,
    topic: GroupTopic,
    connections: readonly LoadConnection[],
  ): LoadGroup;
  describe(connection: LoadConnection, groupIds: readonly string[]): Promise<readonly GroupView[]>;
  /** Decodes the answer to a heartbeat and returns its error code. */
  readHeartbeat(frame: Uint8Array): number;
}

/**
 * Checks that each of a group's partitions is assigned to exactly one member.
 *
 * @throws {Error} If not.
 */
export function checkAssignments({ groupId, assignments }: LoadGroup, partitions: number): void {
  const owned = assignments.flat();
  const distinct = new Set(owned).size;
  if (owned.length === partitions && distinct === partitions) return;
  throw new Error(
    `Group "${groupId}" of ${assignments.length} members has ${owned.length} partitions assigned, ` +
      `${distinct} of them different: the topic has ${partitions}`,
  );
}

/**
 * Checks that the coordinator sees groups as their members do.
 *
 * @throws {Error} If not.
 */
export async function checkStable(
  kind: GroupKind,
  connection: LoadConnection,
  groups: readonly LoadGroup[],
): Promise<void> {
  const byId = new Map(groups.map((group) => [group.groupId, group]));
  for (const described of await kind.describe(connection, [...byId.keys()])) {
    const { errorCode, groupId, groupState, members } = described;
    expectNone(errorCode, `describe group "${groupId}"`);
    const memberCount = byId.get(groupId)!.assignments.length;
    byId.delete(groupId);
    if (groupState === "Stable" && members.length === memberCount) continue;
    throw new Error(`Group "${groupId}" is ${groupState} with ${members.length} members`);
  }
  if (byId.size > 0) throw new Error(`${byId.size} groups were not described`);
}

/** Waits until a broker is ready to coordinate new groups. */
export async function awaitCoordinator(
  connection: LoadConnection,
  groupIds: readonly string[],
): Promise<void> {
  const request = { key: groupIds[0]! };
  await retry("find the coordinator", async () => {
    const found = await connection.request(findCoordinator, FIND_COORDINATOR_VERSION, request);
    return [found.errorCode];
  });
  await retry("describe groups", async () => {
    const request = { groups: [...groupIds] };
    const { groups } = await connection.request(describeGroups, DESCRIBE_GROUPS_VERSION, request);
    return groups.map(({ errorCode }) => errorCode);
  });
}

async function retry(action: string, attempt: () => Promise<number[]>): Promise<void> {
  for (let tries = 1;; tries++) {
    const errors = (await attempt()).filter((errorCode) => errorCode !== ErrorCode.NONE);
    if (errors.length === 0) return;
    if (tries === MAX_TRIES || !errors.every((code) => NOT_YET.has(code))) {
      return expectNone(errors[0]!, action);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Looks a topic up. */
export async function describeTopic(
  connection: LoadConnection,
  name: string,
): Promise<GroupTopic> {
  const { topics } = await connection.request(metadata, METADATA_VERSION, {
    topics: [{ name }],
    allowAutoTopicCreation: false,
  });
  const { errorCode, topicId, partitions } = topics[0]!;
  expectNone(errorCode, "describe the topic");
  return { name, id: topicId, partitions: partitions.length };
}

/** Deletes groups whose members have left. */
export async function forgetGroups(
  connection: LoadConnection,
  groups: readonly LoadGroup[],
): Promise<void> {
  const { results } = await connection.request(deleteGroups, DELETE_GROUPS_VERSION, {
    groupsNames: groups.map(({ groupId }) => groupId),
  });
  for (const { errorCode, groupId } of results) expectNone(errorCode, `delete group "${groupId}"`);
}
