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
    groupId: string(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        startOffset: int64(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+", default: null }),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: "0+", default: null }),
      }),
    }),
  },
});

/** A decoded AlterShareGroupOffsets request. */
export type AlterShareGroupOffsetsRequest = RequestOf<typeof alterShareGroupOffsets>;
/** An AlterShareGroupOffsets response to encode. */
export type AlterShareGroupOffsetsResponse = ResponseTo<typeof alterShareGroupOffsets>;
