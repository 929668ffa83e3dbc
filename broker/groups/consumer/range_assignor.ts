/**
 * The `range` assignor: divides each topic's partitions, in order, into equal ranges for its
 * members.
 *
 * Members subscribed to the same topics of equal size get the same partition numbers of each, as
 * joins require. Static members come first, sorted by instance id, so that their restarts move
 * nothing.
 *
 * @module
 */

import type { Assignment } from "./assignment.ts";
import type { AssignorMember } from "./assignor.ts";

/** Assigns ranges of partitions. */
export function assignRange(
  members: readonly AssignorMember[],
  partitionCount: (topicId: string) => number,
): Map<string, Assignment> {
  const ordered = [...members].sort(byIdentity);
  const assignments = new Map(ordered.map(({ memberId }) => [memberId, new Map()]));
  for (const [topicId, readers] of readersByTopic(ordered)) {
    const count = partitionCount(topicId);
    const least = Math.floor(count / readers.length);
    const extra = count % readers.length;
    let next = 0;
    readers.forEach(({ memberId }, i) => {
      const partitions = Array.from({ length: least + (i < extra ? 1 : 0) }, () => next++);
      if (partitions.length > 0) assignments.get(memberId)!.set(topicId, partitions);
    });
  }
  return assignments;
}

function readersByTopic(
  members: readonly AssignorMember[],
): ReadonlyMap<string, readonly AssignorMember[]> {
  const readers = new Map<string, AssignorMember[]>();
  for (const member of members) {
    for (const topicId of member.topicIds) {
      const ofTopic = readers.get(topicId);
      if (ofTopic === undefined) readers.set(topicId, [member]);
      else ofTopic.push(member);
    }
  }
  return readers;
}

function byIdentity(a: AssignorMember, b: AssignorMember): number {
  if (a.instanceId !== null && b.instanceId !== null) return compare(a.instanceId, b.instanceId);
  if (a.instanceId !== null) return -1;
  if (b.instanceId !== null) return 1;
  return compare(a.memberId, b.memberId);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
