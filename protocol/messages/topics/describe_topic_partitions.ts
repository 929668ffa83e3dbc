/**
 * DescribeTopicPartitions: topics and their partitions, in pages (KIP-966).
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
  struct,
  uuid,
} from "../../schema/schema.ts";
import { NO_AUTHORIZED_OPERATIONS } from "./metadata.ts";

/** Request and response of DescribeTopicPartitions in all versions. */
export const describeTopicPartitions = api({
  key: 75,
  name: "DescribeTopicPartitions",
  versions: "0",
  flexible: "0+",
  request: {
    /** The topics to describe; empty for all. */
    topics: array({
      name: string(),
    }),
    /** Maximum number of partitions per page; the broker may have a lower limit. */
    responsePartitionLimit: int32({ default: 2000 }),
    /** Where the page starts, null for the beginning. */
    cursor: struct({
      topicName: string(),
      partitionIndex: int32(),
    }, { nullable: "0+", default: null }),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    topics: array({
      errorCode: int16(),
      name: string({ nullable: "0+" }),
      topicId: uuid({ ignorable: true }),
      isInternal: bool({ default: false, ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        /** The broker that leads the partition, −1 if none does. */
        leaderId: int32(),
        leaderEpoch: int32({ default: -1, ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        /**
         * Replicas outside the ISR that have all committed records. Java's admin client fails on
         * null, here and in `lastKnownElr`.
         */
        eligibleLeaderReplicas: array(int32(), { nullable: "0+", default: null }),
        /** The eligible leaders before the last ones were lost, null if unknown. */
        lastKnownElr: array(int32(), { nullable: "0+", default: null }),
        offlineReplicas: array(int32(), { default: [], ignorable: true }),
      }),
      /** Bit field of operations that the principal is authorized for. */
      topicAuthorizedOperations: int32({ default: NO_AUTHORIZED_OPERATIONS }),
    }),
    /** Where the next page starts, null after the last one. */
    nextCursor: struct({
      topicName: string(),
      partitionIndex: int32(),
    }, { nullable: "0+", default: null }),
  },
});

/** A decoded DescribeTopicPartitions request. */
export type DescribeTopicPartitionsRequest = RequestOf<typeof describeTopicPartitions>;
/** A DescribeTopicPartitions response to encode. */
export type DescribeTopicPartitionsResponse = ResponseTo<typeof describeTopicPartitions>;
