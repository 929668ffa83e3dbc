/**
 * ElectLeaders: elects the preferred leader or, at the risk of data loss, any live replica
 * (KIP-183, KIP-460).
 *
 * Version 1 adds the election type and a top-level error, 2 is flexible.
 *
 * @module
 */

import {
  api,
  array,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of ElectLeaders in all versions. */
export const electLeaders = api({
  key: 43,
  name: "ElectLeaders",
  versions: "0-2",
  flexible: "2+",
  request: {
    /** 0 preferred, 1 unclean. */
    electionType: int8("1+", { default: 0 }),
    /** Null for all partitions. */
    topicPartitions: array({
      topic: string(),
      partitions: array(int32()),
    }, { nullable: "0+" }),
    timeoutMs: int32({ default: 60000 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16("1+", { default: 0 }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: string({ nullable: "0+" }),
      }),
    }),
  },
});

/** A decoded ElectLeaders request. */
export type ElectLeadersRequest = RequestOf<typeof electLeaders>;
/** An ElectLeaders response to encode. */
export type ElectLeadersResponse = ResponseTo<typeof electLeaders>;
