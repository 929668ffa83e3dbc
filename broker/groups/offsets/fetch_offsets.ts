/**
 * OffsetFetch: what a group has committed.
 *
 * A partition without a commit has offset −1, no leader epoch and no text, which is no error; neither
 * is a group that does not exist.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type {
  OffsetFetchRequest,
  OffsetFetchResponse,
} from "../../../protocol/messages/offset_fetch.ts";
import { ZERO_UUID } from "../../../protocol/uuid.ts";
import type { CommittedOffset, OffsetStore, TopicOffsets } from "./offset_store.ts";

type GroupTopics = NonNullable<OffsetFetchRequest["groups"][number]["topics"]>;

/** Topics with their offsets, as the response has them. */
export type FetchedTopics = NonNullable<OffsetFetchResponse["groups"]>[number]["topics"];
type FetchedPartition = FetchedTopics[number]["partitions"][number];

const NO_OFFSET = -1;
const NO_EPOCH = -1;

/** The offsets of the partitions asked for. */
export function fetchOffsets(
  store: OffsetStore,
  groupId: string,
  topics: GroupTopics,
): FetchedTopics {
  const ofGroup = store.ofGroup(groupId);
  return topics.map(({ name, topicId, partitionIndexes }) => {
    const ofTopic = ofGroup?.get(name);
    return {
      name,
      topicId,
      partitions: partitionIndexes.map((index) => {
        const committed = ofTopic?.get(index);
        const isOther = committed !== undefined && isOtherTopic(committed.topicId, topicId);
        return fetched(index, isOther ? undefined : committed);
      }),
    };
  });
}

/** All offsets of a group. */
export function fetchAllOffsets(store: OffsetStore, groupId: string): FetchedTopics {
  const topics = store.ofGroup(groupId) ?? new Map<string, TopicOffsets>();
  return [...topics].map(([name, partitions]) => ({
    name,
    topicId: ZERO_UUID,
    partitions: [...partitions].map(([index, committed]) => fetched(index, committed)),
  }));
}

/** A partition for which there is no offset, perhaps because of an error. */
export function noOffset(
  partitionIndex: number,
  errorCode: number = ErrorCode.NONE,
): FetchedPartition {
  return {
    partitionIndex,
    committedOffset: NO_OFFSET,
    committedLeaderEpoch: NO_EPOCH,
    metadata: "",
    errorCode,
  };
}

function fetched(partitionIndex: number, committed: CommittedOffset | undefined): FetchedPartition {
  if (committed === undefined) return noOffset(partitionIndex);
  return {
    partitionIndex,
    committedOffset: committed.offset,
    committedLeaderEpoch: committed.leaderEpoch,
    metadata: committed.metadata,
    errorCode: ErrorCode.NONE,
  };
}

/** Whether an offset belongs to an earlier topic of the same name. */
function isOtherTopic(committed: string, asked: string): boolean {
  return committed !== ZERO_UUID && asked !== ZERO_UUID && committed !== asked;
}
