/**
 * OffsetCommit: stores committed offsets of a group.
 *
 * Kafka 4 starts at version 2, which adds a retention time that 5 removes (KIP-211). 6 adds leader
 * epochs (KIP-320), 7 static members (KIP-345), 8 is flexible, 9 supports KIP-848 members, 10
 * identifies topics by id (KIP-848).
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
  string,
  uuid,
} from "../../schema/schema.ts";
import { ZERO_UUID } from "../../primitives/uuid.ts";

/** Request and response of OffsetCommit in all versions. */
export const offsetCommit = api({
  key: 8,
  name: "OffsetCommit",
  versions: "2-10",
  flexible: "8+",
  request: {
    groupId: string(),
    /**
     * The generation of a classic member, the epoch of a KIP-848 member, or −1 for a committer
     * outside the group.
     */
    generationIdOrMemberEpoch: int32({ default: -1, ignorable: true }),
    memberId: string({ ignorable: true }),
    groupInstanceId: string("7+", { nullable: "7+", default: null }),
    /** How long to keep the offsets, −1 for the broker's setting. */
    retentionTimeMs: int64("2-4", { default: -1, ignorable: true }),
    topics: array({
      name: string("0-9", { default: "", ignorable: true }),
      topicId: uuid("10+", { default: ZERO_UUID, ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        /** The next offset to read. */
        committedOffset: int64(),
        committedLeaderEpoch: int32("6+", { default: -1, ignorable: true }),
        /** Metadata of the client, stored with the offset. */
        committedMetadata: string({ nullable: "0+", default: "" }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32("3+", { default: 0, ignorable: true }),
    topics: array({
      name: string("0-9", { default: "", ignorable: true }),
      topicId: uuid("10+", { default: ZERO_UUID, ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});

/** A decoded OffsetCommit request. */
export type OffsetCommitRequest = RequestOf<typeof offsetCommit>;
/** An OffsetCommit response to encode. */
export type OffsetCommitResponse = ResponseTo<typeof offsetCommit>;
