/**
 * Fetch sessions (KIP-227): the broker remembers what a client fetches, so that the client sends
 * only changes and receives only partitions with new data.
 *
 * A session has an id and an epoch, which the client increments with each request. It holds its
 * partitions in the order in which they are served; one that returned data moves to the end, so
 * that none starves when a response is full. Sessions outlive connections. They are kept in a
 * bounded cache: when it is full, a session unused for two minutes is evicted, or one of a user that
 * has more than half of them. If there is none, the client gets no session and sends full requests.
 *
 * Ids can be guessed. A session is therefore that of one user: for others it does not exist.
 *
 * @module
 */

import { ErrorCode } from "../protocol/errors.ts";
import type { fetch } from "../protocol/messages/records/fetch.ts";
import type { RequestOf } from "../protocol/schema/schema.ts";
import { ZERO_UUID } from "../protocol/primitives/uuid.ts";
import { ANONYMOUS, formatPrincipal, type Principal } from "./security/principal.ts";

type FetchRequest = RequestOf<typeof fetch>;

const NO_SESSION = 0;
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const MAX_EPOCH = 0x7fffffff;
const EVICTION_AGE_MS = 120_000;

/** What a client fetches from one partition, and the state it last received. */
export interface FetchPartition {
  readonly topic: string;
  /** The topic's id, or the zero UUID if the client uses topic names. */
  readonly topicId: string;
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly lastFetchedEpoch: number;
  readonly fetchOffset: number;
  readonly maxBytes: number;
  /** High watermark and log start offset of the last response; −1 before the first. */
  lastHighWatermark: number;
  lastLogStartOffset: number;
}

/** A fetch request combined with its session. */
export interface FetchPlan {
  /** If not 0, the session was rejected and there are no partitions. */
  readonly errorCode: number;
  /** The session id for the response, 0 for none. */
  readonly sessionId: number;
  /** The partitions to serve, in order. */
  readonly partitions: readonly FetchPartition[];
  /** Whether partitions without changes are left out of the response. */
  readonly isIncremental: boolean;
}

interface Session {
  readonly id: number;
  readonly owner: Principal;
  readonly usesTopicIds: boolean;
  /** The epoch that the next request must carry. */
  nextEpoch: number;
  lastUsedMs: number;
  readonly partitions: Map<string, FetchPartition>;
}

/** Maximum number of partitions of a session; clients with more fetch without one. */
const MAX_SESSION_PARTITIONS = 50_000;
/** Maximum number of partitions over all sessions, about 200 bytes each. */
const MAX_PARTITIONS = 500_000;
/** Partitions of a request per step. */
const PARTITIONS_PER_STEP = 64;

/** The sessions of one broker. */
export class FetchSessions {
  readonly #maxSessions: number;
  /** In order of use, least recently used first. */
  readonly #sessions: Map<number, Session> = new Map();
  /** Number of partitions over all sessions. */
  #partitionCount = 0;
  /** Number of sessions of each user. */
  readonly #countOf: Map<string, number> = new Map();

  /** @param maxSessions `max.incremental.fetch.session.cache.slots`; 0 disables sessions. */
  constructor(maxSessions: number) {
    this.#maxSessions = maxSessions;
  }

  /** Number of sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  /**
   * Applies a request to its session, or opens or closes one, and returns what to serve.
   *
   * @param given The request's partitions, if already collected.
   * @param owner The user. Default: one who has not authenticated.
   */
  plan(
    request: FetchRequest,
    apiVersion: number,
    nowMs: number,
    given?: RequestedPartitions,
    owner: Principal = ANONYMOUS,
  ): FetchPlan {
    const { sessionId, sessionEpoch } = request;
    const usesTopicIds = apiVersion >= 13;
    const session = this.#of(sessionId, owner);
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === INITIAL_EPOCH) {
      if (session !== undefined) this.#close(session);
      const only = sessionEpoch === FINAL_EPOCH && given === undefined
        ? onlyOf(request)
        : undefined;
      if (only !== undefined) {
        return {
          errorCode: ErrorCode.NONE,
          sessionId: NO_SESSION,
          partitions: [only],
          isIncremental: false,
        };
      }
      const asked = given ?? requestedPartitions(request);
      const partitions = [...asked.values()];
      const id = sessionEpoch === FINAL_EPOCH
        ? NO_SESSION
        : this.#open(asked, usesTopicIds, nowMs, owner);
      return { errorCode: ErrorCode.NONE, sessionId: id, partitions, isIncremental: false };
    }
    if (session === undefined) return refusal(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (session.nextEpoch !== sessionEpoch) {
      return refusal(ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId);
    }
    if (session.usesTopicIds !== usesTopicIds) {
      return refusal(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR, sessionId);
    }
    if (!this.#advance(session, request, given ?? requestedPartitions(request), nowMs)) {
      // Treated as evicted: the client sends a full request and gets a new session if there is
      // room.
      this.#close(session);
      return refusal(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    }
    const partitions = [...session.partitions.values()];
    return { errorCode: ErrorCode.NONE, sessionId, partitions, isIncremental: true };
  }

  /** Moves partitions that returned data to the end of their session. */
  served(plan: FetchPlan, withData: readonly FetchPartition[]): void {
    const session = this.#sessions.get(plan.sessionId);
    if (session === undefined) return;
    for (const partition of withData) {
      const key = keyOf(partition);
      if (session.partitions.delete(key)) session.partitions.set(key, partition);
    }
  }

  /** The session with an id; undefined if there is none, or it is another user's. */
  #of(id: number, { type, name }: Principal): Session | undefined {
    const session = id === NO_SESSION ? undefined : this.#sessions.get(id);
    const isOwn = session?.owner.name === name && session.owner.type === type;
    return isOwn ? session : undefined;
  }

  #open(
    partitions: RequestedPartitions,
    usesTopicIds: boolean,
    nowMs: number,
    owner: Principal,
  ): number {
    if (partitions.size === 0 || partitions.size > MAX_SESSION_PARTITIONS) return NO_SESSION;
    const user = formatPrincipal(owner);
    while (this.#isFull(partitions.size)) if (!this.#makeRoom(nowMs, user)) return NO_SESSION;
    this.#partitionCount += partitions.size;
    this.#countOf.set(user, (this.#countOf.get(user) ?? 0) + 1);
    let id: number;
    do id = crypto.getRandomValues(new Int32Array(1))[0]! & MAX_EPOCH; while (
      id === NO_SESSION || this.#sessions.has(id)
    );
    this.#sessions.set(id, {
      id,
      owner,
      usesTopicIds,
      nextEpoch: 1,
      lastUsedMs: nowMs,
      partitions,
    });
    return id;
  }

  #isFull(more: number): boolean {
    return this.#sessions.size >= this.#maxSessions ||
      this.#partitionCount + more > MAX_PARTITIONS;
  }

  /** Evicts a session for another one; false if none may go. */
  #makeRoom(nowMs: number, user: string): boolean {
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return false;
    const isUnused = nowMs - oldest.lastUsedMs >= EVICTION_AGE_MS;
    const evicted = isUnused ? oldest : this.#oldestOfGreedy(user);
    if (evicted === undefined) return false;
    this.#close(evicted);
    return true;
  }

  /** The least recently used session of another user that has more than half of all. */
  #oldestOfGreedy(user: string): Session | undefined {
    const [greedy] = [...this.#countOf].find(([, count]) => count > this.#maxSessions / 2) ?? [];
    if (greedy === undefined || greedy === user) return undefined;
    return this.#sessions.values().find(({ owner }) => formatPrincipal(owner) === greedy);
  }

  #close({ id, owner, partitions }: Session): void {
    this.#partitionCount -= partitions.size;
    this.#sessions.delete(id);
    const user = formatPrincipal(owner);
    const left = this.#countOf.get(user)! - 1;
    if (left > 0) this.#countOf.set(user, left);
    else this.#countOf.delete(user);
  }

  /** Applies changes to a session. Returns whether its size stays within the limits. */
  #advance(
    session: Session,
    request: FetchRequest,
    asked: RequestedPartitions,
    nowMs: number,
  ): boolean {
    const { size } = session.partitions;
    if (size + asked.size > MAX_SESSION_PARTITIONS) return false;
    for (const [key, partition] of asked) {
      const known = session.partitions.get(key);
      if (known !== undefined) {
        partition.lastHighWatermark = known.lastHighWatermark;
        partition.lastLogStartOffset = known.lastLogStartOffset;
      }
      session.partitions.set(key, partition);
    }
    for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
      for (const partition of partitions) {
        session.partitions.delete(keyOf({ topic, topicId, partition }));
      }
    }
    this.#partitionCount += session.partitions.size - size;
    session.nextEpoch = session.nextEpoch === MAX_EPOCH ? 1 : session.nextEpoch + 1;
    session.lastUsedMs = nowMs;
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    return this.#partitionCount <= MAX_PARTITIONS;
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

/** The partitions of a request by their identity; the last of duplicate entries counts. */
export type RequestedPartitions = Map<string, FetchPartition>;

/** The partition of a request with exactly one, the usual case without a session. */
function onlyOf({ topics }: FetchRequest): FetchPartition | undefined {
  if (topics.length !== 1 || topics[0]!.partitions.length !== 1) return undefined;
  return asked(topics[0]!, topics[0]!.partitions[0]!);
}

function requestedPartitions(request: FetchRequest): RequestedPartitions {
  const asked: RequestedPartitions = new Map();
  for (const topic of request.topics) {
    for (const partition of topic.partitions) add(asked, topic, partition);
  }
  return asked;
}

/** Collects the partitions of a request with very many of them, in steps. */
export function* requestedPartitionsInSteps(
  request: FetchRequest,
): Generator<void, RequestedPartitions> {
  const asked: RequestedPartitions = new Map();
  let count = 0;
  for (const topic of request.topics) {
    for (const partition of topic.partitions) {
      add(asked, topic, partition);
      if (++count % PARTITIONS_PER_STEP === 0) yield;
    }
    yield;
  }
  return asked;
}

function add(
  to: RequestedPartitions,
  topic: FetchRequest["topics"][number],
  partition: FetchRequest["topics"][number]["partitions"][number],
): void {
  const wanted = asked(topic, partition);
  to.set(keyOf(wanted), wanted);
}

function asked(
  { topic, topicId }: FetchRequest["topics"][number],
  of: FetchRequest["topics"][number]["partitions"][number],
): FetchPartition {
  return {
    topic,
    topicId,
    partition: of.partition,
    currentLeaderEpoch: of.currentLeaderEpoch,
    lastFetchedEpoch: of.lastFetchedEpoch,
    fetchOffset: of.fetchOffset,
    maxBytes: of.partitionMaxBytes,
    lastHighWatermark: -1,
    lastLogStartOffset: -1,
  };
}
