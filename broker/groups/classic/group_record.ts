/**
 * The record of a classic group.
 *
 * @module
 */

import type { RecordOf } from "../records/group_record.ts";
import type { ClassicGroup } from "./classic_group.ts";
import { NO_ASSIGNMENT } from "./classic_member.ts";

/**
 * Creates the record of a group's current generation.
 *
 * @param assignments The leader's assignment by member. Default: the members' current assignments.
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

/** Creates the record of an empty group whose generation continues that of another protocol. */
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
