/**
 * What the two kinds of consumer groups have in common for one who puts load on their coordinator.
 *
 * Members are not consumers: they speak the protocol of groups and read nothing. Many of them share a
 * connection where the protocol allows that.
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
/** The first that tells ids of topics that are asked for by name. */
const METADATA_VERSION = 10;

/** A coordinator that was just made needs a moment. */
const NOT_YET: ReadonlySet<number> = new Set([
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
]);
const RETRY_MS = 50;
const MAX_TRIES = 400;

/** Members that are not heard of while others join are still members. */
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
  /** Lets all members join; resolves when each has its part. */
  join(): Promise<void>;
  /** Lets one more member join; resolves when each has its part. */
  grow(): Promise<void>;
  /** Lets the member leave that joined last; resolves when each has its part. */
  shrink(): Promise<void>;
  /**
   * Sends a heartbeat of each member.
   *
   * @throws {Error} If an answer says that something is to change.
   */
  confirm(): Promise<void>;
  /** A heartbeat of each member, as long as nothing changes. */
  heartbeatFrames(): Uint8Array[];
  /** Lets all members leave. */
  leave(): Promise<void>;
}

/** What the coordinator says of a group. */
export interface GroupView {
  readonly errorCode: number;
  readonly groupId: string;
  readonly groupState: string;
  readonly members: readonly unknown[];
}

/** A kind of group. */
export interface GroupKind {
  readonly name: string;
  /** Connections for one group: as many as wait for an answer at once. */
  connectionsFor(memberCount: number): number;
  /** A group whose members have yet to join. There is a connection too for one member more. */
  create(
    groupId: string,
    memberCount: number,
    topic: GroupTopic,
    connections: readonly LoadConnection[],
  ): LoadGroup;
  describe(connection: LoadConnection, groupIds: readonly string[]): Promise<readonly GroupView[]>;
  /** Reads the answer to a heartbeat. Returns its error code. */
  readHeartbeat(frame: Uint8Array): number;
}

/**
 * Checks that a group's partitions are all assigned, each to one member.
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

/** Waits until a broker coordinates groups that do not exist yet. */
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
