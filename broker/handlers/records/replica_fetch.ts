/**
 * Fetch of a follower: reads to the log end, and tells the leader what the follower has on disk.
 * Versions 15 to 18.
 *
 * A follower waits for records, which are returned at once, or for a high watermark or log start
 * that it does not know (KIP-1166). Those are returned after a moment: more often than not records
 * follow. If its log has parted from the leader's, the answer says where (KIP-595).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { FetchRequest, FetchResponse } from "../../../protocol/messages/records/fetch.ts";
import { ApiError, errorCodeOf } from "../../api_error.ts";
import type { RequestContext } from "../../handler.ts";
import { divergence, divergenceWithoutRecords } from "../../roles/divergence.ts";
import type { ReplicaEntry, ReplicaSession } from "../../replication/replica_sessions.ts";
import type { Partition } from "../../topics/partition.ts";
import { endOffsetForEpoch } from "../../topics/epoch_offsets.ts";
import { knownStableOffset } from "./known_stable_offset.ts";
import { checkLeaderEpoch } from "./leader_of.ts";

type TopicResponse = FetchResponse["responses"][number];
type PartitionResponse = TopicResponse["partitions"][number];

/** The first version in which a follower says which process it is, and uses topic ids. */
export const FIRST_REPLICA_VERSION = 15;

const FINAL_EPOCH = -1;
const INITIAL_EPOCH = 0;
/** How long news without records waits for some. */
const NEWS_DELAY_MS = 3;
/** Maximum number of partitions of a session. */
const MAX_SESSION_PARTITIONS = 50_000;
const NO_RECORDS = new Uint8Array(0);

/** Serves a follower's request. */
export async function replicaFetch(
  request: FetchRequest,
  context: RequestContext,
): Promise<FetchResponse> {
  const session = sessionOf(request, context);
  if (typeof session === "number") return { errorCode: session, responses: [] };
  const served = session.serve(() => serve(session, request, context));
  if (served === undefined) {
    return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, responses: [] };
  }
  return await served;
}

async function serve(
  session: ReplicaSession,
  request: FetchRequest,
  context: RequestContext,
): Promise<FetchResponse> {
  advance(session, request, context);
  if (session.size > MAX_SESSION_PARTITIONS) {
    context.broker.replicaSessions.close(session);
    return { errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, responses: [] };
  }
  const reading = new ReplicaReading(session, request, context);
  try {
    const responses = await reading.responses();
    session.answered(context.broker.clock.monotonic());
    return { sessionId: session.id, responses };
  } finally {
    context.whenTaken(() => reading.release());
  }
}

/** The session of a request, or a new one; an error code if the request is refused. */
function sessionOf(request: FetchRequest, context: RequestContext): ReplicaSession | number {
  const { apiVersion, broker: { cluster, replicaSessions } } = context;
  const { replicaId, replicaEpoch } = request.replicaState;
  if (apiVersion < FIRST_REPLICA_VERSION) return ErrorCode.UNSUPPORTED_VERSION;
  const registered = cluster.broker(replicaId);
  if (registered !== undefined && replicaEpoch < registered.epoch) {
    return ErrorCode.STALE_BROKER_EPOCH;
  }
  const { sessionId, sessionEpoch } = request;
  if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
    if (registered === undefined) return ErrorCode.BROKER_ID_NOT_REGISTERED;
    return replicaSessions.open(replicaId, replicaEpoch);
  }
  // A follower whose registration has ended continues: it may be about to return.
  const session = replicaSessions.get(replicaId, sessionId);
  if (session === undefined) return ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
  const isNext = session.nextEpoch === sessionEpoch && session.replicaEpoch === replicaEpoch;
  if (!isNext) return ErrorCode.INVALID_FETCH_SESSION_EPOCH;
  session.nextEpoch++;
  // Only a request that waits for nothing is sent before the one before is answered.
  if (request.maxWaitMs > 0) session.prove();
  return session;
}

/** Applies what a request changes in its session. */
function advance(session: ReplicaSession, request: FetchRequest, context: RequestContext): void {
  for (const { topicId, partitions } of request.topics) {
    const topic = context.broker.topics.byId(topicId);
    for (const wanted of partitions) {
      session.set({
        topicId,
        index: wanted.partition,
        leaderEpoch: wanted.currentLeaderEpoch,
        fetchOffset: wanted.fetchOffset,
        lastFetchedEpoch: wanted.lastFetchedEpoch,
        logStartOffset: wanted.logStartOffset,
        highWatermark: wanted.highWatermark,
        maxBytes: wanted.partitionMaxBytes,
      }, topic?.partitions[wanted.partition]);
    }
  }
  for (const { topicId, partitions } of request.forgottenTopicsData) {
    for (const index of partitions) session.delete(topicId, index);
  }
}

/** A partition's part of the response. */
interface News {
  readonly response: PartitionResponse;
  readonly size: number;
}

/** What is read for one request. */
class ReplicaReading {
  readonly #session: ReplicaSession;
  readonly #request: FetchRequest;
  readonly #context: RequestContext;
  #releases: (() => void)[] = [];
  #size = 0;
  /** Whether something must be returned without delay. */
  #isUrgent = false;

  constructor(session: ReplicaSession, request: FetchRequest, context: RequestContext) {
    this.#session = session;
    this.#request = request;
    this.#context = context;
  }

  /** Collects news, and waits for some if there is none. */
  async responses(): Promise<TopicResponse[]> {
    const topics = new Map<string, TopicResponse & { partitions: PartitionResponse[] }>();
    await this.#collect(topics);
    if (!this.#isUrgent && this.#request.maxWaitMs > 0) await this.#wait(topics);
    return [...topics.values()];
  }

  /** Releases read buffers. */
  release(): void {
    for (const release of this.#releases) release();
    this.#releases = [];
  }

  async #wait(
    topics: Map<string, TopicResponse & { partitions: PartitionResponse[] }>,
  ): Promise<void> {
    const { signal, broker: { clock } } = this.#context;
    const session = this.#session;
    let wake = () => {};
    let isOver = signal.aborted;
    const end = () => {
      isOver = true;
      wake();
    };
    const timer = clock.setTimeout(end, this.#request.maxWaitMs);
    let newsTimer: number | undefined;
    signal.addEventListener("abort", end);
    session.onNews = () => wake();
    session.onNext = end;
    try {
      while (!this.#isUrgent && !isOver && !session.isClosed) {
        if (topics.size > 0) newsTimer ??= clock.setTimeout(end, NEWS_DELAY_MS);
        if (session.ready.size === 0) await new Promise<void>((resolve) => wake = resolve);
        await this.#collect(topics);
      }
    } finally {
      session.onNews = session.onNext = () => {};
      clock.clearTimeout(timer);
      if (newsTimer !== undefined) clock.clearTimeout(newsTimer);
      signal.removeEventListener("abort", end);
    }
  }

  async #collect(
    topics: Map<string, TopicResponse & { partitions: PartitionResponse[] }>,
  ): Promise<void> {
    const { ready } = this.#session;
    for (const entry of [...ready]) {
      // The rest is returned with the next request.
      if (this.#size >= this.#request.maxBytes || this.#session.isClosed) break;
      ready.delete(entry);
      const found = this.#read(entry);
      const news = found instanceof Promise ? await found : found;
      if (news === undefined) continue;
      const { topicId } = entry.position;
      let topic = topics.get(topicId);
      if (topic === undefined) topics.set(topicId, topic = { topicId, partitions: [] });
      const { partitions } = topic;
      const known = partitions.findIndex(({ partitionIndex }) =>
        partitionIndex === news.response.partitionIndex
      );
      if (known >= 0) partitions[known] = news.response;
      else partitions.push(news.response);
      this.#size += news.size;
    }
  }

  /** What a follower should know about a partition; undefined if nothing is new to it. */
  #read(entry: ReplicaEntry): News | undefined | Promise<News | undefined> {
    const { position } = entry;
    const { fetchOffset } = position;
    try {
      const partition = this.#find(position);
      const { leaderEpoch, logEndOffset: endOffset } = partition;
      const diverging = divergence(position, (epoch) =>
        endOffsetForEpoch(partition.log, leaderEpoch, epoch)) ??
        divergenceWithoutRecords(position, { epoch: leaderEpoch, endOffset });
      if (diverging !== undefined) return this.#urgent(position, partition, diverging);
      if (fetchOffset < partition.log.logStartOffset) throw new OutOfRangeError(partition);
      if (entry.isNew) this.#note(entry, partition);
      if (fetchOffset >= partition.logEndOffset) return this.#news(entry, partition);
      const read = partition.log.read(fetchOffset, {
        withEmptyBatches: true,
        maxBytes: Math.min(position.maxBytes, this.#request.maxBytes - this.#size),
        minOneBatch: this.#size === 0,
      });
      const answer = (found: Awaited<typeof read>): News | undefined => {
        if (found.release !== undefined) this.#releases.push(found.release);
        if (found.sizeInBytes === 0) {
          // There is no room for it in this response.
          this.#session.ready.add(entry);
          return this.#news(entry, partition);
        }
        this.#isUrgent = true;
        const response = { ...describe(position.index, partition), records: found.chunks };
        return { response, size: found.sizeInBytes };
      };
      if (!(read instanceof Promise)) return answer(read);
      return read.then(answer, (error) => this.#fail(position.index, error));
    } catch (error) {
      return this.#fail(position.index, error);
    }
  }

  /**
   * Finds a partition, also while clients are not served: followers may be what is missing for that.
   *
   * @throws {ApiError} If this broker does not lead the partition, in the follower's epoch.
   */
  #find({ topicId, index, leaderEpoch }: ReplicaEntry["position"]): Partition {
    const topic = this.#context.broker.topics.byId(topicId);
    if (topic === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_ID);
    if (topic.state.partitions[index] === undefined) {
      throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    }
    const partition = topic.partitions[index];
    if (partition?.isLeader !== true) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    checkLeaderEpoch(leaderEpoch, partition);
    if (partition.leadership === undefined || leaderEpoch !== partition.leaderEpoch) {
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    if (!partition.replicas.includes(this.#session.replicaId)) {
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    }
    return partition;
  }

  #note(entry: ReplicaEntry, partition: Partition): void {
    entry.isNew = false;
    const { fetchOffset, logStartOffset } = entry.position;
    const { replicaId, replicaEpoch } = this.#session;
    partition.leadership!.fetched({
      replicaId,
      brokerEpoch: replicaEpoch,
      fetchOffset,
      logStartOffset,
      nowMs: this.#context.broker.clock.monotonic(),
    });
  }

  /** A response without records, if the follower does not know all that it says. */
  #news({ position }: ReplicaEntry, partition: Partition): News | undefined {
    const { highWatermark, log: { logStartOffset } } = partition;
    const isKnown = position.highWatermark >= highWatermark &&
      position.logStartOffset >= logStartOffset;
    return isKnown ? undefined : { response: describe(position.index, partition), size: 0 };
  }

  #urgent(
    { index }: ReplicaEntry["position"],
    partition: Partition,
    divergingEpoch: { readonly epoch: number; readonly endOffset: number },
  ): News {
    this.#isUrgent = true;
    return { response: { ...describe(index, partition), divergingEpoch }, size: 0 };
  }

  #fail(partitionIndex: number, error: unknown): News {
    this.#isUrgent = true;
    const response: PartitionResponse = {
      partitionIndex,
      errorCode: errorCodeOf(error, this.#context.broker.logger),
      highWatermark: -1,
      abortedTransactions: null,
      records: NO_RECORDS,
      // A follower whose log ends before the leader's begins there.
      ...(error instanceof OutOfRangeError ? { logStartOffset: error.logStartOffset } : {}),
    };
    return { response, size: 0 };
  }
}

/** A follower's log ends before the leader's first record. */
class OutOfRangeError extends ApiError {
  readonly logStartOffset: number;

  constructor({ log: { logStartOffset } }: Partition) {
    super(ErrorCode.OFFSET_OUT_OF_RANGE);
    this.logStartOffset = logStartOffset;
  }
}

function describe(partitionIndex: number, partition: Partition): PartitionResponse {
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    highWatermark: partition.highWatermark,
    lastStableOffset: knownStableOffset(partition),
    logStartOffset: partition.log.logStartOffset,
    abortedTransactions: null,
    records: NO_RECORDS,
  };
}
