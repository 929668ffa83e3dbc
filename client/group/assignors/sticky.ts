/**
 * The sticky assignor: as even as possible, and among such assignments one that moves few
 * partitions (KIP-54).
 *
 * A member revokes everything before it joins, so it reports what it owned in its user data:
 *
 *     topics, each with its partitions; then int32, the generation in which it got them
 *
 * @module
 */

import {
  allPartitions,
  type Assignor,
  type AssignorGroup,
  type AssignorMember,
  type LastAssignment,
} from "../assignor.ts";
import { MalformedMessageError, Reader } from "../../../protocol/primitives/reader.ts";
import { codec } from "../../../protocol/schema/codec.ts";
import { array, int32, message, string } from "../../../protocol/schema/schema.ts";
import { Writer } from "../../../protocol/primitives/writer.ts";
import type { TopicPartition } from "../../topic_partition.ts";

/** Version 0 has no generation. */
const userDataMessage = message("StickyAssignorUserData", "0-1", "none", {
  previousAssignment: array({ topic: string(), partitions: array(int32()) }),
  generation: int32("1+", { default: -1, ignorable: true }),
});

/** Kafka's `sticky`. */
export const sticky: Assignor = {
  name: "sticky",
  userData: encodeUserData,
  assign: (group) => assignSticky(group).assigned,
};

function encodeUserData({ partitions, generationId }: LastAssignment): Uint8Array {
  const writer = new Writer();
  codec(userDataMessage, 1).encode(writer, {
    previousAssignment: Array.from(
      Map.groupBy(partitions, ({ topic }) => topic),
      ([topic, group]) => ({ topic, partitions: group.map(({ partition }) => partition) }),
    ),
    generation: generationId,
  });
  return writer.takeBytes();
}

/** The partitions of a member, owned or revoked just before joining. */
function claimsOf(member: AssignorMember): LastAssignment {
  const { ownedPartitions, generationId, userData } = member;
  if (ownedPartitions.length > 0) return { partitions: ownedPartitions, generationId };
  for (const version of [1, 0]) {
    try {
      if (userData === null) break;
      const data = codec(userDataMessage, version).decode(new Reader(userData));
      return {
        partitions: data.previousAssignment.flatMap(({ topic, partitions }) =>
          partitions.map((partition) => ({ topic, partition }))
        ),
        generationId: data.generation,
      };
    } catch (error) {
      // Malformed user data claim nothing: the member only loses its preference.
      if (!(error instanceof MalformedMessageError)) throw error;
    }
  }
  return { partitions: [], generationId };
}

/** A partition to assign. */
interface Place extends TopicPartition {
  /** The indexes of the members that may read it. */
  readonly readers: readonly number[];
  /** The index of its previous owner; −1 for none. */
  readonly before: number;
  /** The index of its new owner. */
  owner: number;
}

/** An assignment, with the previous owner of each partition. */
export interface StickyAssignment {
  readonly assigned: Map<string, TopicPartition[]>;
  /** The partitions that had another owner, by the new owner. */
  readonly moved: Map<string, TopicPartition[]>;
}

/** Assigns partitions to their previous owners as far as that is even. */
export function assignSticky(group: AssignorGroup): StickyAssignment {
  const { members } = group;
  const places = placesOf(group);
  const counts = members.map(() => 0);
  for (const place of places) if (place.owner >= 0) counts[place.owner]!++;

  // Partitions that few members may read come first, since they have the least choice.
  const free = places.filter(({ owner }) => owner < 0)
    .sort((a, b) => a.readers.length - b.readers.length);
  for (const place of free) {
    place.owner = leastLoaded(place.readers, counts);
    counts[place.owner]!++;
  }

  // Each move reduces the sum of the squares of the counts, so this terminates.
  for (let hasMoved = true; hasMoved;) {
    hasMoved = false;
    for (const place of places) {
      const to = leastLoaded(place.readers, counts);
      if (counts[place.owner]! - counts[to]! < 2) continue;
      counts[place.owner]!--;
      counts[to]!++;
      place.owner = to;
      hasMoved = true;
    }
  }

  const assigned = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]));
  const moved = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]));
  for (const { topic, partition, owner, before } of places) {
    const { memberId } = members[owner]!;
    assigned.get(memberId)!.push({ topic, partition });
    if (before >= 0 && before !== owner) moved.get(memberId)!.push({ topic, partition });
  }
  return { assigned, moved };
}

/** All readable partitions, each with the owner that may keep it. */
function placesOf(group: AssignorGroup): Place[] {
  const { members } = group;
  const before = new Map<string, { readonly owner: number; readonly generation: number }>();
  members.forEach((member, owner) => {
    const { partitions, generationId: generation } = claimsOf(member);
    for (const { topic, partition } of partitions) {
      const key = `${topic}-${partition}`;
      const rival = before.get(key);
      // A later claim wins over an earlier one; of two equal ones neither can be trusted.
      if (rival === undefined || rival.generation < generation) {
        before.set(key, { owner, generation });
      } else if (rival.generation === generation) before.set(key, { owner: -1, generation });
    }
  });
  const readersOf = new Map<string, number[]>();
  for (const topic of group.partitionCounts.keys()) {
    readersOf.set(topic, [...members.keys()].filter((i) => members[i]!.topics.includes(topic)));
  }
  return allPartitions(group)
    .map(({ topic, partition }) => {
      const readers = readersOf.get(topic)!;
      const owner = before.get(`${topic}-${partition}`)?.owner ?? -1;
      return {
        topic,
        partition,
        readers,
        before: owner,
        owner: readers.includes(owner) ? owner : -1,
      };
    })
    .filter(({ readers }) => readers.length > 0);
}

function leastLoaded(readers: readonly number[], counts: readonly number[]): number {
  let least = readers[0]!;
  for (const reader of readers) if (counts[reader]! < counts[least]!) least = reader;
  return least;
}
