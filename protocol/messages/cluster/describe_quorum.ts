/**
 * DescribeQuorum: the voters of the metadata quorum, and their progress (KIP-595).
 *
 * Version 1 adds times (KIP-836), 2 directory ids, addresses and error messages (KIP-853).
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
  uint16,
  uuid,
} from "../../schema/schema.ts";
import { ZERO_UUID } from "../../primitives/uuid.ts";

/** Request and response of DescribeQuorum in all versions. */
export const describeQuorum = api({
  key: 55,
  name: "DescribeQuorum",
  versions: "0-2",
  flexible: "0+",
  request: {
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
  response: {
    errorCode: int16(),
    errorMessage: string("2+", { nullable: "2+", default: "", ignorable: true }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: string("2+", { nullable: "2+", default: "", ignorable: true }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array({
          replicaId: int32(),
          replicaDirectoryId: uuid("2+", { default: ZERO_UUID }),
          logEndOffset: int64(),
          lastFetchTimestamp: int64("1+", { default: -1, ignorable: true }),
          lastCaughtUpTimestamp: int64("1+", { default: -1, ignorable: true }),
        }),
        observers: array({
          replicaId: int32(),
          replicaDirectoryId: uuid("2+", { default: ZERO_UUID }),
          logEndOffset: int64(),
          lastFetchTimestamp: int64("1+", { default: -1, ignorable: true }),
          lastCaughtUpTimestamp: int64("1+", { default: -1, ignorable: true }),
        }),
      }),
    }),
    nodes: array("2+", {
      nodeId: int32(),
      listeners: array({
        name: string(),
        host: string(),
        port: uint16(),
      }),
    }, { default: [] }),
  },
});

/** A decoded DescribeQuorum request. */
export type DescribeQuorumRequest = RequestOf<typeof describeQuorum>;
/** A DescribeQuorum response to encode. */
export type DescribeQuorumResponse = ResponseTo<typeof describeQuorum>;
