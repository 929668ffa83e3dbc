/**
 * The `uniform` assignor: balances partitions among members as far as their subscriptions allow,
 * moving as few as possible.
 *
 * Members keep previous partitions of topics they are still subscribed to. The rest goes to the
 * members with the fewest partitions. Then partitions move from the members with most to those with
 * fewest, topic by topic, until the subscribers of each topic differ by at most one.
 *
 * @module
 */

import type { Assignment } from "./assignment.ts";
import type { AssignorMember } from "./assignor.ts";

/**
 * Rounds of balancing. Equal subscriptions need one; with overlapping subscriptions each round
 * about halves the imbalance.
 */
const MAX_ROUNDS = 16;

const NOBODY = -1;

/** A topic, its subscribers and the owners of its partitions; members by index. */
interface Topic {
  readonly id: string;
  readonly readers: readonly number[];
  readonly owners: number[];
}

/** Assigns evenly, keeping previous assignments where possible. */
export function assignUniform(
  members: readonly AssignorMember[],
  partitionCount: (topicId: string) => number,
): Map<string, Assignment> {
  const topics = topicsOf(members, partitionCount);
  const sizes: number[] = new Array(members.length).fill(0);
  for (const topic of topics) keep(topic, members, sizes);
  for (const topic of topics) fill(topic, sizes);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let moved = false;
    for (const topic of topics) moved = balance(topic, sizes) || moved;
    if (!moved) break;
  }
  return collect(topics, members);
}

/** Topics in assignment order: first those whose subscribers have the fewest alternatives. */
function topicsOf(
  members: readonly AssignorMember[],
  partitionCount: (topicId: string) => number,
): Topic[] {
  const readers = new Map<string, number[]>();
  members.forEach(({ topicIds }, index) => {
    for (const topicId of topicIds) {
      const ofTopic = readers.get(topicId);
      if (ofTopic === undefined) readers.set(topicId, [index]);
      else ofTopic.push(index);
    }
  });
  const topics = [...readers].map(([id, readers]) => ({
    id,
    readers,
    owners: new Array(partitionCount(id)).fill(NOBODY),
  }));
  const burden = ({ owners, readers }: Topic) => owners.length / readers.length;
  return topics.sort((a, b) =>
    burden(b) - burden(a) || a.readers.length - b.readers.length || (a.id < b.id ? -1 : 1)
  );
}

function keep({ id, readers, owners }: Topic, members: readonly AssignorMember[], sizes: number[]) {
  for (const index of readers) {
    for (const partition of members[index]!.target.get(id) ?? []) {
      if (owners[partition] !== NOBODY) continue;
      owners[partition] = index;
      sizes[index]!++;
    }
  }
}

function fill({ readers, owners }: Topic, sizes: number[]): void {
  for (let partition = 0; partition < owners.length; partition++) {
    if (owners[partition] !== NOBODY) continue;
    let least = readers[0]!;
    for (const index of readers) if (sizes[index]! < sizes[least]!) least = index;
    owners[partition] = least;
    sizes[least]!++;
  }
}

/** Balances one topic's subscribers as far as its partitions allow. Returns whether any moved. */
function balance({ readers, owners }: Topic, sizes: number[]): boolean {
  const held = new Map<number, number[]>(readers.map((index) => [index, []]));
  owners.forEach((index, partition) => held.get(index)!.push(partition));
  let moved = false;
  for (;;) {
    let least = readers[0]!;
    let most: number | undefined;
    for (const index of readers) {
      if (sizes[index]! < sizes[least]!) least = index;
      const hasSome = held.get(index)!.length > 0;
      if (hasSome && (most === undefined || sizes[index]! > sizes[most]!)) most = index;
    }
    if (most === undefined || sizes[most]! - sizes[least]! <= 1) return moved;
    const partition = held.get(most)!.pop()!;
    held.get(least)!.push(partition);
    owners[partition] = least;
    sizes[most]!--;
    sizes[least]!++;
    moved = true;
  }
}

function collect(
  topics: readonly Topic[],
  members: readonly AssignorMember[],
): Map<string, Assignment> {
  const assignments = new Map(members.map(({ memberId }) => [memberId, new Map()]));
  for (const { id, owners } of topics) {
    owners.forEach((index, partition) => {
      const assignment = assignments.get(members[index]!.memberId)!;
      const partitions = assignment.get(id);
      if (partitions === undefined) assignment.set(id, [partition]);
      else partitions.push(partition);
    });
  }
  return assignments;
}
