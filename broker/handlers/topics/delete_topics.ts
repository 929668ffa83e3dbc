/**
 * DeleteTopics: deletes topics with all their records. Versions 0 to 6.
 *
 * A topic is identified by name or, from version 6, by id, and may be listed once. Results are in
 * request order. Internal topics cannot be deleted (in Kafka they can). Version 0, which Kafka 4
 * removed, lacks a field.
 *
 * Version 4 is flexible, 5 adds messages, 6 accepts ids (KIP-516).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  deleteTopics,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
} from "../../../protocol/messages/topics/delete_topics.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { ApiError } from "../../api_error.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { authorize, inHandler, mayDo, mayDoOnCluster, rule } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import type { Topic } from "../../topics/topic.ts";
import { awaitEach, byName, CHANGES_AT_ONCE, mapEach } from "../each_item.ts";
import { duplicate, failure, type Outcome, SUCCESS } from "../outcome.ts";
import { MutationQuota } from "./mutation_quota.ts";
import { withinTimeout } from "../within_timeout.ts";

type Result = DeleteTopicsResponse["responses"][number];

/** A topic as identified in the request. */
interface Reference {
  readonly name: string | null;
  readonly topicId: string;
}

const FIRST_VERSION_WITH_DELETION_DISABLED = 3;
/** The first version in which topics beyond the quota of changes are refused (KIP-599). */
const FIRST_STRICT_VERSION = 5;

/** Serves DeleteTopics. */
export const deleteTopicsHandler: ApiHandler = handler(
  deleteTopics,
  handleDeleteTopics,
  inHandler(
    rule(AclOperation.delete, AclResourceType.cluster, "instead"),
    rule(AclOperation.delete, AclResourceType.topic, "item"),
    rule(AclOperation.describe, AclResourceType.topic, "shown"),
  ),
);

async function handleDeleteTopics(
  request: DeleteTopicsRequest,
  context: RequestContext,
): Promise<DeleteTopicsResponse> {
  const names = await mapEach(request.topicNames, (name) => ({ name, topicId: ZERO_UUID }));
  const references: readonly Reference[] = names.concat(request.topics as never);
  const topics = await byName(
    references,
    (reference) => find(reference, context)?.id ?? `${reference.name} ${reference.topicId}`,
  );
  const mayDeleteAll = mayDoOnCluster(context, AclOperation.delete);
  const quota = new MutationQuota(context, FIRST_STRICT_VERSION);
  const responses = await awaitEach([...topics.values()], ({ item: reference, count }) => {
    const topic = find(reference, context);
    if (!mayDeleteAll) {
      const refused = refusalOf(reference, topic, context);
      if (refused !== undefined) return refused;
    }
    if (topic === undefined || count === 1) {
      return remove(reference, topic, request.timeoutMs, quota, context);
    }
    const outcome = duplicate(`topic "${topic.name}"`);
    return { name: reference.name, topicId: reference.topicId, ...outcome };
  }, CHANGES_AT_ONCE);
  return { responses, throttleTimeMs: quota.throttleTimeMs };
}

/** The answer to a client that may not delete a topic; its name is disclosed to those who may know it. */
function refusalOf(
  { name, topicId }: Reference,
  topic: Topic | undefined,
  context: RequestContext,
): Result | undefined {
  const named = topic?.name ?? (topicId === ZERO_UUID ? name : null);
  // Without a name there is no topic, or the request is invalid.
  if (named === null) return undefined;
  if (authorize(context, AclOperation.delete, AclResourceType.topic, named)) return undefined;
  const isKnown = name !== null ||
    mayDo(context, AclOperation.describe, AclResourceType.topic, named);
  return {
    name: isKnown ? named : null,
    topicId,
    errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
    errorMessage: null,
  };
}

function find({ name, topicId }: Reference, { broker }: RequestContext): Topic | undefined {
  if (name !== null && topicId !== ZERO_UUID) return undefined;
  return name === null ? broker.topics.byId(topicId) : broker.topics.get(name);
}

async function remove(
  reference: Reference,
  topic: Topic | undefined,
  timeoutMs: number,
  quota: MutationQuota,
  context: RequestContext,
): Promise<Result> {
  try {
    if (topic === undefined) throw notFound(reference);
    const { topics } = context.broker;
    const deleted = quota.spend(topic.partitions.length, () => topics.deleteTopic(topic));
    await withinTimeout(deleted, timeoutMs, context);
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

/** Versions up to 2 do not have TOPIC_DELETION_DISABLED. */
function sentAs(outcome: Outcome, apiVersion: number): Outcome {
  return outcome.errorCode === ErrorCode.TOPIC_DELETION_DISABLED &&
      apiVersion < FIRST_VERSION_WITH_DELETION_DISABLED
    ? { ...outcome, errorCode: ErrorCode.INVALID_REQUEST }
    : outcome;
}
