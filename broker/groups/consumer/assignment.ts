/**
 * Sets of partitions by topic.
 *
 * @module
 */

/** Partitions by topic id: ascending, non-empty lists. */
export type Assignment = ReadonlyMap<string, readonly number[]>;

/** Partitions in the form of requests and records. */
export type TopicPartitions = { topicId: string; partitions: number[] }[];

export const NOTHING: Assignment = new Map();

/** Converts partitions of a request or record to an assignment. */
export function assignmentOf(
  topicPartitions: readonly { readonly topicId: string; readonly partitions: readonly number[] }[],
): Assignment {
  const assignment = new Map<string, readonly number[]>();
  for (const { topicId, partitions } of topicPartitions) {
    const all = new Set([...assignment.get(topicId) ?? [], ...partitions]);
    if (all.size > 0) assignment.set(topicId, [...all].sort((a, b) => a - b));
  }
  return assignment;
}

/** Converts an assignment to the form of requests and records. */
export function topicPartitionsOf(assignment: Assignment): TopicPartitions {
  return [...assignment].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions] }));
}

/** The number of partitions. */
export function sizeOf(assignment: Assignment): number {
  let size = 0;
  for (const partitions of assignment.values()) size += partitions.length;
  return size;
}

/** Whether it contains a partition. */
export function includes(assignment: Assignment, topicId: string, partition: number): boolean {
  return assignment.get(topicId)?.includes(partition) ?? false;
}

/** The partitions that `isWanted` returns true for. */
export function filter(
  assignment: Assignment,
  isWanted: (topicId: string, partition: number) => boolean,
): Assignment {
  const filtered = new Map<string, readonly number[]>();
  for (const [topicId, partitions] of assignment) {
    const wanted = partitions.filter((partition) => isWanted(topicId, partition));
    if (wanted.length > 0) filtered.set(topicId, wanted);
  }
  return filtered;
}

/** The partitions in either assignment. */
export function union(a: Assignment, b: Assignment): Assignment {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  return assignmentOf(topicPartitionsOf(a).concat(topicPartitionsOf(b)));
}

/** Whether the assignments have a common partition. */
export function intersects(a: Assignment, b: Assignment): boolean {
  for (const [topicId, partitions] of a) {
    if (partitions.some((partition) => includes(b, topicId, partition))) return true;
  }
  return false;
}

/** Whether `b` contains all partitions of `a`. */
export function isSubset(a: Assignment, b: Assignment): boolean {
  for (const [topicId, partitions] of a) {
    if (!partitions.every((partition) => includes(b, topicId, partition))) return false;
  }
  return true;
}

/** Whether the assignments have the same partitions. */
export function equal(a: Assignment, b: Assignment): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.length !== partitions.length) return false;
    for (let i = 0; i < partitions.length; i++) if (partitions[i] !== others[i]) return false;
  }
  return true;
}
