/**
 * AlterPartitionReassignments: moves partitions to other brokers, or cancels a reassignment
 * (KIP-455).
 *
 * Version 1 can forbid changes of the replication factor (KIP-860).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of AlterPartitionReassignments in all versions. */
export const alterPartitionReassignments = api({
  key: 45,
  name: "AlterPartitionReassignments",
  versions: "0-1",
  flexible: "0+",
  request: {
    timeoutMs: int32({ default: 60000 }),
    allowReplicationFactorChange: bool("1+", { default: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        /** Brokers to move the partition to; null cancels a reassignment in progress. */
        replicas: array(int32(), { nullable: "0+", default: null }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    allowReplicationFactorChange: bool("1+", { default: true, ignorable: true }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: "0+" }),
      }),
    }),
  },
});

/** A decoded AlterPartitionReassignments request. */
export type AlterPartitionReassignmentsRequest = RequestOf<typeof alterPartitionReassignments>;
/** An AlterPartitionReassignments response to encode. */
export type AlterPartitionReassignmentsResponse = ResponseTo<typeof alterPartitionReassignments>;
