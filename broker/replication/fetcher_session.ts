/**
 * A follower's side of its fetch session with a leader (KIP-227): requests tell what has changed.
 *
 * @module
 */

import type { fetch } from "../../protocol/messages/records/fetch.ts";
import type { RequestTo } from "../../protocol/schema/schema.ts";
import type { Following } from "../roles/following.ts";

type Request = RequestTo<typeof fetch>;
type TopicRequest = Request["topics"][number];

/** Delay before a partition is fetched again after its first failure. */
export const MIN_RETRY_MS = 50;

/** Bytes of records that a response may have, and of one partition. */
const MAX_BYTES = 8 << 20;
const MAX_PARTITION_BYTES = 1 << 20;

/** A partition that is fetched. */
export class FetchedPartition {
  readonly following: Following;
  /** Whether the leader does not know the current position. */
  isDue = true;
  /** Whether the position is on disk, so that it can be told. */
  isFlushed = false;
  /** The first request that carried the partition in its epoch. */
  firstRequest = Infinity;
  /** How long to wait after the next failure. */
  retryMs = MIN_RETRY_MS;
  /** Set while it waits. */
  timer: number | undefined;

  constructor(following: Following) {
    this.following = following;
  }
}

/** What a request tells. */
export type SessionRequest =
  & Required<
    Pick<Request, "sessionId" | "sessionEpoch" | "topics" | "forgottenTopicsData" | "maxBytes">
  >
  & {
    /** Counts the requests of all sessions. */
    readonly number: number;
  };

/** A session with a leader. */
export class FetcherSession {
  /** Partitions whose position the next request tells. */
  readonly due: Set<FetchedPartition> = new Set();
  /** Partitions of the session, and of the next request, by topic id and index. */
  readonly #partitions: Map<string, FetchedPartition> = new Map();
  readonly #forgotten: Map<string, FetchedPartition> = new Map();
  #id = 0;
  /** The epoch of the next request; 0 opens a session. */
  #epoch = 0;
  #brokerEpoch = 0;
  #number = 0;

  /** Whether the leader has opened the session. */
  get isOpen(): boolean {
    return this.#id !== 0;
  }

  /** Has the next request tell a partition's position. */
  add(partition: FetchedPartition): void {
    const key = keyOf(partition);
    partition.isDue = true;
    partition.isFlushed = false;
    this.#partitions.set(key, partition);
    this.#forgotten.delete(key);
    this.due.add(partition);
  }

  /** Takes a partition out of the session. */
  forget(partition: FetchedPartition): void {
    const key = keyOf(partition);
    this.due.delete(partition);
    if (this.#partitions.get(key) !== partition) return;
    this.#partitions.delete(key);
    this.#forgotten.set(key, partition);
  }

  /** The partition of the session, if it has it. */
  find(topicId: string, index: number): FetchedPartition | undefined {
    return this.#partitions.get(`${index} ${topicId}`);
  }

  /** Begins a new session with the next request. */
  reset(): void {
    this.#epoch = 0;
    this.#id = 0;
    this.#forgotten.clear();
    for (const partition of this.#partitions.values()) {
      const { isFlushed } = partition;
      this.add(partition);
      partition.isFlushed = isFlushed;
    }
  }

  /**
   * The next request.
   *
   * @param brokerEpoch The follower's registration; a new one begins a new session.
   */
  next(brokerEpoch: number): SessionRequest {
    if (brokerEpoch !== this.#brokerEpoch) this.reset();
    this.#brokerEpoch = brokerEpoch;
    const number = ++this.#number;
    const topics = new Map<string, TopicRequest & { partitions: unknown[] }>();
    for (const partition of this.due) {
      // It was added after the others were flushed.
      if (!partition.isFlushed) continue;
      this.due.delete(partition);
      const { following: { partition: { topicId, index }, position, state } } = partition;
      let topic = topics.get(topicId);
      if (topic === undefined) topics.set(topicId, topic = { topicId, partitions: [] });
      topic.partitions.push({
        ...position,
        partition: index,
        currentLeaderEpoch: state.leaderEpoch,
        partitionMaxBytes: MAX_PARTITION_BYTES,
      });
      partition.isDue = false;
      partition.firstRequest = Math.min(partition.firstRequest, number);
    }
    const forgotten = this.#epoch === 0 ? [] : [...this.#forgotten.values()];
    this.#forgotten.clear();
    const sessionEpoch = this.#epoch++;
    return {
      number,
      sessionId: this.#id,
      sessionEpoch,
      topics: [...topics.values()],
      forgottenTopicsData: forgotten.map(({ following: { partition: { topicId, index } } }) => ({
        topicId,
        partitions: [index],
      })),
      maxBytes: MAX_BYTES,
    };
  }

  /** Notes the id of the session that a request has opened. */
  opened(id: number): void {
    this.#id = id;
  }
}

function keyOf({ following: { partition } }: FetchedPartition): string {
  return `${partition.index} ${partition.topicId}`;
}
