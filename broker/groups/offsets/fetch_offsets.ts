/**
 * OffsetFetch: the committed offsets of a group.
 *
 * A partition without a committed offset, or an unknown group, has offset −1, no leader epoch, no
 * metadata, and no error.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type {
  OffsetFetchRequest,
  OffsetFetchResponse,
} from "../../../protocol/messages/groups/offset_fetch.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import type { CommittedOffset, OffsetStore } from "./offset_store.ts";
import type { PendingOffsets } from "./pending_offsets.ts";

type GroupTopics = NonNullable<OffsetFetchRequest["groups"][number]["topics"]>;

/** Topics with their offsets, in the form of the response. */
export type FetchedTopics = NonNullable<OffsetFetchResponse["groups"]>[number]["topics"];
type FetchedPartition = FetchedTopics[number]["partitions"][number];

const NO_OFFSET = -1;
const NO_EPOCH = -1;
/** Partitions per step. */
const PARTITIONS_PER_STEP = 64;
/** Upper bounds of the encoded sizes of a topic and a partition, without strings. */
const TOPIC_BYTES = 30;
const PARTITION_BYTES = 30;

/** The offsets to fetch from. */
export interface FetchableOffsets {
  readonly store: OffsetStore;
  /** Partitions for which an error is returned, because an offset is pending; none by default. */
  readonly unstable?: Pick<PendingOffsets, "has"> | undefined;
}

/** The offsets of requested partitions, in steps. */
export function* fetchOffsets(
  { store, unstable }: FetchableOffsets,
  groupId: string,
  topics: GroupTopics,
): Generator<void, FetchedTopics> {
  const ofGroup = store.ofGroup(groupId);
  const fetchedTopics: FetchedTopics[number][] = [];
  for (const { name, topicId, partitionIndexes } of topics) {
    const ofTopic = ofGroup?.get(name);
    const partitions: FetchedPartition[] = [];
    for (const index of partitionIndexes) {
      const committed = ofTopic?.get(index);
      const isOther = committed !== undefined && isOtherTopic(committed.topicId, topicId);
      partitions.push(
        unstable?.has(groupId, name!, index) === true
          ? noOffset(index, ErrorCode.UNSTABLE_OFFSET_COMMIT)
          : fetched(index, isOther ? undefined : committed),
      );
      if (partitions.length % PARTITIONS_PER_STEP === 0) yield;
    }
    fetchedTopics.push({ name, topicId, partitions });
    yield;
  }
  return fetchedTopics;
}

/** All offsets of a group, in steps. Those that are only pending are left out. */
export function* fetchAllOffsets(
  { store, unstable }: FetchableOffsets,
  groupId: string,
): Generator<void, FetchedTopics> {
  const fetchedTopics: FetchedTopics[number][] = [];
  for (const [name, offsets] of store.ofGroup(groupId) ?? []) {
    const partitions: FetchedPartition[] = [];
    for (const [index, committed] of offsets) {
      partitions.push(
        unstable?.has(groupId, name, index) === true
          ? noOffset(index, ErrorCode.UNSTABLE_OFFSET_COMMIT)
          : fetched(index, committed),
      );
      if (partitions.length % PARTITIONS_PER_STEP === 0) yield;
    }
    fetchedTopics.push({ name, topicId: ZERO_UUID, partitions });
    yield;
  }
  return fetchedTopics;
}

/** Upper bound of the encoded size of all offsets of a group; computed in steps. */
export function* sizeOfAllOffsets(store: OffsetStore, groupId: string): Generator<void, number> {
  let size = 0;
  for (const [name, offsets] of store.ofGroup(groupId) ?? []) {
    size += TOPIC_BYTES + name.length;
    for (const { metadata } of offsets.values()) size += PARTITION_BYTES + 3 * metadata.length;
    yield;
  }
  return size;
}

/** The result of a partition without an offset, with an optional error. */
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
