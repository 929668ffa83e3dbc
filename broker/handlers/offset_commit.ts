/**
 * OffsetCommit: stores how far a group has read. Versions 2 to 10.
 *
 * Answered when the offsets are on disk. Topics and partitions must exist; offsets may be anything,
 * since some clients commit negative ones.
 *
 * Versions 2 to 4 may say how long to keep the offsets (KIP-211 took that away), 6 adds leader epochs
 * (KIP-320), 7 static members (KIP-345), 8 is flexible, 9 serves KIP-848 members, 10 names topics by id.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  offsetCommit,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
} from "../../protocol/messages/offset_commit.ts";
import { commit } from "../groups/offsets/requests.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { groupErrorCode, hasPartition } from "./group_request.ts";

type RequestTopic = OffsetCommitRequest["topics"][number];
type TopicResponse = OffsetCommitResponse["topics"][number];

const FIRST_VERSION_WITH_TOPIC_ID = 10;

/** Serves OffsetCommit. */
export const offsetCommitHandler: ApiHandler = handler(offsetCommit, handleOffsetCommit);

async function handleOffsetCommit(
  request: OffsetCommitRequest,
  context: RequestContext,
): Promise<OffsetCommitResponse> {
  const { known, unknown } = sort(request.topics, context);
  if (known.length === 0) return { topics: unknown };
  try {
    const shard = context.broker.groups.shardOf(request.groupId);
    const committed = await commit(shard, { ...request, topics: known }, context.apiVersion);
    return { topics: merge([...unknown, ...committed], context.apiVersion) };
  } catch (error) {
    const errorCode = groupErrorCode(error, context);
    return { topics: request.topics.map((topic) => failed(topic, errorCode)) };
  }
}

/** Tells what can be committed from what does not exist. */
function sort(
  topics: readonly RequestTopic[],
  { apiVersion, broker: { cluster } }: RequestContext,
): { known: RequestTopic[]; unknown: TopicResponse[] } {
  const known: RequestTopic[] = [];
  const unknown: TopicResponse[] = [];
  for (const topic of topics) {
    const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_ID;
    const state = byId ? cluster.topicById(topic.topicId) : cluster.topic(topic.name);
    if (byId && state === undefined) {
      unknown.push(failed(topic, ErrorCode.UNKNOWN_TOPIC_ID));
      continue;
    }
    const exists = ({ partitionIndex }: RequestTopic["partitions"][number]) =>
      hasPartition(state, partitionIndex);
    const partitions = topic.partitions.filter(exists);
    const missing = topic.partitions.filter((partition) => !exists(partition));
    if (missing.length > 0) {
      const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
      unknown.push(failed({ ...topic, partitions: missing }, errorCode));
    }
    if (partitions.length > 0) {
      known.push({ topicId: topic.topicId, name: state?.name ?? topic.name, partitions });
    }
  }
  return { known, unknown };
}

function failed({ name, topicId, partitions }: RequestTopic, errorCode: number): TopicResponse {
  return {
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  };
}

/** Each topic once, whatever became of its partitions. */
function merge(topics: readonly TopicResponse[], apiVersion: number): TopicResponse[] {
  const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_ID;
  const merged = Map.groupBy(topics, ({ name, topicId }) => byId ? topicId : name);
  return [...merged.values()].map((parts) => ({
    ...parts[0]!,
    partitions: parts.flatMap(({ partitions }) => partitions),
  }));
}
