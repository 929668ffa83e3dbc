/**
 * OffsetCommit: stores the committed offsets of a group. Versions 2 to 10.
 *
 * The response is sent when the offsets are on disk. Topics and partitions must exist; offsets are
 * not checked because some clients commit negative ones.
 *
 * Versions 2 to 4 have a retention time (removed by KIP-211), 6 adds leader epochs (KIP-320), 7
 * static members (KIP-345), 8 is flexible, 9 supports KIP-848 members, 10 identifies topics by id.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  offsetCommit,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
} from "../../../protocol/messages/groups/offset_commit.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { commit } from "../../groups/offsets/requests.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { all, deniedPartitions, eachItem } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { groupErrorCode, hasPartition, ofGroup } from "./group_request.ts";

type RequestTopic = OffsetCommitRequest["topics"][number];
type TopicResponse = OffsetCommitResponse["topics"][number];
type TopicResult = TopicResponse & { partitions: { partitionIndex: number; errorCode: number }[] };

const FIRST_VERSION_WITH_TOPIC_ID = 10;
/** Partitions committed, and written to disk, together. */
const PORTION = 1000;

/** Serves OffsetCommit. */
export const offsetCommitHandler: ApiHandler = handler(
  offsetCommit,
  handleOffsetCommit,
  all(
    ofGroup(offsetCommit, AclOperation.read),
    eachItem(offsetCommit, "topics", "topics", {
      operation: AclOperation.read,
      resourceType: AclResourceType.topic,
      nameOf: ({ name, topicId }, { apiVersion, broker: { cluster } }) =>
        apiVersion >= FIRST_VERSION_WITH_TOPIC_ID ? cluster.topicById(topicId)?.name : name,
      denied: async ({ name, topicId, partitions }, errorCode) => ({
        name,
        topicId,
        partitions: await deniedPartitions(partitions, errorCode),
      }),
    }),
  ),
);

async function handleOffsetCommit(
  request: OffsetCommitRequest,
  context: RequestContext,
): Promise<OffsetCommitResponse> {
  const response = new CommitResponse(context.apiVersion);
  const portions = await sort(request.topics, response, context);
  const commits: Promise<readonly TopicResponse[]>[] = [];
  const slice = new TimeSlice();
  for (const topics of portions) {
    commits.push(commitPortion(topics, request, context));
    if (slice.isOver) await slice.pause();
  }
  // Commits can become durable at the same time; their results are processed one after the other.
  for (const committed of commits) {
    for (const topic of await committed) {
      for (const { partitionIndex, errorCode } of topic.partitions) {
        response.add(topic, partitionIndex, errorCode);
      }
    }
    if (slice.isOver) await slice.pause();
  }
  return { topics: response.topics };
}

/** Commits offsets of existing partitions. */
async function commitPortion(
  topics: readonly RequestTopic[],
  request: OffsetCommitRequest,
  context: RequestContext,
): Promise<readonly TopicResponse[]> {
  try {
    const shard = context.broker.groups.shardOf(request.groupId);
    return await commit(shard, { ...request, topics: [...topics] }, context.apiVersion);
  } catch (error) {
    const errorCode = groupErrorCode(error, context);
    return topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    }));
  }
}

/** CommitResponse unknown partitions and divides the others into portions. */
async function sort(
  topics: readonly RequestTopic[],
  response: CommitResponse,
  { apiVersion, broker: { cluster } }: RequestContext,
): Promise<RequestTopic[][]> {
  const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_ID;
  const portions: RequestTopic[][] = [[]];
  let left = PORTION;
  const slice = new TimeSlice();
  for (const topic of topics) {
    const state = byId ? cluster.topicById(topic.topicId) : cluster.topic(topic.name);
    const missing = byId && state === undefined
      ? ErrorCode.UNKNOWN_TOPIC_ID
      : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const name = state?.name ?? topic.name;
    let known: RequestTopic | undefined;
    for (const partition of topic.partitions) {
      if (slice.isOver) await slice.pause();
      if (!hasPartition(state, partition.partitionIndex)) {
        response.add(topic, partition.partitionIndex, missing);
        continue;
      }
      if (left === 0) {
        portions.push([]);
        left = PORTION;
        known = undefined;
      }
      if (known === undefined) {
        known = { topicId: topic.topicId, name, partitions: [] };
        portions.at(-1)!.push(known);
      }
      known.partitions.push(partition);
      left--;
    }
    if (slice.isOver) await slice.pause();
  }
  return portions.filter((portion) => portion.length > 0);
}

/** The results of partitions, grouped by topic. */
class CommitResponse {
  readonly #byId: boolean;
  readonly #topics: Map<string, TopicResult> = new Map();

  constructor(apiVersion: number) {
    this.#byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_ID;
  }

  get topics(): TopicResult[] {
    return [...this.#topics.values()];
  }

  add(
    { name = "", topicId = ZERO_UUID }: Pick<TopicResponse, "name" | "topicId">,
    partitionIndex: number,
    errorCode: number,
  ): void {
    const key = this.#byId ? topicId : name;
    let topic = this.#topics.get(key);
    if (topic === undefined) this.#topics.set(key, topic = { name, topicId, partitions: [] });
    topic.partitions.push({ partitionIndex, errorCode });
  }
}
