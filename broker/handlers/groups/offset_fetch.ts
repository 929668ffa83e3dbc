/**
 * OffsetFetch: the committed offsets of groups. Versions 1 to 10.
 *
 * A partition without a committed offset, or an unknown group, has offset −1 and no error. Only
 * offsets that are on disk are returned. With `requireStable`, a partition with an offset that an open
 * transaction has committed gets UNSTABLE_OFFSET_COMMIT.
 *
 * Version 2 can request all topics (KIP-88), 5 adds leader epochs (KIP-320), 6 is flexible, 7 adds
 * `requireStable` (KIP-447), 8 accepts several groups (KIP-709), 9 supports KIP-848 members, 10
 * identifies topics by id.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  offsetFetch,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
} from "../../../protocol/messages/groups/offset_fetch.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { runSliced, TimeSlice } from "../../../storage/time_slice.ts";
import { ResponseBudget } from "../response_budget.ts";
import {
  type FetchedTopics,
  noOffset,
  sizeOfAllOffsets,
} from "../../groups/offsets/fetch_offsets.ts";
import { fetch } from "../../groups/offsets/requests.ts";
import { AclOperation, AclResourceType } from "../../../protocol/messages/security/acl_types.ts";
import { all, authorize, eachItem, inHandler, mayDo, ofRequest, rule } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { awaitEach, mapEach } from "../each_item.ts";
import { groupErrorCode } from "./group_request.ts";

type GroupRequest = OffsetFetchRequest["groups"][number];
type GroupTopics = NonNullable<GroupRequest["topics"]>;
type GroupResponse = NonNullable<OffsetFetchResponse["groups"]>[number];

const FIRST_VERSION_WITH_GROUP_ERROR = 2;
const FIRST_VERSION_WITH_MANY_GROUPS = 8;
const FIRST_VERSION_WITH_TOPIC_ID = 10;
/** Groups processed concurrently, each of which may have very many offsets. */
const GROUPS_AT_ONCE = 4;
/** Upper bound of the encoded size of a group, without its topics. */
const GROUP_BYTES = 100;

/** Serves OffsetFetch. */
export const offsetFetchHandler: ApiHandler = handler(
  offsetFetch,
  handleOffsetFetch,
  all(
    ofRequest(
      offsetFetch,
      AclOperation.describe,
      AclResourceType.group,
      ({ groupId }, { apiVersion }) =>
        apiVersion < FIRST_VERSION_WITH_MANY_GROUPS ? groupId : undefined,
    ),
    eachItem(offsetFetch, "groups", "groups", {
      operation: AclOperation.describe,
      resourceType: AclResourceType.group,
      nameOf: ({ groupId }) => groupId,
      denied: ({ groupId }, errorCode) => ({ groupId, topics: [], errorCode }),
    }),
    inHandler(
      rule(AclOperation.describe, AclResourceType.topic, "item"),
      rule(AclOperation.describe, AclResourceType.topic, "shown"),
    ),
  ),
);

async function handleOffsetFetch(
  request: OffsetFetchRequest,
  context: RequestContext,
): Promise<OffsetFetchResponse> {
  if (context.apiVersion >= FIRST_VERSION_WITH_MANY_GROUPS) {
    const fits = await roomFor(request.groups, context);
    let index = 0;
    const groups = await awaitEach(
      request.groups,
      (group) => fetchGroup(group, request.requireStable, context, fits[index++]),
      GROUPS_AT_ONCE,
    );
    return { groups };
  }
  const { groupId, topics } = request;
  const only: GroupRequest = {
    groupId,
    memberId: null,
    memberEpoch: -1,
    topics: topics === null ? null : topics.map((topic) => ({ ...topic, topicId: ZERO_UUID })),
  };
  const response = await fetchGroup(only, request.requireStable, context);
  return { errorCode: response.errorCode ?? ErrorCode.NONE, topics: withNames(response.topics) };
}

/** Whether the response has room for each group. A group may be listed repeatedly. */
async function roomFor(
  groups: readonly GroupRequest[],
  context: RequestContext,
): Promise<boolean[]> {
  const budget = new ResponseBudget(context);
  const sizes = new Map<string, number>();
  const fits: boolean[] = [];
  const slice = new TimeSlice();
  for (const { groupId, topics } of groups) {
    if (topics === null && !sizes.has(groupId)) {
      sizes.set(groupId, await sizeOf(groupId, context));
    }
    // Explicitly listed partitions use no more than a few times the size of the request.
    fits.push(budget.reserve(GROUP_BYTES + (topics === null ? sizes.get(groupId)! : 0)));
    if (slice.isOver) await slice.pause();
  }
  await budget.claim();
  return fits;
}

async function sizeOf(groupId: string, { broker: { groups } }: RequestContext): Promise<number> {
  const shard = groups.shards.find((shard) => shard.offsets.ofGroup(groupId) !== undefined);
  return shard === undefined ? 0 : await runSliced(sizeOfAllOffsets(shard.offsets, groupId));
}

async function fetchGroup(
  request: GroupRequest,
  requireStable: boolean,
  context: RequestContext,
  fits = true,
): Promise<GroupResponse> {
  const { groupId } = request;
  try {
    if (!fits) throw new ResponseBudget(context).refusal();
    const { known, refused } = await sort(request.topics, context);
    const shard = context.broker.groups.shardOf(groupId);
    const topics = await fetch(shard, { ...request, topics: known }, requireStable);
    const named = request.topics === null ? withIds(visible(topics, context), context) : topics;
    return { groupId, topics: [...named, ...refused], errorCode: ErrorCode.NONE };
  } catch (error) {
    return await failed(request, groupErrorCode(error, context), context.apiVersion);
  }
}

/** Resolves topic ids to names, and separates topics that are unknown, or that the client may not describe. */
async function sort(
  topics: GroupRequest["topics"],
  context: RequestContext,
): Promise<{ known: GroupTopics | null; refused: FetchedTopics }> {
  const { apiVersion, broker: { authorizer, cluster } } = context;
  const byId = apiVersion >= FIRST_VERSION_WITH_TOPIC_ID;
  if (topics === null || (!byId && authorizer.isOpen)) return { known: topics, refused: [] };
  const known: GroupTopics = [];
  const refused: FetchedTopics[number][] = [];
  const slice = new TimeSlice();
  for (const topic of topics) {
    if (slice.isOver) await slice.pause();
    const name = byId ? cluster.topicById(topic.topicId)?.name : topic.name!;
    if (name === undefined) refused.push(await withoutOffsets(topic, ErrorCode.UNKNOWN_TOPIC_ID));
    else if (authorize(context, AclOperation.describe, AclResourceType.topic, name)) {
      known.push({ ...topic, name });
    } else {
      refused.push(await withoutOffsets(topic, ErrorCode.TOPIC_AUTHORIZATION_FAILED));
    }
  }
  return { known, refused };
}

/** The topics that the client may know of. */
function visible(topics: FetchedTopics, context: RequestContext): FetchedTopics {
  if (context.broker.authorizer.isOpen) return topics;
  return topics.filter(({ name }) =>
    mayDo(context, AclOperation.describe, AclResourceType.topic, name!)
  );
}

async function withoutOffsets(
  topic: GroupTopics[number],
  errorCode: number,
): Promise<FetchedTopics[number]> {
  const { name, topicId, partitionIndexes } = topic;
  const partitions = await mapEach(partitionIndexes, (index) => noOffset(index, errorCode));
  return { name, topicId, partitions };
}

/** Before version 2 the error is repeated for each partition. */
async function failed(
  { groupId, topics }: GroupRequest,
  errorCode: number,
  apiVersion: number,
): Promise<GroupResponse> {
  if (apiVersion >= FIRST_VERSION_WITH_GROUP_ERROR) return { groupId, topics: [], errorCode };
  const each = await awaitEach(topics ?? [], (topic) => withoutOffsets(topic, errorCode));
  return { groupId, topics: each, errorCode: ErrorCode.NONE };
}

/** All topics of a group; identified by id, only those that still exist. */
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
