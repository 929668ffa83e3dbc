/**
 * ListPartitionReassignments: the reassignments in progress (KIP-455).
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

/** Request and response of ListPartitionReassignments in all versions. */
export const listPartitionReassignments = api({
  key: 46,
  name: "ListPartitionReassignments",
  versions: "0",
  flexible: "0+",
  request: {
    timeoutMs: int32({ default: 60000 }),
    /** Null for all. */
    topics: array({
      name: string(),
      partitionIndexes: array(int32()),
    }, { nullable: "0+", default: null }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32()),
      }),
    }),
  },
});

/** A decoded ListPartitionReassignments request. */
export type ListPartitionReassignmentsRequest = RequestOf<typeof listPartitionReassignments>;
/** A ListPartitionReassignments response to encode. */
export type ListPartitionReassignmentsResponse = ResponseTo<typeof listPartitionReassignments>;
