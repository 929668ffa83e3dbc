/**
 * All about groups: their members, how far they have come in each partition, and how far it is to the
 * end.
 *
 * @module
 */

import type {
  Admin,
  CommittedOffset,
  GroupDescription,
  GroupMember,
  TopicPartition,
} from "../../../client/mod.ts";
import type { Context } from "../../terminal/context.ts";
import { endOffsets } from "../end_offsets.ts";
import { comparePlaces, partitionKey } from "../places.ts";

/** A group in a partition it reads, or has read. */
export interface GroupPartition extends TopicPartition {
  /** The next offset to read, as committed; null if nothing was. */
  readonly committed: number | null;
  /** The leader epoch committed with it; null if none was. */
  readonly leaderEpoch: number | null;
  /** The text committed with it. */
  readonly metadata: string;
  /** The next offset to be written; null if the partition is gone, or without a leader. */
  readonly end: number | null;
  /** Offsets between `committed` and `end`; null if one of them is. */
  readonly lag: number | null;
  /** Who holds it. */
  readonly member: GroupMember | undefined;
}

/**
 * A group, its members in the order of their ids, and all the partitions it has to do with, in the order
 * of topics and partitions.
 */
export interface GroupDetails extends GroupDescription {
  readonly partitions: readonly GroupPartition[];
}

/** Looks up all about groups. */
export async function groupDetails(
  context: Context,
  admin: Admin,
  groupIds: readonly string[],
): Promise<GroupDetails[]> {
  const { signal } = context;
  const [groups, commits] = await Promise.all([
    admin.describeGroups(groupIds, { signal }),
    Promise.all(groupIds.map((groupId) => admin.listGroupOffsets(groupId, { signal }))),
  ]);
  const places = groups.map((group, i) => placesOf(group, commits[i]!));
  // Ends are asked for last, or a busy group would be ahead of them.
  const ends = await endOffsets(context, admin, places.flat());
  return groups.map((group, i) => {
    const committed = new Map(commits[i]!.map((each) => [partitionKey(each), each]));
    const members = new Map(
      group.members.flatMap((member) =>
        member.assignment.map((place) => [partitionKey(place), member])
      ),
    );
    const partitions = places[i]!.map((place) => {
      const key = partitionKey(place);
      return partitionOf(place, committed.get(key), ends.get(key), members.get(key));
    });
    return { ...group, members: [...group.members].sort(byId), partitions };
  });
}

/** What a group has left to read, where that is known. */
export function totalLag({ partitions }: GroupDetails): number {
  return partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0);
}

/** Partitions that members hold, and those with a committed offset. */
function placesOf(
  { members }: GroupDescription,
  commits: readonly CommittedOffset[],
): TopicPartition[] {
  const all = [...members.flatMap(({ assignment }) => assignment), ...commits];
  return [...new Map(all.map((place) => [partitionKey(place), place])).values()]
    .map(({ topic, partition }) => ({ topic, partition }))
    .sort(comparePlaces);
}

function partitionOf(
  place: TopicPartition,
  commit: CommittedOffset | undefined,
  end: number | undefined,
  member: GroupMember | undefined,
): GroupPartition {
  const committed = commit?.offset ?? null;
  const isKnown = committed !== null && end !== undefined;
  return {
    ...place,
    committed,
    leaderEpoch: commit === undefined || commit.leaderEpoch < 0 ? null : commit.leaderEpoch,
    metadata: commit?.metadata ?? "",
    end: end ?? null,
    lag: isKnown ? Math.max(0, end - committed) : null,
    member,
  };
}

function byId(a: GroupMember, b: GroupMember): number {
  return a.memberId < b.memberId ? -1 : 1;
}
