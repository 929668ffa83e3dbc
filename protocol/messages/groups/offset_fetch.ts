/**
 * OffsetFetch: the committed offsets of groups.
 *
 * Version 2 can request all topics (KIP-88), 5 adds leader epochs (KIP-320), 6 is flexible, 7 can
 * reject offsets of open transactions (KIP-447), 8 accepts several groups (KIP-709), 9 supports
 * KIP-848 members, 10 identifies topics by id (KIP-848).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  type RequestOf,
  type ResponseTo,
  string,
  uuid,
} from "../../schema/schema.ts";
import { ZERO_UUID } from "../../primitives/uuid.ts";

/** Request and response of OffsetFetch in all versions. */
export const offsetFetch = api({
  key: 9,
  name: "OffsetFetch",
  versions: "1-10",
  flexible: "6+",
  request: {
    /** Up to version 7; replaced by `groups`. */
    groupId: string("0-7", { default: "" }),
    /** Null, from version 2 on, for all topics. */
    topics: array("0-7", {
      name: string(),
      partitionIndexes: array(int32()),
    }, { nullable: "2-7", default: [] }),
    groups: array("8+", {
      groupId: string(),
      memberId: string("9+", { nullable: "9+", default: null, ignorable: true }),
      /** The epoch of a KIP-848 member, −1 for others. */
      memberEpoch: int32("9+", { default: -1, ignorable: true }),
      /** Null for all topics. */
      topics: array({
        name: string("8-9", { default: "", ignorable: true }),
        topicId: uuid("10+", { default: ZERO_UUID, ignorable: true }),
        partitionIndexes: array(int32()),
      }, { nullable: "8+" }),
    }, { default: [] }),
    /**
     * Whether offsets that an open transaction may change are rejected with UNSTABLE_OFFSET_COMMIT.
     */
    requireStable: bool("7+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("3+", { default: 0, ignorable: true }),
    topics: array("0-7", {
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** The next offset to read, −1 if none is committed. */
        committedOffset: int64(),
        committedLeaderEpoch: int32("5-7", { default: -1, ignorable: true }),
        metadata: string({ nullable: "0-7", default: "" }),
        errorCode: int16(),
      }),
    }, { default: [] }),
    errorCode: int16("2-7", { default: 0, ignorable: true }),
    groups: array("8+", {
      groupId: string(),
      topics: array({
        name: string("8-9", { default: "", ignorable: true }),
        topicId: uuid("10+", { default: ZERO_UUID, ignorable: true }),
        partitions: array({
          partitionIndex: int32(),
          /** The next offset to read, −1 if none is committed. */
          committedOffset: int64(),
          committedLeaderEpoch: int32({ default: -1, ignorable: true }),
          metadata: string({ nullable: "8+", default: "" }),
          errorCode: int16(),
        }),
      }),
      errorCode: int16({ default: 0 }),
    }, { default: [] }),
  },
});

/** A decoded OffsetFetch request. */
export type OffsetFetchRequest = RequestOf<typeof offsetFetch>;
/** An OffsetFetch response to encode. */
export type OffsetFetchResponse = ResponseTo<typeof offsetFetch>;
