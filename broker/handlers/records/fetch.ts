/**
 * Fetch: reads record batches. Versions 4 to 18.
 *
 * Partitions are read in request order until the request's limits are reached. The first batch is
 * returned even if it is larger than the limits (KIP-74). If slow clients hold much of the response
 * memory (`queued.max.response.bytes`), less is returned and clients fetch again. If fewer than
 * `minBytes` are available and nothing else must be reported immediately, the request waits in its
 * partitions until more data arrives or `maxWaitMs` expires. Consumers see records below the high
 * watermark, or with `read_committed` below the last stable offset, and with these the aborted
 * transactions among them, by their first offset.
 *
 * A consumer that names its rack is sent to an in-sync replica there, and reads from that what it
 * knows to be committed (KIP-392).
 *
 * Version 7 adds sessions (KIP-227), 9 leader epochs (KIP-320), 10 zstd, 11 racks (KIP-392), 12 is
 * flexible and reports diverging epochs (KIP-595), 13 identifies topics by id (KIP-516), 16 returns
 * the addresses of new leaders (KIP-951); 14, 15, 17 and 18 concern replicas.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { fetch, IsolationLevel } from "../../../protocol/messages/records/fetch.ts";
import type { RequestOf, ResponseTo } from "../../../protocol/schema/schema.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import type { LogRead } from "../../../storage/log/log_read.ts";
import { runSliced, TimeSlice } from "../../../storage/time_slice.ts";
import { OffsetOutOfRangeError } from "../../../storage/errors.ts";
import type { AbortedTransaction } from "../../../storage/log/transactions/mod.ts";
import { pause } from "../../time/pause.ts";
import { ApiError, errorCodeOf } from "../../api_error.ts";
import {
  type FetchPartition,
  type FetchPlan,
  requestedPartitionsInSteps,
} from "../../fetch_sessions.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { divergence } from "../../roles/divergence.ts";
import type { Partition } from "../../topics/partition.ts";
import type { Topic } from "../../topics/topic.ts";
import { LeaderHints } from "./leader_hints.ts";
import { preferredReplica } from "../../replication/preferred_replica.ts";
import { knownStableOffset } from "./known_stable_offset.ts";
import { mayActAsBroker } from "../access/mod.ts";
import { mapNested } from "../each_item.ts";
import { FETCH_ACCESS, type MayFetch, mayFetch } from "./record_access.ts";
import { leaderIn } from "./leader_of.ts";
import { replicaFetch } from "./replica_fetch.ts";

type Request = RequestOf<typeof fetch>;
type Response = ResponseTo<typeof fetch>;
type TopicResponse = Response["responses"][number];
type PartitionResponse = TopicResponse["partitions"][number];

/** Number of partitions above which a request is served in slices. */
const LONG = 256;
const FIRST_VERSION_WITH_RACK = 11;
const FIRST_VERSION_WITH_LEADERS = 12;
const FIRST_VERSION_WITH_ENDPOINTS = 16;
const UNCHECKED_EPOCH = -1;
/** Errors that make a client look up the leader. */
const ENDS_LEADERSHIP: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.FENCED_LEADER_EPOCH,
]);
const NO_RECORDS = new Uint8Array(0);
const NONE_ABORTED: readonly AbortedTransaction[] = [];
const NOTHING = { sizeInBytes: 0, nextOffset: -1 };
/**
 * How long a leader waits for its followers to prove that it leads, and how often it looks. They fetch at
 * least every half second.
 */
const MAX_PROOF_MS = 1250;
const PROOF_CHECK_MS = 20;

/** Bytes of records that a fetch may return even if clients hold all response memory. */
const LEAST_BYTES = 64 * 1024;

/** Serves Fetch. */
export const fetchHandler: ApiHandler = handler(fetch, handleFetch, FETCH_ACCESS);

async function handleFetch(request: Request, context: RequestContext): Promise<Response> {
  const { broker, apiVersion } = context;
  if (request.replicaState.replicaId >= 0 || request.replicaId >= 0) {
    return mayActAsBroker(context) ? await replicaFetch(request, context) : await refuse(request);
  }
  const { quotas } = broker;
  const delayMs = quotas.isActive ? Math.ceil(quotas.fetchDelayMs(context)) : 0;
  // Of a session that begins, every partition would have to be answered.
  if (delayMs > 0 && request.sessionEpoch <= 0) return { throttleTimeMs: delayMs, responses: [] };
  const asked = isLong(request) ? await runSliced(requestedPartitionsInSteps(request)) : undefined;
  const plan = broker.fetchSessions.plan(
    request,
    apiVersion,
    broker.clock.monotonic(),
    asked,
    context.session.principal,
  );
  if (plan.errorCode !== ErrorCode.NONE) return { errorCode: plan.errorCode, responses: [] };
  if (delayMs > 0) {
    return { throttleTimeMs: delayMs, sessionId: plan.sessionId, responses: [] };
  }
  const reading = new Reading(plan, request, context);
  try {
    await reading.collect();
    if (reading.shouldWait) await reading.waitForMore();
    const responses = reading.responses();
    return {
      throttleTimeMs: quotas.isActive ? Math.ceil(quotas.fetched(context, reading.size)) : 0,
      sessionId: plan.sessionId,
      responses: responses instanceof Promise ? await responses : responses,
      ...reading.nodeEndpoints,
    };
  } finally {
    context.whenTaken(() => reading.release());
  }
}

/** The answer to a replica that is no broker. */
async function refuse({ topics }: Request): Promise<Response> {
  const answered = await mapNested(topics, ({ partitions }) => partitions, (_, { partition }) => ({
    partitionIndex: partition,
    errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
    highWatermark: -1,
    abortedTransactions: null,
    records: NO_RECORDS,
  }));
  return {
    responses: answered.map(([{ topic, topicId }, partitions]) => ({ topic, topicId, partitions })),
  };
}

/** Whether a request lists, or forgets, very many partitions. */
function isLong({ topics }: Request): boolean {
  let count = topics.length;
  for (let i = 0; i < topics.length && count <= LONG; i++) count += topics[i]!.partitions.length;
  return count > LONG;
}

/** A partition of a request and the data read from it. */
interface Found {
  readonly wanted: FetchPartition;
  readonly response: PartitionResponse;
  readonly size: number;
  readonly partition?: Partition;
  /** The offset after the records. */
  readonly nextOffset?: number;
}

/** Topics of a response, by name or id. */
type ResponseTopics = Map<
  string,
  { -readonly [K in keyof TopicResponse]: TopicResponse[K] } & {
    partitions: PartitionResponse[];
  }
>;

/** The data read so far for one request. */
class Reading {
  readonly #plan: FetchPlan;
  readonly #request: Request;
  readonly #context: RequestContext;
  #found: Found[] = [];
  #size = 0;
  #maxBytes = 0;
  /** Number of bytes at which the request is answered without waiting. */
  #enough = 0;
  /** Bytes taken from the response memory. */
  #held = 0;
  /** Callbacks that release read buffers. */
  #releases: (() => void)[] = [];
  /** Whether there is something to report without waiting for data. */
  #isUrgent = false;

  /** When this broker began to doubt that it leads what it is asked for. */
  #doubtedMs: number | undefined;
  /** The leaders of partitions that this broker does not lead. */
  #hints: LeaderHints | undefined;
  /** What the client may read; `undefined` while that is everything. */
  #mayFetch: MayFetch | undefined;
  /** Yields to the event loop if there are very many partitions. */
  readonly #slice: TimeSlice | undefined;

  constructor(plan: FetchPlan, request: Request, context: RequestContext) {
    this.#slice = plan.partitions.length > LONG ? new TimeSlice() : undefined;
    this.#plan = plan;
    this.#request = request;
    this.#context = context;
  }

  /** Bytes of the records read. */
  get size(): number {
    return this.#size;
  }

  get shouldWait(): boolean {
    return !this.#isUrgent && this.#size < this.#enough &&
      this.#request.maxWaitMs > 0 && this.#plan.partitions.length > 0;
  }

  /** Reads every partition again. */
  async collect(): Promise<void> {
    this.release();
    this.#takeMemory();
    // It may have been revoked while the request waited.
    this.#mayFetch = mayFetch(this.#context);
    const slice = this.#slice;
    for (const wanted of this.#plan.partitions) {
      if (slice?.isOver) await slice.pause();
      // Only reads that the batch cache cannot serve are awaited; most requests complete without
      // yielding.
      const found = this.#read(wanted);
      this.#add(found instanceof Promise ? await found : found);
    }
    this.#context.broker.responseMemory.adjust(this.#held, this.#size);
    this.#held = this.#size;
  }

  /** Discards the data read, whose buffers are no longer used. */
  release(): void {
    this.#context.broker.responseMemory.release(this.#held);
    for (const release of this.#releases) release();
    this.#releases = [];
    this.#held = 0;
    this.#found = [];
    this.#size = 0;
  }

  #takeMemory(): void {
    const { config, responseMemory, quotas } = this.#context.broker;
    const wanted = Math.min(
      this.#request.maxBytes,
      config.get("fetch.max.bytes"),
      quotas.isActive ? Math.ceil(quotas.fetchLimit(this.#context)) : Infinity,
    );
    this.#held = responseMemory.takeShare(Math.max(0, wanted), LEAST_BYTES);
    this.#maxBytes = this.#held;
    const minBytes = Math.min(this.#request.minBytes, wanted);
    // Do not wait for more data than there is memory for. Whole batches rarely fill it.
    this.#enough = this.#maxBytes < wanted ? Math.min(minBytes, this.#maxBytes / 2) : minBytes;
  }

  #add(found: Found): void {
    this.#found.push(found);
    this.#size += found.size;
    const { errorCode, divergingEpoch, preferredReadReplica } = found.response;
    if (errorCode !== ErrorCode.NONE || divergingEpoch || preferredReadReplica !== undefined) {
      this.#isUrgent = true;
    }
  }

  #read(wanted: FetchPartition): Found | Promise<Found> {
    let partition: Partition;
    if (this.#mayFetch?.(wanted.topic, wanted.topicId) === false) {
      return this.#fail(wanted, new ApiError(ErrorCode.TOPIC_AUTHORIZATION_FAILED));
    }
    try {
      partition = find(wanted, this.#rackId, this.#context);
    } catch (error) {
      return this.#fail(wanted, error);
    }
    try {
      checkEpoch(wanted.currentLeaderEpoch, partition.leaderEpoch);
      const diverging = divergence(wanted, (epoch) => partition.endOffsetForEpoch(epoch));
      if (diverging !== undefined) {
        return this.#answer(wanted, partition, { divergingEpoch: diverging });
      }
      const preferred = this.#preferred(wanted, partition);
      if (preferred !== undefined) return preferred;
      const read = partition.read(wanted.fetchOffset, {
        maxBytes: Math.max(0, Math.min(wanted.maxBytes, this.#maxBytes - this.#size)),
        minOneBatch: this.#size === 0,
        isolationLevel: this.#request.isolationLevel,
      });
      const { counters } = this.#context.broker;
      if (!(read instanceof Promise)) {
        if (read.sizeInBytes > 0) counters.cacheHits++;
        return this.#answerRead(wanted, partition, read);
      }
      counters.cacheMisses++;
      return read.then(
        (read) => {
          if (read.release !== undefined) this.#releases.push(read.release);
          return this.#answerRead(wanted, partition, read);
        },
        (error) => this.#refuse(wanted, partition, error),
      );
    } catch (error) {
      return this.#refuse(wanted, partition, error);
    }
  }

  /**
   * The error of a partition. Before an offset is refused that lies beyond the log, this broker makes sure
   * that it still leads: the client may have read from the leader that has replaced it, and would start
   * again somewhere else.
   */
  #refuse(
    wanted: FetchPartition,
    partition: Partition,
    error: unknown,
  ): Found | Promise<Found> {
    const isBeyond = error instanceof OffsetOutOfRangeError && partition.isLeader &&
      wanted.fetchOffset > partition.logEndOffset;
    if (!isBeyond) return this.#fail(wanted, error);
    const sinceMs = this.#doubtedMs ??= this.#context.broker.clock.monotonic();
    if (partition.hasLedSince(sinceMs)) return this.#fail(wanted, error);
    return this.#proven(partition, sinceMs).then((isProven) =>
      this.#fail(wanted, isProven ? error : new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER))
    );
  }

  /** Whether this broker turns out to lead a partition still. */
  async #proven(partition: Partition, sinceMs: number): Promise<boolean> {
    const { broker: { clock }, signal } = this.#context;
    while (partition.isLeader && !signal.aborted) {
      if (partition.hasLedSince(sinceMs)) return true;
      if (clock.monotonic() >= sinceMs + MAX_PROOF_MS) return false;
      await pause(clock, PROOF_CHECK_MS, signal);
    }
    return false;
  }

  /** The rack of a consumer that can read from followers; empty if it cannot. */
  get #rackId(): string {
    return this.#context.apiVersion < FIRST_VERSION_WITH_RACK ? "" : this.#request.rackId;
  }

  /** Names a replica in the consumer's rack. */
  #preferred(wanted: FetchPartition, partition: Partition): Found | undefined {
    const { cluster } = this.#context.broker;
    const rack = this.#rackId;
    if (rack === "") return undefined;
    const preferredReadReplica = preferredReplica(partition, rack, wanted.fetchOffset, cluster);
    if (preferredReadReplica === undefined) return undefined;
    return this.#answer(wanted, partition, { preferredReadReplica });
  }

  /**
   * Answers with the batches read, and for `read_committed` with the aborted transactions that they
   * may have records of. The list is made after the read: it bounds what was really read, and all
   * transactions below the last stable offset of the read have ended.
   */
  #answerRead(wanted: FetchPartition, partition: Partition, read: LogRead): Found {
    const records = read.chunks;
    if (!this.#isReadCommitted || read.sizeInBytes === 0) {
      return this.#answer(wanted, partition, { records }, read);
    }
    try {
      const { log } = partition;
      const abortedTransactions = log.abortedTransactions(wanted.fetchOffset, read.nextOffset);
      return this.#answer(wanted, partition, { records, abortedTransactions }, read);
    } catch (error) {
      return this.#fail(wanted, error);
    }
  }

  get #isReadCommitted(): boolean {
    return this.#request.isolationLevel === IsolationLevel.readCommitted;
  }

  #answer(
    wanted: FetchPartition,
    partition: Partition,
    found: Partial<PartitionResponse>,
    { sizeInBytes, nextOffset }: Pick<LogRead, "sizeInBytes" | "nextOffset"> = NOTHING,
  ): Found {
    const response: PartitionResponse = {
      partitionIndex: wanted.partition,
      errorCode: ErrorCode.NONE,
      highWatermark: partition.highWatermark,
      lastStableOffset: this.#isReadCommitted
        ? partition.lastStableOffset
        : knownStableOffset(partition),
      logStartOffset: partition.logStartOffset,
      abortedTransactions: this.#isReadCommitted ? NONE_ABORTED : null,
      records: NO_RECORDS,
      ...found,
    };
    return { wanted, response, size: sizeInBytes, partition, nextOffset };
  }

  #fail(wanted: FetchPartition, error: unknown): Found {
    const { counters, logger } = this.#context.broker;
    const errorCode = errorCodeOf(error, logger);
    counters.api(fetch.key).failed(errorCode);
    const response: PartitionResponse = {
      partitionIndex: wanted.partition,
      errorCode: sentAs(errorCode, this.#context.apiVersion),
      highWatermark: -1,
      abortedTransactions: null,
      records: NO_RECORDS,
      ...this.#leaderHint(wanted, errorCode),
    };
    return { wanted, response, size: 0 };
  }

  /** The leader of a partition that is not led here, or not in the client's epoch. */
  #leaderHint(wanted: FetchPartition, errorCode: number): Pick<PartitionResponse, "currentLeader"> {
    const { apiVersion } = this.#context;
    if (apiVersion < FIRST_VERSION_WITH_LEADERS || !ENDS_LEADERSHIP.has(errorCode)) return {};
    this.#hints ??= new LeaderHints(this.#context);
    const topic = topicOf(wanted, this.#context);
    const currentLeader = this.#hints.leaderOf(topic?.state, wanted.partition);
    return currentLeader === undefined ? {} : { currentLeader };
  }

  /** The addresses of the leaders named in the response. */
  get nodeEndpoints(): Pick<Response, "nodeEndpoints"> {
    if (this.#hints === undefined || this.#context.apiVersion < FIRST_VERSION_WITH_ENDPOINTS) {
      return {};
    }
    return { nodeEndpoints: this.#hints.nodeEndpoints };
  }

  /** Waits until the partitions have `minBytes`, at most `maxWaitMs`, and not beyond the client's session. */
  async waitForMore(): Promise<void> {
    const { broker, signal, session: { expiresMs = Infinity } } = this.#context;
    const startMs = broker.clock.monotonic();
    const waitMs = Math.min(this.#request.maxWaitMs, Math.max(0, expiresMs - startMs));
    let wake = () => {};
    let isOver = signal.aborted;
    const end = () => {
      isOver = true;
      wake();
    };
    const timer = broker.clock.setTimeout(end, waitMs);
    signal.addEventListener("abort", end);
    let hasNews = false;
    const onNews = () => {
      hasNews = true;
      wake();
    };
    const unsubscribes = this.#plan.partitions.map((wanted) =>
      lookUp(wanted, this.#context)?.subscribe(onNews, this.#request.isolationLevel)
    );
    try {
      // Data may have arrived between the first read and the subscription.
      await this.collect();
      while (this.shouldWait && !isOver) {
        if (!hasNews) await new Promise<void>((resolve) => wake = resolve);
        hasNews = false;
        await this.collect();
      }
    } finally {
      this.#context.waited(broker.clock.monotonic() - startMs);
      broker.clock.clearTimeout(timer);
      signal.removeEventListener("abort", end);
      for (const unsubscribe of unsubscribes) unsubscribe?.();
    }
  }

  /** The topics of the response. An incremental one omits partitions without changes. */
  responses(): TopicResponse[] | Promise<TopicResponse[]> {
    const topics: ResponseTopics = new Map();
    const withData: FetchPartition[] = [];
    if (this.#found.length > LONG) return this.#longResponses(topics, withData);
    for (const found of this.#found) this.#addTo(topics, withData, found);
    this.#context.broker.fetchSessions.served(this.#plan, withData);
    return [...topics.values()];
  }

  async #longResponses(
    topics: ResponseTopics,
    withData: FetchPartition[],
  ): Promise<TopicResponse[]> {
    const slice = new TimeSlice();
    for (const found of this.#found) {
      this.#addTo(topics, withData, found);
      if (slice.isOver) await slice.pause();
    }
    this.#context.broker.fetchSessions.served(this.#plan, withData);
    return [...topics.values()];
  }

  #addTo(
    topics: ResponseTopics,
    withData: FetchPartition[],
    { wanted, response, size, partition, nextOffset }: Found,
  ): void {
    if (size > 0) {
      withData.push(wanted);
      const { traffic } = partition!;
      traffic.bytesOut += size;
      traffic.recordsOut += nextOffset! - wanted.fetchOffset;
    }
    if (this.#plan.isIncremental && !hasNews(wanted, response, size)) return;
    wanted.lastHighWatermark = response.highWatermark;
    wanted.lastLogStartOffset = response.logStartOffset ?? -1;
    const key = wanted.topicId === ZERO_UUID ? wanted.topic : wanted.topicId;
    let topic = topics.get(key);
    if (topic === undefined) {
      topic = { topic: wanted.topic, topicId: wanted.topicId, partitions: [] };
      topics.set(key, topic);
    }
    topic.partitions.push(response);
  }
}

function hasNews(wanted: FetchPartition, response: PartitionResponse, size: number): boolean {
  return size > 0 || response.errorCode !== ErrorCode.NONE ||
    response.divergingEpoch !== undefined || response.preferredReadReplica !== undefined ||
    response.highWatermark !== wanted.lastHighWatermark ||
    (response.logStartOffset ?? -1) !== wanted.lastLogStartOffset;
}

function topicOf(
  { topic, topicId }: FetchPartition,
  { broker }: RequestContext,
): Topic | undefined {
  return topicId === ZERO_UUID ? broker.topics.get(topic) : broker.topics.byId(topicId);
}

function lookUp(wanted: FetchPartition, context: RequestContext): Partition | undefined {
  return topicOf(wanted, context)?.partitions[wanted.partition];
}

/** The partition, if this broker leads it, or follows and may be read by a consumer in a rack. */
function find(wanted: FetchPartition, rackId: string, context: RequestContext): Partition {
  const topic = topicOf(wanted, context);
  if (topic === undefined && wanted.topicId !== ZERO_UUID) {
    throw new ApiError(ErrorCode.UNKNOWN_TOPIC_ID);
  }
  const replica = topic?.partitions[wanted.partition];
  if (rackId !== "" && replica?.isReadable === true) return replica;
  return leaderIn(topic, wanted.partition);
}

function checkEpoch(known: number, current: number): void {
  if (known === UNCHECKED_EPOCH || known === current) return;
  throw new ApiError(
    known < current ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH,
  );
}

/** Clients up to version 5 do not know KAFKA_STORAGE_ERROR; they get a leader change instead. */
function sentAs(errorCode: number, apiVersion: number): number {
  return errorCode === ErrorCode.KAFKA_STORAGE_ERROR && apiVersion <= 5
    ? ErrorCode.NOT_LEADER_OR_FOLLOWER
    : errorCode;
}
