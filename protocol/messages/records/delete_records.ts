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
      name: string("0+"),
      partitions: array({
        partitionIndex: int32("0+"),
        /** The first offset to keep, −1 for the high watermark. */
        offset: int64("0+"),
      }, "0+"),
    }, "0+"),
    /** How long to wait for all replicas. */
    timeoutMs: int32("0+"),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    topics: array({
      name: string("0+"),
      partitions: array({
        partitionIndex: int32("0+"),
        /** The new log start offset, −1 on error. */
        lowWatermark: int64("0+"),
        errorCode: int16("0+"),
      }, "0+"),
    }, "0+"),
  },
});

/** A decoded DeleteRecords request. */
export type DeleteRecordsRequest = RequestOf<typeof deleteRecords>;
/** A DeleteRecords response to encode. */
export type DeleteRecordsResponse = ResponseTo<typeof deleteRecords>;
