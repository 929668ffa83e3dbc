/**
 * The cooperative sticky assignor: assigns like the sticky one, but leaves a partition that moves
 * unassigned until its owner has revoked it, which the following rebalance detects (KIP-429).
 *
 * @module
 */

import type { Assignor, AssignorGroup, GroupAssignments, LastAssignment } from "../assignor.ts";
import { assignSticky } from "./sticky.ts";

/** Kafka's `cooperative-sticky`. */
export const cooperativeSticky: Assignor = {
  name: "cooperative-sticky",
  cooperative: true,
  userData: encodeGeneration,
  assign,
};

/**
 * User data for members whose subscription has no generation field (before version 2): one int32.
 */
function encodeGeneration({ generationId }: LastAssignment): Uint8Array {
  const userData = new Uint8Array(4);
  new DataView(userData.buffer).setInt32(0, generationId);
  return userData;
}

function assign(group: AssignorGroup): GroupAssignments {
  const members = group.members.map((member) => ({
    ...member,
    generationId: member.generationId >= 0 ? member.generationId : generationIn(member.userData),
  }));
  const { assigned, moved } = assignSticky({ ...group, members });
  for (const [memberId, places] of moved) {
    const waits = new Set(places.map(({ topic, partition }) => `${topic}-${partition}`));
    const now = assigned.get(memberId)!.filter(({ topic, partition }) =>
      !waits.has(`${topic}-${partition}`)
    );
    assigned.set(memberId, now);
  }
  return assigned;
}

function generationIn(userData: Uint8Array | null): number {
  if (userData?.length !== 4) return -1;
  return new DataView(userData.buffer, userData.byteOffset).getInt32(0);
}
