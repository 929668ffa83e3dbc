/**
 * A classic group as its record.
 *
 * @module
 */

import type { RecordOf } from "../records/group_record.ts";
import type { ClassicGroup } from "./classic_group.ts";
import { NO_ASSIGNMENT } from "./classic_member.ts";

/**
 * The record of a group in its present generation.
 *
 * @param assignments What the leader assigned, by member; default: what the members have now.
 */
export function groupRecord(
  group: ClassicGroup,
  assignments?: ReadonlyMap<string, Uint8Array>,
): RecordOf<"classicGroup"> {
  return {
    kind: "classicGroup",
    key: { group: group.groupId },
    value: {
      protocolType: group.protocolType ?? "",
      generation: group.generation,
      protocol: group.protocolName,
      leader: group.leaderId,
      currentStateTimestamp: group.stateTimestampMs,
      members: [...group.members.values()].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: member.metadata(group.protocolName ?? "") ?? NO_ASSIGNMENT,
        assignment: assignments === undefined
          ? member.assignment
          : assignments.get(member.memberId) ?? NO_ASSIGNMENT,
      })),
    },
  };
}

/** The record that a group is gone. */
export function groupTombstone(groupId: string): RecordOf<"classicGroup"> {
  return { kind: "classicGroup", key: { group: groupId }, value: null };
}

/** The record of a group without members that has come to a generation under another protocol. */
export function emptyGroupRecord(
  groupId: string,
  protocolType: string,
  generation: number,
  nowMs: number,
): RecordOf<"classicGroup"> {
  const value = {
    protocolType,
    generation,
    protocol: null,
    leader: null,
    currentStateTimestamp: nowMs,
    members: [],
  };
  return { kind: "classicGroup", key: { group: groupId }, value };
}
