/**
 * Produce: appends record batches. Versions 3 to 13; 0 to 2 are advertised but refused.
 *
 * Each partition has exactly one record batch of format v2. `acks=0` gets no response, and a closed
 * connection if anything failed; `acks=1` is answered after the append; `acks=all` once the topic's
 * flush policy considers it durable, or with REQUEST_TIMED_OUT after the request's timeout. A
 * failed partition does not affect the others; its result lists the invalid records (KIP-467), up
 * to a thousand per response.
 *
 * Before a batch opens a transaction in a partition, the coordinator of the transaction is asked
 * (`verify_transaction.ts`); the connection's next request waits for that.
 *
 * Version 7 allows zstd, 8 explains rejected records (KIP-467), 9 is flexible, 10 names the current
 * leader with NOT_LEADER_OR_FOLLOWER (KIP-951), 11 may return TRANSACTION_ABORTABLE and 12 adds the
 * partition to the transaction (KIP-890), 13 identifies topics by id (KIP-516). librdkafka
 * before 2.11.1 disables compression unless the advertised range starts at 0 (KAFKA-18659).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { RecordBatch } from "../../../protocol/records/mod.ts";
import { Acks, produce } from "../../../protocol/messages/records/produce.ts";
import type { RequestOf, ResponseTo } from "../../../protocol/schema/schema.ts";
import {
  InvalidRecordError,
  InvalidTimestampError,
  OutOfOrderSequenceError,
  UnverifiedTransactionError,
} from "../../../storage/errors.ts";
import type { Verification } from "../../../storage/log/producers/mod.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { ApiError, errorCodeOf, errorMessageOf } from "../../api_error.ts";
import { type ApiHandler, handler, NO_RESPONSE, type RequestContext } from "../../handler.ts";
import { ProtocolViolationError } from "../../protocol_violation_error.ts";
import type { AppendResult, Partition } from "../../topics/partition.ts";
import type { Topic } from "../../topics/topic.ts";
import { LeaderHints } from "./leader_hints.ts";
import { PRODUCE_ACCESS, type ProduceDenial, produceDenial } from "./record_access.ts";
import { mayLeadSoon, whenElected } from "./imminent_election.ts";
import { unverified, verifyTransaction } from "./verify_transaction.ts";
import { FIRST_PRODUCE_WITH_TRANSACTION_V2 } from "../../transactions/verification/client_errors.ts";
import { producedBatch } from "../../validation/produced_batch.ts";

type Request = RequestOf<typeof produce>;
type Response = ResponseTo<typeof produce>;
type TopicResponse = Response["responses"][number];
type PartitionRequest = Request["topicData"][number]["partitionData"][number];
type PartitionResponse = { -readonly [K in keyof Entry]: Entry[K] };
type RecordErrors = NonNullable<Entry["recordErrors"]>;
type Entry = TopicResponse["partitionResponses"][number];

const FIRST_VERSION_WITH_LEADER_HINTS = 10;
const FIRST_VERSION_WITH_TOPIC_ID = 13;

/** Number of partitions above which a request is processed in slices. */
const LONG = 1000;

/** How long a request may append without yielding; the rest is done in slices. */
const SLICE_MS = 5;

/**
 * Maximum number of rejected records listed in a response, so that it is not much larger than the
 * request.
 */
const MAX_RECORD_ERRORS = 1000;

/** Serves Produce. */
export const produceHandler: ApiHandler = handler(
  produce,
  handleProduce,
  PRODUCE_ACCESS,
  { min: 0, max: 13 },
);

/** The result of a partition whose batch is rejected without validation. */
type Refusal = Pick<PartitionResponse, "errorCode" | "errorMessage">;

const UNKNOWN_TOPIC_ID: Refusal = { errorCode: ErrorCode.UNKNOWN_TOPIC_ID };
const UNKNOWN_PARTITION: Refusal = { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION };
const NOT_LEADER: Refusal = { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER };
const INVALID_ACKS: Refusal = {
  errorCode: ErrorCode.INVALID_REQUIRED_ACKS,
  errorMessage: "Cannot produce: acks must be -1 (all), 0 or 1",
};
const NO_RECORDS: Refusal = {
  errorCode: ErrorCode.INVALID_RECORD,
  errorMessage: "Cannot append: the request carries no records",
};

/** Errors of batches that are not appended for the moment. */
const REFUSALS: ReadonlySet<number> = new Set([
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.CONCURRENT_TRANSACTIONS,
]);

/** An append whose response waits until it is durable. */
interface Uncommitted {
  readonly response: PartitionResponse;
  readonly topic: Topic;
  readonly partition: Partition;
  readonly leaderEpoch: number;
  readonly committed: Promise<void>;
  isSettled: boolean;
}

function handleProduce(
  request: Request,
  context: RequestContext,
): Response | typeof NO_RESPONSE | Promise<Response | typeof NO_RESPONSE> {
  const production = new Production(request, context);
  if (isLong(request)) {
    context.keepFrame();
    const appending = appendInSlices(request, production, context)
      .then((responses) => production.holdBack().then(() => responses));
    context.holdBack(appending);
    return appending.then((responses) => production.answerLate(responses));
  }
  const responses = request.topicData.map((data): TopicResponse => {
    const topic = topicOf(data, context);
    const denial = production.denialOf(data, topic);
    return {
      name: data.name,
      topicId: data.topicId,
      partitionResponses: data.partitionData.map((partition) =>
        denial === undefined ? production.append(topic, partition) : refused(partition, denial)
      ),
    };
  });
  if (production.late.length === 0) return production.answer(responses);
  // Their batches are views of the frame.
  context.keepFrame();
  if (production.isHeldBack) context.holdBack(production.holdBack());
  return production.answerLate(responses);
}

function topicOf(
  { name, topicId }: Request["topicData"][number],
  { apiVersion, broker: { topics } }: RequestContext,
): Topic | undefined {
  return apiVersion >= FIRST_VERSION_WITH_TOPIC_ID ? topics.byId(topicId) : topics.get(name);
}

/** Whether a request has very many partitions. */
function isLong({ topicData }: Request): boolean {
  let count = topicData.length;
  for (let i = 0; i < topicData.length && count <= LONG; i++) {
    count += topicData[i]!.partitionData.length;
  }
  return count > LONG;
}

/** Appends in request order; the connection's next request waits meanwhile. */
async function appendInSlices(
  request: Request,
  production: Production,
  context: RequestContext,
): Promise<TopicResponse[]> {
  const responses: TopicResponse[] = [];
  const slice = new TimeSlice(SLICE_MS);
  for (const data of request.topicData) {
    const topic = topicOf(data, context);
    const denial = production.denialOf(data, topic);
    const partitionResponses: PartitionResponse[] = [];
    for (const partition of data.partitionData) {
      partitionResponses.push(
        denial === undefined ? production.append(topic, partition) : refused(partition, denial),
      );
      if (slice.isOver) await slice.pause();
    }
    responses.push({ name: data.name, topicId: data.topicId, partitionResponses });
    if (slice.isOver) await slice.pause();
  }
  return responses;
}

/** The appends of one request. */
class Production {
  readonly #request: Request;
  readonly #context: RequestContext;
  readonly #nowMs: number;
  /** What the client must not produce; `undefined` while everything is allowed. */
  readonly #denial: ProduceDenial | undefined;
  /** Set at the second append: reading the clock costs 2% of an append. */
  #slice: TimeSlice | undefined;
  #hasAppended = false;
  readonly #uncommitted: Uncommitted[] = [];
  #recordErrorsLeft = MAX_RECORD_ERRORS;
  /** The leaders of partitions that this broker does not lead. */
  #hints: LeaderHints | undefined;
  /** Appends in progress. They do not reject. */
  readonly late: Promise<void>[] = [];
  /** Those that wait for an election, or for the coordinator of a transaction. */
  readonly #waiting: Promise<void>[] = [];

  constructor(request: Request, context: RequestContext) {
    this.#request = request;
    this.#context = context;
    this.#nowMs = context.broker.clock.now();
    this.#denial = produceDenial(request, context);
  }

  /** The error of what the client must not produce to a topic. */
  denialOf({ name }: Request["topicData"][number], topic: Topic | undefined): number | undefined {
    const isById = this.#context.apiVersion >= FIRST_VERSION_WITH_TOPIC_ID;
    const errorCode = this.#denial?.(isById ? topic?.name : name);
    if (errorCode !== undefined) this.#context.broker.counters.api(produce.key).failed(errorCode);
    return errorCode;
  }

  append(topic: Topic | undefined, request: PartitionRequest): PartitionResponse {
    const { index } = request;
    const response: PartitionResponse = { index, errorCode: ErrorCode.NONE, baseOffset: -1 };
    const partition = topic?.partitions[index];
    const refusal = this.#refusalOf(topic, index, partition, request.records);
    const { cluster } = this.#context.broker;
    if (refusal === NOT_LEADER && partition !== undefined && mayLeadSoon(partition, cluster)) {
      const elected = whenElected(partition, this.#context);
      this.#holdBackFor(elected.then(() => this.#appendNow(response, topic, request)));
    } else {
      const verified = this.#appendNow(response, topic, request, refusal);
      if (verified !== undefined) this.#holdBackFor(verified);
    }
    return response;
  }

  /** Lets the connection's next request wait, whose batches would come before this one. */
  #holdBackFor(work: Promise<void>): void {
    this.#waiting.push(work);
    this.late.push(work);
  }

  /** Appends now, or when the coordinator of the batch's transaction has answered. */
  #appendNow(
    response: PartitionResponse,
    topic: Topic | undefined,
    { index, records }: PartitionRequest,
    known?: Refusal,
  ): Promise<void> | undefined {
    const partition = topic?.partitions[index];
    const refusal = known ?? this.#refusalOf(topic, index, partition, records);
    if (refusal !== undefined) {
      Object.assign(response, refusal);
      if (refusal === NOT_LEADER) this.#noteRefused(partition, records);
      this.#context.broker.counters.api(produce.key).failed(refusal.errorCode);
      this.#hintAtLeader(response, topic);
      return undefined;
    }
    let batch: RecordBatch | undefined;
    try {
      batch = producedBatch(records!, this.#context.apiVersion);
      if (partition!.hasRefusedBatches) this.#checkFirst(partition!, batch);
      const verified = batch.isTransactional
        ? verifyTransaction(partition!, batch, this.#request.transactionalId, this.#context)
        : undefined;
      if (verified !== undefined) {
        return this.#appendVerified(response, topic!, partition!, batch, verified);
      }
      const appended = this.#produce(partition!, batch);
      if (appended instanceof Promise) {
        this.late.push(this.#appendLater(response, appended, topic!, batch));
      } else this.#appended(response, appended, topic!, batch);
    } catch (error) {
      this.#failed(response, this.#explained(error, partition!, batch), topic!);
    }
    return undefined;
  }

  /** Appends the batch of a transaction when its coordinator has confirmed it. */
  async #appendVerified(
    response: PartitionResponse,
    topic: Topic,
    partition: Partition,
    batch: RecordBatch,
    verified: Promise<Verification | undefined>,
  ): Promise<void> {
    const { leaderEpoch } = partition;
    try {
      const verification = await verified;
      // What was asked for the epoch before may have been cut off.
      if (partition.leaderEpoch !== leaderEpoch) throw notLeader();
      const appended = this.#produce(partition, batch, verification);
      this.#appended(
        response,
        appended instanceof Promise ? await appended : appended,
        topic,
        batch,
      );
    } catch (error) {
      this.#failed(response, this.#explained(error, partition, batch), topic);
    }
  }

  #produce(
    partition: Partition,
    batch: RecordBatch,
    verification?: Verification,
  ): AppendResult | Promise<AppendResult> {
    return partition.produce(batch, {
      acks: this.#request.acks as Acks,
      nowMs: this.#nowMs,
      validations: this.#context.broker.validations,
      isLate: this.#isLate(),
      verification,
      isTransactionV2: this.#context.apiVersion >= FIRST_PRODUCE_WITH_TRANSACTION_V2,
    });
  }

  /** Notes that a batch was not appended because this broker does not lead. */
  #noteRefused(partition: Partition | undefined, records: Uint8Array | null): void {
    if (partition === undefined || records === null || records.length === 0) return;
    try {
      const batch = producedBatch(records, this.#context.apiVersion);
      this.#explained(new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER), partition, batch);
    } catch {
      // It would not be appended in any case.
    }
  }

  /** The error that a producer is told: that of an earlier batch if this one only fails because of that. */
  #explained(error: unknown, partition: Partition, batch: RecordBatch | undefined): unknown {
    if (batch === undefined) return error;
    const nowMs = this.#context.broker.clock.monotonic();
    if (error instanceof ApiError && REFUSALS.has(error.code)) {
      partition.refusedBatches.note(batch, error.code, nowMs);
    } else if (error instanceof OutOfOrderSequenceError && partition.hasRefusedBatches) {
      const code = partition.refusedBatches.errorAfter(batch, nowMs);
      if (code !== undefined) return new ApiError(code, error.message);
    }
    return error;
  }

  /** The first batch of a producer may have any sequence, but must not overtake one that was refused. */
  #checkFirst({ refusedBatches, log }: Partition, batch: RecordBatch): void {
    const code = refusedBatches.errorAfter(batch, this.#context.broker.clock.monotonic());
    if (code === undefined || log.producers.has(batch.producerId)) return;
    throw new OutOfOrderSequenceError(
      `Cannot append to "${log.name}": an earlier batch of producer ${batch.producerId} was refused`,
    );
  }

  /** Whether the connection's next request must wait: its batches would come before these. */
  get isHeldBack(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves when it need not wait any longer. */
  async holdBack(): Promise<void> {
    for (const work of this.#waiting) await work;
  }

  /** The response, once the appends in progress are done. */
  async answerLate(
    responses: readonly TopicResponse[],
  ): Promise<Response | typeof NO_RESPONSE> {
    for (const append of this.late) await append;
    return await this.answer(responses);
  }

  /** Whether appends have used up the time slice. */
  #isLate(): boolean {
    if (!this.#hasAppended) {
      this.#hasAppended = true;
      return false;
    }
    return (this.#slice ??= new TimeSlice(SLICE_MS)).isOver;
  }

  /**
   * The error of a partition's part of the request, if it is malformed. Returned, not thrown,
   * because there may be very many.
   */
  #refusalOf(
    topic: Topic | undefined,
    index: number,
    partition: Partition | undefined,
    records: Uint8Array | null,
  ): Refusal | undefined {
    const { acks } = this.#request;
    if (acks < Acks.all || acks > Acks.leader) return INVALID_ACKS;
    if (topic === undefined && this.#context.apiVersion >= FIRST_VERSION_WITH_TOPIC_ID) {
      return UNKNOWN_TOPIC_ID;
    }
    if (topic?.state.partitions[index] === undefined) return UNKNOWN_PARTITION;
    if (partition?.isServed !== true) return NOT_LEADER;
    return records === null || records.length === 0 ? NO_RECORDS : undefined;
  }

  /** The response, once all appends are done. */
  answer(
    responses: readonly TopicResponse[],
  ): Response | typeof NO_RESPONSE | Promise<Response> {
    if (this.#request.acks === Acks.none) return closeIfFailed(responses);
    if (this.#uncommitted.length === 0) return this.#response(responses);
    return this.#commit(responses);
  }

  #response(responses: readonly TopicResponse[]): Response {
    return this.#hints === undefined
      ? { responses }
      : { responses, nodeEndpoints: this.#hints.nodeEndpoints };
  }

  async #appendLater(
    response: PartitionResponse,
    appended: Promise<AppendResult>,
    topic: Topic,
    batch: RecordBatch,
  ): Promise<void> {
    try {
      this.#appended(response, await appended, topic, batch);
    } catch (error) {
      const partition = topic.partitions[response.index]!;
      this.#failed(response, this.#explained(error, partition, batch), topic);
    }
  }

  /** Names the leader of a partition that is not led here, where the client knows what to do with it. */
  #hintAtLeader(response: PartitionResponse, topic: Topic | undefined): void {
    if (response.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) return;
    if (this.#context.apiVersion < FIRST_VERSION_WITH_LEADER_HINTS) return;
    this.#hints ??= new LeaderHints(this.#context);
    const leader = this.#hints.leaderOf(topic?.state, response.index);
    if (leader !== undefined) response.currentLeader = leader;
  }

  #appended(
    response: PartitionResponse,
    appended: AppendResult,
    topic: Topic,
    batch: RecordBatch,
  ): void {
    const partition = topic.partitions[response.index]!;
    const { traffic, leaderEpoch } = partition;
    traffic.bytesIn += batch.sizeInBytes;
    traffic.recordsIn += batch.recordCount;
    response.baseOffset = appended.baseOffset;
    response.logAppendTimeMs = appended.logAppendTimeMs;
    response.logStartOffset = appended.logStartOffset;
    if (this.#request.acks === Acks.none || appended.committed === undefined) return;
    const { committed } = appended;
    this.#uncommitted.push({
      response,
      topic,
      partition,
      leaderEpoch,
      committed,
      isSettled: false,
    });
  }

  #failed(response: PartitionResponse, cause: unknown, topic: Topic): void {
    const error = cause instanceof UnverifiedTransactionError
      ? unverified(cause, this.#context.apiVersion)
      : cause;
    failed(response, error, this.#context);
    this.#hintAtLeader(response, topic);
    if (!(error instanceof InvalidRecordError || error instanceof InvalidTimestampError)) return;
    const recordErrors: RecordErrors = error.recordErrors.slice(0, this.#recordErrorsLeft)
      .map(({ batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message }));
    this.#recordErrorsLeft -= recordErrors.length;
    response.recordErrors = recordErrors;
  }

  /**
   * The response once all appends are durable, or after the request's timeout with the others marked
   * as failed.
   */
  #commit(responses: readonly TopicResponse[]): Promise<Response> {
    const { timeouts, cluster } = this.#context.broker;
    const { timeoutMs } = this.#request;
    const uncommitted = this.#uncommitted;
    let waitingCount = uncommitted.length;
    return new Promise((resolve) => {
      const timeout = timeouts.set(() => {
        for (const append of uncommitted) {
          if (append.isSettled) continue;
          append.isSettled = true;
          const error = new ApiError(
            ErrorCode.REQUEST_TIMED_OUT,
            `Append was not durable within ${timeoutMs} ms`,
          );
          failed(append.response, error, this.#context);
        }
        resolve(this.#response(responses));
      }, timeoutMs);
      const settle = (append: Uncommitted) => {
        append.isSettled = true;
        if (--waitingCount > 0) return;
        timeouts.clear(timeout);
        resolve(this.#response(responses));
      };
      for (const append of uncommitted) {
        append.committed.then(() => {
          if (append.isSettled) return;
          const { partition } = append;
          if (partition.isServed) return settle(append);
          // The response waits until it is certain that no other broker leads the partition.
          cluster.unfenced(() => partition.isServed || !isStillLeader(append)).then(() => {
            if (append.isSettled) return;
            if (!isStillLed(append)) this.#failed(append.response, notLeader(), append.topic);
            settle(append);
          });
        }, (error) => {
          if (append.isSettled) return;
          this.#failed(append.response, error, append.topic);
          settle(append);
        });
      }
    });
  }
}

function isStillLeader({ partition, leaderEpoch }: Uncommitted): boolean {
  return partition.isLeader && partition.leaderEpoch === leaderEpoch;
}

function isStillLed(append: Uncommitted): boolean {
  return append.partition.isServed && isStillLeader(append);
}

/** Another broker has been put in this one's place while the append was on its way to disk. */
function notLeader(): ApiError {
  return new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
}

function failed(
  response: PartitionResponse,
  error: unknown,
  { broker }: RequestContext,
): PartitionResponse {
  response.errorCode = errorCodeOf(error, broker.logger);
  broker.counters.api(produce.key).failed(response.errorCode);
  response.errorMessage = errorMessageOf(error);
  response.baseOffset = -1;
  return response;
}

function refused({ index }: PartitionRequest, errorCode: number): PartitionResponse {
  return { index, errorCode, baseOffset: -1 };
}

function closeIfFailed(responses: readonly TopicResponse[]): typeof NO_RESPONSE {
  for (const { partitionResponses } of responses) {
    for (const { index, errorCode, errorMessage } of partitionResponses) {
      if (errorCode === ErrorCode.NONE) continue;
      throw new ProtocolViolationError(
        `Produce with acks=0 failed on partition ${index}: ${errorMessage} (error ${errorCode})`,
      );
    }
  }
  return NO_RESPONSE;
}
