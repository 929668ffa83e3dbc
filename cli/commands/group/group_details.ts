/**
 * Details of groups: members, committed offsets and lag per partition.
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
import { comparePartitions, partitionKey } from "../topic_partitions.ts";

/** A partition that a group reads or has read. */
export interface GroupPartition extends TopicPartition {
  /** The committed offset, which is the next one to read; null if there is none. */
  readonly committed: number | null;
  /** The committed leader epoch; null if there is none. */
  readonly leaderEpoch: number | null;
  /** The committed metadata. */
  readonly metadata: string;
  /** The log end offset; null if the partition is deleted or has no leader. */
  readonly end: number | null;
  /** Number of offsets between `committed` and `end`; null if one of them is null. */
  readonly lag: number | null;
  /** The member to which the partition is assigned. */
  readonly member: GroupMember | undefined;
}

/**
 * A group, its members ordered by id, and all its partitions ordered by topic and number.
 */
export interface GroupDetails extends GroupDescription {
  readonly partitions: readonly GroupPartition[];
}

/** Returns the details of groups. */
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
  // End offsets are requested last; otherwise the committed offsets of a busy group could exceed
  // them.
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

/** Total lag of a group, over partitions where it is known. */
export function totalLag({ partitions }: GroupDetails): number {
  return partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0);
}

/** Partitions assigned to members, and those with a committed offset. */
function placesOf(
  { members }: GroupDescription,
  commits: readonly CommittedOffset[],
): TopicPartition[] {
  const all = [...members.flatMap(({ assignment }) => assignment), ...commits];
  return [...new Map(all.map((place) => [partitionKey(place), place])).values()]
    .map(({ topic, partition }) => ({ topic, partition }))
    .sort(comparePartitions);
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
