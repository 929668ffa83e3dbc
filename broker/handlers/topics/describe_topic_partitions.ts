/**
 * DescribeTopicPartitions: topics and their partitions, with pagination (KIP-966). Version 0.
 *
 * Topics are sorted by name, so that a cursor (the topic and partition to continue with) is valid
 * on every page; an empty list selects all topics. The page size is limited by the request and by
 * `max.request.partition.size.limit`. Eligible leader replicas are not tracked, so their lists are
 * empty.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  describeTopicPartitions,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
} from "../../../protocol/messages/topics/describe_topic_partitions.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { topicOperations } from "../authorized_operations.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { authorize, inHandler, mayDo, rule } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { byName, mapEach, sortTexts } from "../each_item.ts";
import { isInternalTopic, isTopicName } from "../../topics/topic_name.ts";
import type { Topic } from "../../topics/topic.ts";
import { partitionMetadata } from "./partition_metadata.ts";

type TopicResponse = DescribeTopicPartitionsResponse["topics"][number];
type Cursor = NonNullable<DescribeTopicPartitionsResponse["nextCursor"]>;

/** Serves DescribeTopicPartitions. */
export const describeTopicPartitionsHandler: ApiHandler = handler(
  describeTopicPartitions,
  handleDescribeTopicPartitions,
  inHandler(
    rule(AclOperation.describe, AclResourceType.topic, "item"),
    rule(AclOperation.describe, AclResourceType.topic, "shown"),
  ),
);

async function handleDescribeTopicPartitions(
  request: DescribeTopicPartitionsRequest,
  context: RequestContext,
): Promise<DescribeTopicPartitionsResponse> {
  if (!isValid(request)) return await refuse(request);
  const { config, topics } = context.broker;
  const wantsAll = request.topics.length === 0;
  const limit = Math.min(
    request.responsePartitionLimit,
    config.get("max.request.partition.size.limit"),
  );
  let left = Math.max(1, limit);
  const described: TopicResponse[] = [];
  const slice = new TimeSlice();
  const { names, refused } = await namesToDescribe(request, context);
  for (const name of names) {
    if (slice.isOver) await slice.pause();
    if (left === 0) return page(described.concat(refused), { topicName: name, partitionIndex: 0 });
    const topic = topics.get(name);
    if (topic === undefined) {
      // The cursor's topic may have been deleted.
      if (!wantsAll) described.push(unknown(name, context));
      continue;
    }
    const from = request.cursor?.topicName === name ? request.cursor.partitionIndex : 0;
    const { length } = topic.state.partitions;
    const end = Math.min(length, from + left);
    described.push(describe(topic, from, end, context));
    left -= Math.max(0, end - from);
    if (end < length) {
      return page(described.concat(refused), { topicName: name, partitionIndex: end });
    }
  }
  return page(described.concat(refused), null);
}

function page(topics: TopicResponse[], nextCursor: Cursor | null): DescribeTopicPartitionsResponse {
  return { topics, nextCursor };
}

/** The topics that the client may know of, sorted, and the answers to the others that it asked for. */
async function namesToDescribe(
  { topics, cursor }: DescribeTopicPartitionsRequest,
  context: RequestContext,
): Promise<{ names: string[]; refused: TopicResponse[] }> {
  const { authorizer, topics: existing } = context.broker;
  const wantsAll = topics.length === 0;
  const asked = wantsAll ? [...existing.all()] : topics;
  const all = [...(await byName(asked, ({ name }) => name)).keys()];
  const names: string[] = [];
  const refused: TopicResponse[] = [];
  const ask = wantsAll ? mayDo : authorize;
  const slice = new TimeSlice();
  for (const name of all) {
    if (cursor !== null && name < cursor.topicName) continue;
    if (
      authorizer.isOpen || ask(context, AclOperation.describe, AclResourceType.topic, name)
    ) names.push(name);
    else if (!wantsAll) refused.push(failed(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED));
    if (slice.isOver) await slice.pause();
  }
  return { names: await sortTexts(names), refused };
}

/** Whether a page can start at the request's cursor. */
function isValid({ topics, cursor }: DescribeTopicPartitionsRequest): boolean {
  if (cursor === null) return true;
  const isListed = topics.length === 0 || topics.some(({ name }) => name === cursor.topicName);
  return isListed && cursor.partitionIndex >= 0;
}

/** The response has no top-level error, so it is repeated for each topic. */
async function refuse(
  { topics, cursor }: DescribeTopicPartitionsRequest,
): Promise<DescribeTopicPartitionsResponse> {
  const asked = topics.length === 0 ? [{ name: cursor!.topicName }] : topics;
  const names = await byName(asked, ({ name }) => name);
  const refused = await mapEach(
    [...names.keys()],
    (name) => failed(name, ErrorCode.INVALID_REQUEST),
  );
  return { topics: refused, nextCursor: null };
}

function failed(name: string, errorCode: number): TopicResponse {
  return {
    errorCode,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
  };
}

function unknown(name: string, context: RequestContext): TopicResponse {
  const { UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION } = ErrorCode;
  const errorCode = isTopicName(name) ? UNKNOWN_TOPIC_OR_PARTITION : INVALID_TOPIC_EXCEPTION;
  return {
    ...failed(name, errorCode),
    topicAuthorizedOperations: topicOperations(context, name),
  };
}

function describe(
  { name, id, isInternal, state }: Topic,
  from: number,
  end: number,
  context: RequestContext,
): TopicResponse {
  const { broker: { cluster }, session: { listener } } = context;
  return {
    errorCode: ErrorCode.NONE,
    name,
    topicId: id,
    isInternal,
    partitions: state.partitions.slice(from, end).map((partition, at) => ({
      ...partitionMetadata(from + at, partition, cluster, listener),
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
    })),
    topicAuthorizedOperations: topicOperations(context, name),
  };
}
