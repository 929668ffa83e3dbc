/**
 * DeleteShareGroupOffsets: deletes the offsets of a share group for topics (KIP-932).
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  type RequestOf,
  type ResponseTo,
  string,
  uuid,
} from "../../schema/schema.ts";

/** Request and response of DeleteShareGroupOffsets in all versions. */
export const deleteShareGroupOffsets = api({
  key: 92,
  name: "DeleteShareGroupOffsets",
  versions: "0",
  flexible: "0+",
  request: {
    groupId: string(),
    topics: array({
      topicName: string(),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+", default: null }),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      errorCode: int16(),
      errorMessage: string({ nullable: "0+", default: null }),
    }),
  },
});

/** A decoded DeleteShareGroupOffsets request. */
export type DeleteShareGroupOffsetsRequest = RequestOf<typeof deleteShareGroupOffsets>;
/** A DeleteShareGroupOffsets response to encode. */
export type DeleteShareGroupOffsetsResponse = ResponseTo<typeof deleteShareGroupOffsets>;
