/**
 * Produce: appends record batches. Versions 3 to 13; 0 to 2 are advertised but refused.
 *
 * Each partition entry carries exactly one record batch of format v2. `acks=0` is answered with
 * nothing, and with a closed connection if anything failed; `acks=1` after the write to the log;
 * `acks=all` once the topic's flush policy says it is durable, or with REQUEST_TIMED_OUT after the
 * request's timeout. A partition's failure leaves the others alone.
 *
 * Version 7 allows zstd, 8 explains refused records (KIP-467), 9 is flexible, 10 names the current
 * leader on NOT_LEADER_OR_FOLLOWER (KIP-951), 13 names topics by id (KIP-516). librdkafka before
 * 2.11.1 turns compression off unless the advertised range starts at 0 (KAFKA-18659).
 *
 * @module
 */

import { CompressionType } from "../../protocol/compression/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { produce } from "../../protocol/messages/produce.ts";
import { RecordBatch } from "../../protocol/records/mod.ts";
import type { RequestOf, ResponseTo } from "../../protocol/schema.ts";
import { ApiError, errorCodeOf, errorMessageOf } from "../api_error.ts";
import { type ApiHandler, handler, NO_RESPONSE, type RequestContext } from "../handler.ts";
import { ProtocolViolationError } from "../protocol_violation_error.ts";
import type { Topic } from "../topics/topic.ts";

type Request = RequestOf<typeof produce>;
type Response = ResponseTo<typeof produce>;
type TopicResponse = Response["responses"][number];
type PartitionRequest = Request["topicData"][number]["partitionData"][number];
type PartitionResponse = { -readonly [K in keyof Entry]: Entry[K] };
type Entry = TopicResponse["partitionResponses"][number];

const ACKS_ALL = -1;
const ACKS_NONE = 0;
const FIRST_VERSION_WITH_ZSTD = 7;
const FIRST_VERSION_WITH_TOPIC_ID = 13;
const MAGIC_V2 = 2;

/** Serves Produce. */
export const produceHandler: ApiHandler = handler(produce, handleProduce, { min: 0, max: 13 });

/** An append that may only be answered once it is durable. */
interface Uncommitted {
  readonly response: PartitionResponse;
  readonly committed: Promise<void>;
  isSettled: boolean;
}

function handleProduce(
  request: Request,
  context: RequestContext,
): Response | typeof NO_RESPONSE | Promise<Response> {
  const uncommitted: Uncommitted[] = [];
  const nowMs = context.broker.clock.now();
  const responses = request.topicData.map((data): TopicResponse => {
    const { topics } = context.broker;
    const byId = context.apiVersion >= FIRST_VERSION_WITH_TOPIC_ID;
    const topic = byId ? topics.byId(data.topicId) : topics.get(data.name);
    return {
      name: data.name,
      topicId: data.topicId,
      partitionResponses: data.partitionData.map((partition) =>
        append(topic, partition, request, nowMs, context, uncommitted)
      ),
    };
  });
  if (request.acks === ACKS_NONE) return closeIfFailed(responses);
  if (uncommitted.length === 0) return { responses };
  return commit(uncommitted, { responses }, request.timeoutMs, context);
}

function append(
  topic: Topic | undefined,
  { index, records }: PartitionRequest,
  { acks, transactionalId }: Request,
  nowMs: number,
  context: RequestContext,
  uncommitted: Uncommitted[],
): PartitionResponse {
  const { apiVersion } = context;
  try {
    checkAcks(acks);
    if (transactionalId !== null) {
      throw new ApiError(
        ErrorCode.INVALID_TXN_STATE,
        "This broker has no transactions: produce without a transactional id",
      );
    }
    if (topic === undefined) {
      const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_ID;
      throw new ApiError(
        byId ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      );
    }
    const partition = topic.partitions[index];
    if (partition === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    if (!partition.isLeader) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const batch = onlyBatch(records, apiVersion);
    const appended = partition.append(batch, { acks: acks as 0 | 1 | -1, nowMs });
    const response: PartitionResponse = {
      index,
      errorCode: ErrorCode.NONE,
      baseOffset: appended.baseOffset,
      logAppendTimeMs: appended.logAppendTimeMs,
      logStartOffset: appended.logStartOffset,
    };
    if (acks === ACKS_ALL && appended.committed !== undefined) {
      uncommitted.push({ response, committed: appended.committed, isSettled: false });
    }
    return response;
  } catch (error) {
    return failed({ index, errorCode: ErrorCode.NONE, baseOffset: -1 }, error, context);
  }
}

function checkAcks(acks: number): void {
  if (acks < -1 || acks > 1) {
    throw new ApiError(
      ErrorCode.INVALID_REQUIRED_ACKS,
      `Cannot produce with acks ${acks}: use -1 (all), 0 or 1`,
    );
  }
}

function onlyBatch(records: Uint8Array | null, apiVersion: number): RecordBatch {
  if (records === null || records.length === 0) {
    throw new ApiError(ErrorCode.INVALID_RECORD, "Cannot append: the request carries no records");
  }
  const batch = new RecordBatch(records);
  if (batch.magic !== MAGIC_V2) {
    throw new ApiError(
      ErrorCode.INVALID_RECORD,
      `Cannot append: record format has magic ${batch.magic}, only ${MAGIC_V2} is supported`,
    );
  }
  if (batch.sizeInBytes !== records.length) {
    throw new ApiError(
      ErrorCode.INVALID_RECORD,
      "Cannot append: a partition's records must be exactly one record batch",
    );
  }
  if (batch.compression === CompressionType.zstd && apiVersion < FIRST_VERSION_WITH_ZSTD) {
    throw new ApiError(
      ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
      `Cannot append: zstd needs Produce version ${FIRST_VERSION_WITH_ZSTD} or later`,
    );
  }
  return batch;
}

/** Gives `response` once all appends are durable, or after `timeoutMs`, with those that failed marked. */
function commit(
  uncommitted: readonly Uncommitted[],
  response: Response,
  timeoutMs: number,
  context: RequestContext,
): Promise<Response> {
  const { timeouts } = context.broker;
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
        failed(append.response, error, context);
      }
      resolve(response);
    }, timeoutMs);
    const settle = (append: Uncommitted) => {
      append.isSettled = true;
      if (--waitingCount > 0) return;
      timeouts.clear(timeout);
      resolve(response);
    };
    for (const append of uncommitted) {
      append.committed.then(() => {
        if (!append.isSettled) settle(append);
      }, (error) => {
        if (append.isSettled) return;
        failed(append.response, error, context);
        settle(append);
      });
    }
  });
}

function failed(
  response: PartitionResponse,
  error: unknown,
  { broker }: RequestContext,
): PartitionResponse {
  response.errorCode = errorCodeOf(error, broker.logger);
  response.errorMessage = errorMessageOf(error);
  response.baseOffset = -1;
  return response;
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
