/**
 * Removes duplicate partitions from a request.
 *
 * @module
 */

import { TimeSlice } from "../../../storage/time_slice.ts";

/** A partition of a request. */
export interface RequestedPartition<P> {
  readonly topic: string;
  readonly partition: P;
  /** The number of times it was listed. */
  readonly count: number;
}

/** Each partition once, with its last occurrence, in the order of first occurrence. */
export async function uniquePartitions<P>(
  topics: readonly { readonly name: string; readonly partitions: readonly P[] }[],
  indexOf: (partition: P) => number,
): Promise<RequestedPartition<P>[]> {
  const byTopic = new Map<string, Map<number, { partition: P; count: number }>>();
  const slice = new TimeSlice();
  for (const { name, partitions } of topics) {
    let ofTopic = byTopic.get(name);
    if (ofTopic === undefined) byTopic.set(name, ofTopic = new Map());
    for (const partition of partitions) {
      if (slice.isOver) await slice.pause();
      const index = indexOf(partition);
      const asked = ofTopic.get(index);
      if (asked === undefined) ofTopic.set(index, { partition, count: 1 });
      else {
        asked.partition = partition;
        asked.count++;
      }
    }
    if (slice.isOver) await slice.pause();
  }
  const unique: RequestedPartition<P>[] = [];
  for (const [topic, partitions] of byTopic) {
    for (const asked of partitions.values()) {
      if (slice.isOver) await slice.pause();
      unique.push({ topic, ...asked });
    }
  }
  return unique;
}

/** Groups the results of such partitions by topic. */
export async function byTopic<R>(
  asked: readonly RequestedPartition<unknown>[],
  responses: readonly R[],
): Promise<{ name: string; partitions: R[] }[]> {
  const topics: { name: string; partitions: R[] }[] = [];
  const slice = new TimeSlice();
  for (const [i, response] of responses.entries()) {
    if (slice.isOver) await slice.pause();
    const name = asked[i]!.topic;
    const last = topics.at(-1);
    if (last?.name === name) last.partitions.push(response);
    else topics.push({ name, partitions: [response] });
  }
  return topics;
}
