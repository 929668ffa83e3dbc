/**
 * What errors of Kafka are in HTTP: a status, and a code of Confluent's REST API.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { DqueueError, KafkaError, TimeoutError, UsageError } from "../../../client/mod.ts";
import { HttpError } from "../http_error.ts";

type Answer = readonly [status: number, errorCode: number];

const BAD_REQUEST: Answer = [400, 40002];
const UNAUTHORIZED: Answer = [401, 40101];
const FORBIDDEN: Answer = [403, 40301];
const NO_TOPIC: Answer = [404, 40403];
const NO_GROUP: Answer = [404, 40405];
/** Confluent's API has no transactions: the code is that of the status. */
const NO_TRANSACTION: Answer = [404, 404];
const NO_RESOURCE: Answer = [404, 404];
const TOO_LARGE: Answer = [413, 413];
const NOT_POSSIBLE: Answer = [409, 40903];
const KAFKA: Answer = [500, 50002];
const RETRIABLE: Answer = [500, 50003];

/** The answers to Kafka's errors that are neither retriable nor the broker's fault. */
const ANSWERS: ReadonlyMap<number, Answer> = new Map([
  [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, NO_TOPIC],
  [ErrorCode.UNKNOWN_TOPIC_ID, NO_TOPIC],
  [ErrorCode.GROUP_ID_NOT_FOUND, NO_GROUP],
  [ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, NO_TRANSACTION],
  [ErrorCode.INVALID_GROUP_ID, BAD_REQUEST],
  [ErrorCode.NON_EMPTY_GROUP, NOT_POSSIBLE],
  [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, NOT_POSSIBLE],
  [ErrorCode.UNKNOWN_MEMBER_ID, NOT_POSSIBLE],
  [ErrorCode.ILLEGAL_GENERATION, NOT_POSSIBLE],
  [ErrorCode.TOPIC_ALREADY_EXISTS, BAD_REQUEST],
  [ErrorCode.INVALID_TOPIC_EXCEPTION, BAD_REQUEST],
  [ErrorCode.INVALID_PARTITIONS, BAD_REQUEST],
  [ErrorCode.INVALID_REPLICATION_FACTOR, BAD_REQUEST],
  [ErrorCode.INVALID_REPLICA_ASSIGNMENT, BAD_REQUEST],
  [ErrorCode.INVALID_CONFIG, BAD_REQUEST],
  [ErrorCode.INVALID_REQUEST, BAD_REQUEST],
  [ErrorCode.INVALID_RECORD, BAD_REQUEST],
  [ErrorCode.INVALID_TIMESTAMP, BAD_REQUEST],
  [ErrorCode.OFFSET_OUT_OF_RANGE, BAD_REQUEST],
  [ErrorCode.POLICY_VIOLATION, BAD_REQUEST],
  [ErrorCode.TOPIC_DELETION_DISABLED, BAD_REQUEST],
  [ErrorCode.UNSUPPORTED_VERSION, BAD_REQUEST],
  [ErrorCode.UNACCEPTABLE_CREDENTIAL, BAD_REQUEST],
  [ErrorCode.RESOURCE_NOT_FOUND, NO_RESOURCE],
  [ErrorCode.MESSAGE_TOO_LARGE, TOO_LARGE],
  [ErrorCode.RECORD_LIST_TOO_LARGE, TOO_LARGE],
  [ErrorCode.SASL_AUTHENTICATION_FAILED, UNAUTHORIZED],
  [ErrorCode.TOPIC_AUTHORIZATION_FAILED, FORBIDDEN],
  [ErrorCode.GROUP_AUTHORIZATION_FAILED, FORBIDDEN],
  [ErrorCode.CLUSTER_AUTHORIZATION_FAILED, FORBIDDEN],
  [ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, FORBIDDEN],
]);

/** The answer to a failed operation; undefined if it is not an error of a client. */
export function problemOf(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (!(error instanceof DqueueError)) return undefined;
  const [status, errorCode] = answerTo(error);
  return new HttpError(status, error.message, { errorCode });
}

function answerTo(error: DqueueError): Answer {
  if (error instanceof KafkaError) {
    return ANSWERS.get(error.errorCode) ?? (error.retriable ? RETRIABLE : KAFKA);
  }
  if (error instanceof UsageError) return BAD_REQUEST;
  return error instanceof TimeoutError || error.retriable ? RETRIABLE : KAFKA;
}
