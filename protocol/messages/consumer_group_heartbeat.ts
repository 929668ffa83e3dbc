/**
 * ConsumerGroupHeartbeat: joins, keeps alive and leaves a KIP-848 group, and carries its assignments.
 *
 * What has not changed since the last heartbeat is null, or −1, in both directions. Version 1 adds
 * subscription by regular expression and has the client make up its member id (KIP-1082).
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
  struct,
  uuid,
} from "../schema.ts";

/** Request and response of ConsumerGroupHeartbeat in all versions. */
export const consumerGroupHeartbeat = api({
  key: 68,
  name: "ConsumerGroupHeartbeat",
  versions: "0-1",
  flexible: "0+",
  request: {
    groupId: string("0+"),
    memberId: string("0+"),
    /** The epoch the member is in: 0 joins, −1 leaves, −2 leaves a static member's place open. */
    memberEpoch: int32("0+"),
    instanceId: string("0+", { nullable: "0+", default: null }),
    rackId: string("0+", { nullable: "0+", default: null }),
    /** How long the member may take to give up partitions. */
    rebalanceTimeoutMs: int32("0+", { default: -1 }),
    subscribedTopicNames: array(string("0+"), "0+", { nullable: "0+", default: null }),
    /** In RE2's syntax. */
    subscribedTopicRegex: string("1+", { nullable: "1+", default: null }),
    /** The assignor the member would like. */
    serverAssignor: string("0+", { nullable: "0+", default: null }),
    /** The partitions the member holds. */
    topicPartitions: array(
      {
        topicId: uuid("0+"),
        partitions: array(int32("0+"), "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    errorCode: int16("0+"),
    errorMessage: string("0+", { nullable: "0+", default: null }),
    /** The id the member was given, in version 0. */
    memberId: string("0+", { nullable: "0+", default: null }),
    memberEpoch: int32("0+"),
    /** When to send the next heartbeat. */
    heartbeatIntervalMs: int32("0+"),
    /** What the member shall hold, null where it has not changed. */
    assignment: struct(
      {
        topicPartitions: array({
          topicId: uuid("0+"),
          partitions: array(int32("0+"), "0+"),
        }, "0+"),
      },
      "0+",
      { nullable: "0+", default: null },
    ),
  },
});

/** A ConsumerGroupHeartbeat request as a handler gets it. */
export type ConsumerGroupHeartbeatRequest = RequestOf<typeof consumerGroupHeartbeat>;
/** A ConsumerGroupHeartbeat response as a handler gives it. */
export type ConsumerGroupHeartbeatResponse = ResponseTo<typeof consumerGroupHeartbeat>;
