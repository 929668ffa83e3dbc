/**
 * OffsetDelete: deletes committed offsets of topics that a group no longer reads (KIP-496).
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
} from "../../schema/schema.ts";

/** Request and response of OffsetDelete in all versions. */
export const offsetDelete = api({
  key: 47,
  name: "OffsetDelete",
  versions: "0",
  flexible: "none",
  request: {
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
  response: {
    errorCode: int16(),
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
});

/** A decoded OffsetDelete request. */
export type OffsetDeleteRequest = RequestOf<typeof offsetDelete>;
/** An OffsetDelete response to encode. */
export type OffsetDeleteResponse = ResponseTo<typeof offsetDelete>;
