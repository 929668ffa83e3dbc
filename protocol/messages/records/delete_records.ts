/**
 * DeleteRecords: moves the log start offset of partitions forward (KIP-107).
 *
 * Version 2 is flexible.
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
} from "../../schema/schema.ts";

/** Request and response of DeleteRecords in all versions. */
export const deleteRecords = api({
  key: 21,
  name: "DeleteRecords",
  versions: "0-2",
  flexible: "2+",
  request: {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** The first offset to keep, −1 for the high watermark. */
        offset: int64(),
      }),
    }),
    /** How long to wait for all replicas. */
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** The new log start offset, −1 on error. */
        lowWatermark: int64(),
        errorCode: int16(),
      }),
    }),
  },
});

/** A decoded DeleteRecords request. */
export type DeleteRecordsRequest = RequestOf<typeof deleteRecords>;
/** A DeleteRecords response to encode. */
export type DeleteRecordsResponse = ResponseTo<typeof deleteRecords>;
