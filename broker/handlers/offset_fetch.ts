/**
 * OffsetFetch: the offsets that groups have committed. Versions 1 to 10.
 *
 * A partition without a commit, and a group that does not exist, have offset −1, which is no error. An
 * offset is told only once it is on disk. There are no transactions here that could leave an offset
 * unstable, so `requireStable` asks for no more than that.
 *
 * Version 2 can ask for all topics (KIP-88), 5 adds leader epochs (KIP-320), 6 is flexible, 7 adds
 * `requireStable` (KIP-447), 8 asks for several groups (KIP-709), 9 serves KIP-848 members, 10 names
 * topics by id.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  offsetFetch,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
} from "../../protocol/messages/offset_fetch.ts";
import { ZERO_UUID } from "../../protocol/uuid.ts";
import { type FetchedTopics, noOffset } from "../groups/offsets/fetch_offsets.ts";
import { fetch } from "../groups/offsets/requests.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { groupErrorCode } from "./group_request.ts";

type GroupRequest = OffsetFetchRequest["groups"][number];
type GroupTopics = NonNullable<GroupRequest["topics"]>;
type GroupResponse = NonNullable<OffsetFetchResponse["groups"]>[number];

const FIRST_VERSION_WITH_GROUP_ERROR = 2;
const FIRST_VERSION_WITH_MANY_GROUPS = 8;
const FIRST_VERSION_WITH_TOPIC_ID = 10;

/** Serves OffsetFetch. */
export const offsetFetchHandler: ApiHandler = handler(offsetFetch, handleOffsetFetch);

async function handleOffsetFetch(
  request: OffsetFetchRequest,
  context: RequestContext,
): Promise<OffsetFetchResponse> {
  if (context.apiVersion >= FIRST_VERSION_WITH_MANY_GROUPS) {
    return { groups: await Promise.all(request.groups.map((group) => fetchGroup(group, context))) };
  }
  const { groupId, topics } = request;
  const only: GroupRequest = {
    groupId,
    memberId: null,
    memberEpoch: -1,
    topics: topics === null ? null : topics.map((topic) => ({ ...topic, topicId: ZERO_UUID })),
  };
  const response = await fetchGroup(only, context);
  return { errorCode: response.errorCode ?? ErrorCode.NONE, topics: withNames(response.topics) };
}

async function fetchGroup(request: GroupRequest, context: RequestContext): Promise<GroupResponse> {
  const { groupId } = request;
  try {
    const { known, unknown } = sort(request.topics, context);
    const shard = context.broker.groups.shardOf(groupId);
    const topics = await fetch(shard, { ...request, topics: known });
    const named = request.topics === null ? withIds(topics, context) : topics;
    return { groupId, topics: [...named, ...unknown], errorCode: ErrorCode.NONE };
  } catch (error) {
    return failed(request, groupErrorCode(error, context), context.apiVersion);
  }
}

/** Finds the names of topics asked for by id, and tells those apart that have none. */
function sort(
  topics: GroupRequest["topics"],
  { apiVersion, broker: { cluster } }: RequestContext,
): { known: GroupTopics | null; unknown: FetchedTopics } {
  if (topics === null || apiVersion < FIRST_VERSION_WITH_TOPIC_ID) {
    return { known: topics, unknown: [] };
  }
  const known: GroupTopics = [];
  const unknown: FetchedTopics[number][] = [];
  for (const topic of topics) {
    const name = cluster.topicById(topic.topicId)?.name;
    if (name !== undefined) known.push({ ...topic, name });
    else unknown.push(withoutOffsets(topic, ErrorCode.UNKNOWN_TOPIC_ID));
  }
  return { known, unknown };
}

function withoutOffsets(topic: GroupTopics[number], errorCode: number): FetchedTopics[number] {
  const { name, topicId, partitionIndexes } = topic;
  const partitions = partitionIndexes.map((index) => noOffset(index, errorCode));
  return { name, topicId, partitions };
}

/** Before version 2 an error stands at each partition. */
function failed(
  { groupId, topics }: GroupRequest,
  errorCode: number,
  apiVersion: number,
): GroupResponse {
  if (apiVersion >= FIRST_VERSION_WITH_GROUP_ERROR) return { groupId, topics: [], errorCode };
  const each = (topics ?? []).map((topic) => withoutOffsets(topic, errorCode));
  return { groupId, topics: each, errorCode: ErrorCode.NONE };
}

/** All topics of a group; by id only those that still exist can be told. */
function withIds(
  topics: FetchedTopics,
  { apiVersion, broker: { cluster } }: RequestContext,
): FetchedTopics {
  if (apiVersion < FIRST_VERSION_WITH_TOPIC_ID) return topics;
  return topics.flatMap((topic) => {
    const id = cluster.topic(topic.name ?? "")?.id;
    return id === undefined ? [] : [{ ...topic, topicId: id }];
  });
}

function withNames(topics: FetchedTopics): NonNullable<OffsetFetchResponse["topics"]> {
  return topics.map(({ name = "", partitions }) => ({ name, partitions }));
}
