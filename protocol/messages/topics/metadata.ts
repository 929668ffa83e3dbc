/**
 * Metadata: brokers, topics, partitions and their leaders.
 *
 * Version 1 adds the controller and racks, and an empty list of topics no longer means all. 2 adds
 * the cluster id, 4 a flag for automatic topic creation, 5 offline replicas, 7 leader epochs
 * (KIP-320), 8 authorized operations (KIP-430), 9 is flexible, 10 adds topic ids (KIP-516), 11
 * removes the cluster's authorized operations, 12 allows requests by topic id, 13 adds a top-level
 * error (KIP-1102).
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
  uuid,
} from "../../schema/schema.ts";
import { ZERO_UUID } from "../../primitives/uuid.ts";

/** Value of authorized operations that were not requested. */
export const NO_AUTHORIZED_OPERATIONS = -2147483648;

/** Request and response of Metadata in all versions. */
export const metadata = api({
  key: 3,
  name: "Metadata",
  versions: "0-13",
  flexible: "9+",
  request: {
    /** The topics to describe; null, or in version 0 none, for all of them. */
    topics: array({
      topicId: uuid("10+", { default: ZERO_UUID, ignorable: true }),
      /** Null where `topicId` names the topic. */
      name: string({ nullable: "10+" }),
    }, { nullable: "1+" }),
    /** Whether missing topics may be created, if the broker allows it too. */
    allowAutoTopicCreation: bool("4+", { default: true }),
    includeClusterAuthorizedOperations: bool("8-10", { default: false }),
    includeTopicAuthorizedOperations: bool("8+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("3+", { default: 0, ignorable: true }),
    /** The brokers that are alive. */
    brokers: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string("1+", { nullable: "1+", default: null, ignorable: true }),
    }),
    clusterId: string("2+", { nullable: "2+", default: null, ignorable: true }),
    /** The broker that receives requests for the controller: one of `brokers`, or −1 if unknown. */
    controllerId: int32("1+", { default: -1, ignorable: true }),
    topics: array({
      errorCode: int16(),
      /** Null if the topic was requested by an unknown id. */
      name: string({ nullable: "12+" }),
      topicId: uuid("10+", { default: ZERO_UUID, ignorable: true }),
      isInternal: bool("1+", { default: false, ignorable: true }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        /** The broker that leads the partition, −1 if none does. */
        leaderId: int32(),
        leaderEpoch: int32("7+", { default: -1, ignorable: true }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        /** Replicas on brokers that are not alive. */
        offlineReplicas: array("5+", int32(), { default: [], ignorable: true }),
      }),
      /** Bit field of operations that the principal is authorized for, if requested. */
      topicAuthorizedOperations: int32("8+", { default: NO_AUTHORIZED_OPERATIONS }),
    }),
    clusterAuthorizedOperations: int32("8-10", { default: NO_AUTHORIZED_OPERATIONS }),
    /** A top-level error, such as REBOOTSTRAP_REQUIRED. */
    errorCode: int16("13+", { default: 0, ignorable: true }),
  },
});

/** A decoded Metadata request. */
export type MetadataRequest = RequestOf<typeof metadata>;
/** A Metadata response to encode. */
export type MetadataResponse = ResponseTo<typeof metadata>;
