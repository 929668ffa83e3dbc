/**
 * Fetch sessions (KIP-227): what a client fetches is remembered, so that it need send only changes
 * and is sent only partitions with news.
 *
 * A session is named by an id and counted by an epoch, which the client raises with each request.
 * It holds the partitions in the order they are to be served; one that returned data goes to the
 * end, so that none starves when a response is full. Sessions outlive connections. They live in a
 * bounded cache: when it is full, one that was not used for two minutes makes room; if there is
 * none, the client is answered without a session and sends full requests.
 *
 * @module
 */

import { ErrorCode } from "../protocol/errors.ts";
import type { fetch } from "../protocol/messages/fetch.ts";
import type { RequestOf } from "../protocol/schema.ts";
import { ZERO_UUID } from "../protocol/uuid.ts";

type FetchRequest = RequestOf<typeof fetch>;

const NO_SESSION = 0;
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const MAX_EPOCH = 0x7fffffff;
const EVICTION_AGE_MS = 120_000;

/** What a client wants of one partition, and what it was last told about it. */
export interface FetchPartition {
  readonly topic: string;
  /** The topic's id, or the zero UUID if the client named the topic. */
  readonly topicId: string;
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly lastFetchedEpoch: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  /** High watermark and log start offset of the last answer; −1 before the first. */
  toldHighWatermark: number;
  toldLogStartOffset: number;
}

/** What one fetch request comes to, once its session is taken into account. */
export interface FetchPlan {
  /** Not 0 if the session was refused; there are then no partitions. */
  readonly errorCode: number;
  /** The session to name in the answer, 0 for none. */
  readonly sessionId: number;
  /** What to serve, in this order. */
  readonly partitions: readonly FetchPartition[];
  /** Whether partitions without news are left out of the answer. */
  readonly isIncremental: boolean;
}

interface Session {
  readonly id: number;
  readonly usesTopicIds: boolean;
  /** The epoch that the next request must carry. */
  nextEpoch: number;
  lastUsedMs: number;
  readonly partitions: Map<string, FetchPartition>;
}

/** The sessions of one broker. */
export class FetchSessions {
  readonly #maxSessions: number;
  /** Least recently used first. */
  readonly #sessions: Map<number, Session> = new Map();

  /** @param maxSessions `max.incremental.fetch.session.cache.slots`; 0 for no sessions. */
  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions;
  }

  /** Sessions held. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Applies a request to its session, or opens or closes one, and says what to serve. */
  plan(request: FetchRequest, apiVersion: number, nowMs: number): FetchPlan {
    const { sessionId, sessionEpoch } = request;
    const usesTopicIds = apiVersion >= 13;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      this.#sessions.delete(sessionId);
      const partitions = wanted(request);
      const id = sessionEpoch === FINAL_EPOCH
        ? NO_SESSION
        : this.#open(partitions, usesTopicIds, nowMs);
      return { errorCode: ErrorCode.NONE, sessionId: id, partitions, isIncremental: false };
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return refusal(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (session.nextEpoch !== sessionEpoch) {
      return refusal(ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId);
    }
    if (session.usesTopicIds !== usesTopicIds) {
      return refusal(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR, sessionId);
    }
    this.#advance(session, request, nowMs);
    const partitions = [...session.partitions.values()];
    return { errorCode: ErrorCode.NONE, sessionId, partitions, isIncremental: true };
  }

  /** Moves partitions that returned data behind the others of their session. */
  served(plan: FetchPlan, withData: readonly FetchPartition[]): void {
    const session = this.#sessions.get(plan.sessionId);
    if (session === undefined) return;
    for (const partition of withData) {
      const key = keyOf(partition);
      if (session.partitions.delete(key)) session.partitions.set(key, partition);
    }
  }

  #open(partitions: readonly FetchPartition[], usesTopicIds: boolean, nowMs: number): number {
    if (partitions.length === 0 || !this.#makeRoom(nowMs)) return NO_SESSION;
    let id: number;
    do id = 1 + Math.floor(Math.random() * (MAX_EPOCH - 1)); while (this.#sessions.has(id));
    this.#sessions.set(id, {
      id,
      usesTopicIds,
      nextEpoch: 1,
      lastUsedMs: nowMs,
      partitions: new Map(partitions.map((partition) => [keyOf(partition), partition])),
    });
    return id;
  }

  #makeRoom(nowMs: number): boolean {
    if (this.#sessions.size < this.#maxSessions) return true;
    for (const [id, session] of this.#sessions) {
      if (nowMs - session.lastUsedMs < EVICTION_AGE_MS) return false;
      this.#sessions.delete(id);
      return this.#sessions.size < this.#maxSessions;
    }
    return false;
  }

  #advance(session: Session, request: FetchRequest, nowMs: number): void {
    for (const partition of wanted(request)) {
      const key = keyOf(partition);
      const known = session.partitions.get(key);
      if (known !== undefined) {
        partition.toldHighWatermark = known.toldHighWatermark;
        partition.toldLogStartOffset = known.toldLogStartOffset;
      }
      session.partitions.set(key, partition);
    }
    for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
      for (const partition of partitions) {
        session.partitions.delete(keyOf({ topic, topicId, partition }));
      }
    }
    session.nextEpoch = session.nextEpoch === MAX_EPOCH ? 1 : session.nextEpoch + 1;
    session.lastUsedMs = nowMs;
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }
}

function refusal(errorCode: number, sessionId = NO_SESSION): FetchPlan {
  return { errorCode, sessionId, partitions: [], isIncremental: false };
}

function keyOf({ topic, topicId, partition }: {
  topic: string;
  topicId: string;
  partition: number;
}): string {
  return `${partition} ${topicId === ZERO_UUID ? topic : topicId}`;
}

function wanted(request: FetchRequest): FetchPartition[] {
  const partitions: FetchPartition[] = [];
  for (const { topic, topicId, partitions: of } of request.topics) {
    for (const partition of of) {
      partitions.push({
        topic,
        topicId,
        partition: partition.partition,
        currentLeaderEpoch: partition.currentLeaderEpoch,
        lastFetchedEpoch: partition.lastFetchedEpoch,
        fetchOffset: partition.fetchOffset,
        maxBytes: partition.partitionMaxBytes,
        toldHighWatermark: -1,
        toldLogStartOffset: -1,
      });
    }
  }
  return partitions;
}
