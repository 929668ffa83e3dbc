/**
 * DeleteTopics: deletes topics with all their records. Versions 0 to 6.
 *
 * Each topic is named or, from version 6, given by its id, once. Results come in the order of the
 * request. The broker's own topics are not deleted (Kafka would). Version 0, which Kafka 4 dropped,
 * lacks a field.
 *
 * Version 4 is flexible, 5 adds messages, 6 takes ids (KIP-516).
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  deleteTopics,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
} from "../../protocol/messages/delete_topics.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { ApiError } from "../api_error.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import type { Topic } from "../topics/topic.ts";
import { duplicate, duplicatesOf, failure, type Outcome, SUCCESS } from "./outcome.ts";
import { withinTimeout } from "./within_timeout.ts";

type Result = DeleteTopicsResponse["responses"][number];

/** How a request refers to a topic. */
interface Reference {
  readonly name: string | null;
  readonly topicId: string;
}

const FIRST_VERSION_WITH_DELETION_DISABLED = 3;

/** Serves DeleteTopics. */
export const deleteTopicsHandler: ApiHandler = handler(deleteTopics, handleDeleteTopics);

async function handleDeleteTopics(
  request: DeleteTopicsRequest,
  context: RequestContext,
): Promise<DeleteTopicsResponse> {
  const references: Reference[] = [
    ...request.topicNames.map((name) => ({ name, topicId: ZERO_UUID })),
    ...request.topics,
  ];
  const topics = references.map((reference) => find(reference, context));
  const twice = duplicatesOf(topics.filter((topic) => topic !== undefined));
  const answered = new Set<string>();
  const results: Promise<Result>[] = [];
  references.forEach((reference, at) => {
    const topic = topics[at];
    const key = topic?.id ?? `${reference.name} ${reference.topicId}`;
    if (answered.has(key)) return;
    answered.add(key);
    if (topic !== undefined && twice.has(topic)) {
      const name = reference.name;
      const outcome = duplicate(`topic "${topic.name}"`);
      results.push(Promise.resolve({ name, topicId: reference.topicId, ...outcome }));
    } else results.push(remove(reference, topic, request.timeoutMs, context));
  });
  return { responses: await Promise.all(results) };
}

function find({ name, topicId }: Reference, { broker }: RequestContext): Topic | undefined {
  if (name !== null && topicId !== ZERO_UUID) return undefined;
  return name === null ? broker.topics.byId(topicId) : broker.topics.get(name);
}

async function remove(
  reference: Reference,
  topic: Topic | undefined,
  timeoutMs: number,
  context: RequestContext,
): Promise<Result> {
  try {
    if (topic === undefined) throw notFound(reference);
    await withinTimeout(context.broker.topics.deleteTopic(topic), timeoutMs, context);
    return { name: topic.name, topicId: topic.id, ...SUCCESS };
  } catch (error) {
    const outcome = sentAs(failure(error, context), context.apiVersion);
    return { name: reference.name, topicId: reference.topicId, ...outcome };
  }
}

function notFound({ name, topicId }: Reference): ApiError {
  if (name !== null && topicId !== ZERO_UUID) {
    return new ApiError(
      ErrorCode.INVALID_REQUEST,
      `Cannot delete topic: both its name "${name}" and its id ${topicId} are given`,
    );
  }
  if (name !== null) return new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  return topicId === ZERO_UUID
    ? new ApiError(
      ErrorCode.INVALID_REQUEST,
      "Cannot delete topic: neither its name nor its id is given",
    )
    : new ApiError(ErrorCode.UNKNOWN_TOPIC_ID);
}

/** TOPIC_DELETION_DISABLED is newer than the versions up to 2. */
function sentAs(outcome: Outcome, apiVersion: number): Outcome {
  return outcome.errorCode === ErrorCode.TOPIC_DELETION_DISABLED &&
      apiVersion < FIRST_VERSION_WITH_DELETION_DISABLED
    ? { ...outcome, errorCode: ErrorCode.INVALID_REQUEST }
    : outcome;
}
