/**
 * The sticky assignor: as even as can be, and of all such assignments one that moves few partitions
 * (KIP-54).
 *
 * A member tells what it had in its user data, for it gives up everything before it joins:
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
  previousAssignment: array(
    { topic: string("0+"), partitions: array(int32("0+"), "0+") },
    "0+",
  ),
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

/** What a member has, or had before it gave it up to join. */
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
      // What cannot be read claims nothing: the member only loses its head start.
      if (!(error instanceof MalformedMessageError)) throw error;
    }
  }
  return { partitions: [], generationId };
}

/** A partition to assign. */
interface Place extends TopicPartition {
  /** The members that may read it, as indexes. */
  readonly readers: readonly number[];
  /** Who had it, −1 for nobody. */
  readonly before: number;
  /** Who gets it. */
  owner: number;
}

/** An assignment and whom each partition comes from. */
export interface StickyAssignment {
  readonly assigned: Map<string, TopicPartition[]>;
  /** The partitions that another member than the new owner had, by the new owner. */
  readonly moved: Map<string, TopicPartition[]>;
}

/** Assigns partitions to those that had them, as far as that is even. */
export function assignSticky(group: AssignorGroup): StickyAssignment {
  const { members } = group;
  const places = placesOf(group);
  const counts = members.map(() => 0);
  for (const place of places) if (place.owner >= 0) counts[place.owner]!++;

  // Those that few may read come first, for they have the least choice.
  const free = places.filter(({ owner }) => owner < 0)
    .sort((a, b) => a.readers.length - b.readers.length);
  for (const place of free) {
    place.owner = leastLoaded(place.readers, counts);
    counts[place.owner]!++;
  }

  // Each move makes the sum of the squares of the counts smaller, so this ends.
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

/** The partitions that somebody may read, with the member that has each if it may keep it. */
function placesOf(group: AssignorGroup): Place[] {
  const { members } = group;
  const before = new Map<string, { readonly owner: number; readonly generation: number }>();
  members.forEach((member, owner) => {
    const { partitions, generationId: generation } = claimsOf(member);
    for (const { topic, partition } of partitions) {
      const key = `${topic}-${partition}`;
      const rival = before.get(key);
      // A later claim beats an earlier one; of two equal ones neither can be believed.
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
