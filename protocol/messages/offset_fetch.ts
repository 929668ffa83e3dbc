/**
 * OffsetFetch: the offsets that groups have committed.
 *
 * Version 2 can ask for all topics (KIP-88), 5 adds leader epochs (KIP-320), 6 is flexible, 7 can refuse
 * offsets of open transactions (KIP-447), 8 asks for several groups at once (KIP-709), 9 serves KIP-848
 * members too, 10 names topics by id (KIP-848).
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
} from "../schema.ts";
import { ZERO_UUID } from "../uuid.ts";

/** Request and response of OffsetFetch in all versions. */
export const offsetFetch = api({
  key: 9,
  name: "OffsetFetch",
  versions: "1-10",
  flexible: "6+",
  request: {
    /** Versions before 8; `groups` takes its place. */
    groupId: string("0-7", { default: "" }),
    /** Null, from version 2 on, for all topics. */
    topics: array(
      {
        name: string("0-7"),
        partitionIndexes: array(int32("0-7"), "0-7"),
      },
      "0-7",
      { nullable: "2-7", default: [] },
    ),
    groups: array(
      {
        groupId: string("8+"),
        memberId: string("9+", { nullable: "9+", default: null, ignorable: true }),
        /** The epoch of a KIP-848 member, −1 for others. */
        memberEpoch: int32("9+", { default: -1, ignorable: true }),
        /** Null for all topics. */
        topics: array(
          {
            name: string("8-9", { default: "", ignorable: true }),
            topicId: uuid("10+", { default: ZERO_UUID, ignorable: true }),
            partitionIndexes: array(int32("8+"), "8+"),
          },
          "8+",
          { nullable: "8+" },
        ),
      },
      "8+",
      { default: [] },
    ),
    /**
     * Whether offsets that an open transaction may change are refused with UNSTABLE_OFFSET_COMMIT.
     */
    requireStable: bool("7+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("3+", { default: 0, ignorable: true }),
    topics: array(
      {
        name: string("0-7"),
        partitions: array({
          partitionIndex: int32("0-7"),
          /** The next offset to read, −1 if none was committed. */
          committedOffset: int64("0-7"),
          committedLeaderEpoch: int32("5-7", { default: -1, ignorable: true }),
          metadata: string("0-7", { nullable: "0-7", default: "" }),
          errorCode: int16("0-7"),
        }, "0-7"),
      },
      "0-7",
      { default: [] },
    ),
    errorCode: int16("2-7", { default: 0, ignorable: true }),
    groups: array(
      {
        groupId: string("8+"),
        topics: array({
          name: string("8-9", { default: "", ignorable: true }),
          topicId: uuid("10+", { default: ZERO_UUID, ignorable: true }),
          partitions: array({
            partitionIndex: int32("8+"),
            /** The next offset to read, −1 if none was committed. */
            committedOffset: int64("8+"),
            committedLeaderEpoch: int32("8+", { default: -1, ignorable: true }),
            metadata: string("8+", { nullable: "8+", default: "" }),
            errorCode: int16("8+"),
          }, "8+"),
        }, "8+"),
        errorCode: int16("8+", { default: 0 }),
      },
      "8+",
      { default: [] },
    ),
  },
});

/** An OffsetFetch request as a handler gets it. */
export type OffsetFetchRequest = RequestOf<typeof offsetFetch>;
/** An OffsetFetch response as a handler gives it. */
export type OffsetFetchResponse = ResponseTo<typeof offsetFetch>;
