/**
 * AlterShareGroupOffsets: changes the start offsets of a share group (KIP-932).
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

/** Request and response of AlterShareGroupOffsets in all versions. */
export const alterShareGroupOffsets = api({
  key: 91,
  name: "AlterShareGroupOffsets",
  versions: "0",
  flexible: "0+",
  request: {
    groupId: string("0+"),
    topics: array({
      topicName: string("0+"),
      partitions: array({
        partitionIndex: int32("0+"),
        startOffset: int64("0+"),
      }, "0+"),
    }, "0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+", default: null }),
    responses: array({
      topicName: string("0+"),
      topicId: uuid("0+"),
      partitions: array({
        partitionIndex: int32("0+"),
        errorCode: int16("0+"),
        errorMessage: string("0+", { nullable: "0+", default: null }),
      }, "0+"),
    }, "0+"),
  },
});

/** A decoded AlterShareGroupOffsets request. */
export type AlterShareGroupOffsetsRequest = RequestOf<typeof alterShareGroupOffsets>;
/** An AlterShareGroupOffsets response to encode. */
export type AlterShareGroupOffsetsResponse = ResponseTo<typeof alterShareGroupOffsets>;
