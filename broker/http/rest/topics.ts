/**
 * Topics and partitions that requests name, in all REST APIs.
 *
 * @module
 */

import type { PartitionMetadata, TopicDescription } from "../../../client/mod.ts";
import { ErrorCode, errorInfo } from "../../../protocol/errors.ts";
import {
  AclOperation,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../../protocol/messages/security/acl_types.ts";
import type { Topic } from "../../topics/topic.ts";
import { HttpError } from "../http_error.ts";
import type { Call, RestContext } from "./call.ts";

/** The answer to a request for a topic that does not exist. */
export function noTopic(name: string): HttpError {
  return new HttpError(404, `There is no topic "${name}"`, { errorCode: 40403 });
}

/** The answer to a request for a partition that does not exist. */
export function noPartition(topic: string, partition: number): HttpError {
  return new HttpError(404, `Topic "${topic}" has no partition ${partition}`, { errorCode: 40402 });
}

/** The answer to a change where none may be made. */
export function writesAreOff(): HttpError {
  return new HttpError(403, "Changes over HTTP are switched off with --http-writes off", {
    errorCode: 40301,
  });
}

/**
 * Describes the topic that a path names.
 *
 * @throws {KafkaError} If there is no such topic.
 */
export function describeTopic(call: Call): Promise<TopicDescription> {
  return call.admin.describeTopic(call.param("topic"));
}

/**
 * The partition that a path names.
 *
 * @throws {HttpError} 404 if there is no such partition.
 * @throws {KafkaError} If there is no such topic.
 */
export async function findPartition(call: Call): Promise<PartitionMetadata> {
  const { name, partitions } = await describeTopic(call);
  const id = call.number("partition");
  const found = partitions.find(({ partition }) => partition === id);
  if (found !== undefined) return found;
  throw noPartition(name, id);
}

/** The first offset of a partition, and its end. */
export async function endsOf(
  { admin }: Call,
  topic: string,
  partition: number,
): Promise<{ readonly start: number; readonly end: number }> {
  const options = { partitions: [partition] };
  const [earliest, latest] = await Promise.all([
    admin.listOffsets(topic, "earliest", options),
    admin.listOffsets(topic, "latest", options),
  ]);
  return { start: earliest[0]!.offset, end: latest[0]!.offset };
}

/**
 * The topic with a name, as this broker knows it; undefined if there is none.
 *
 * @throws {HttpError} 403 if the client may not know whether there is one.
 */
export function knownTopic(context: RestContext, name: string): Topic | undefined {
  if (!mayDescribe(context, AclResourceType.topic, name)) {
    throw denied(ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  }
  return context.broker.topics.get(name);
}

/** @throws {HttpError} 403 if the client may not describe the cluster. */
export function ensureShown(context: RestContext): void {
  if (mayDescribe(context, AclResourceType.cluster, CLUSTER_RESOURCE)) return;
  throw denied(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
}

function mayDescribe(
  { session, broker: { authorizer } }: RestContext,
  resourceType: number,
  name: string,
): boolean {
  const { describe } = AclOperation;
  return authorizer.isOpen || authorizer.authorize(session, describe, resourceType, name);
}

function denied(errorCode: number): HttpError {
  return new HttpError(403, errorInfo(errorCode).description, { errorCode: 40301 });
}
