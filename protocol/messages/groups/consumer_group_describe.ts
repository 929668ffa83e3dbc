/**
 * ConsumerGroupDescribe: state and members of KIP-848 groups.
 *
 * A classic group returns GROUP_ID_NOT_FOUND, and clients then use DescribeGroups. Version 1 adds
 * the member type (KIP-1099).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
  struct,
  uuid,
} from "../../schema/schema.ts";
import { NO_AUTHORIZED_OPERATIONS } from "../topics/metadata.ts";

/** Request and response of ConsumerGroupDescribe in all versions. */
export const consumerGroupDescribe = api({
  key: 69,
  name: "ConsumerGroupDescribe",
  versions: "0-1",
  flexible: "0+",
  request: {
    groupIds: array(string("0+"), "0+"),
    includeAuthorizedOperations: bool("0+", { default: false }),
  },
  response: {
    throttleTimeMs: int32("0+", { default: 0 }),
    groups: array({
      errorCode: int16("0+"),
      errorMessage: string("0+", { nullable: "0+", default: null }),
      groupId: string("0+"),
      /** `Empty`, `Assigning`, `Reconciling`, `Stable` or `Dead`. */
      groupState: string("0+"),
      /** Counts the changes of members and subscriptions. */
      groupEpoch: int32("0+"),
      /** The group epoch for which the target assignment was computed. */
      assignmentEpoch: int32("0+"),
      assignorName: string("0+"),
      members: array({
        memberId: string("0+"),
        instanceId: string("0+", { nullable: "0+", default: null }),
        rackId: string("0+", { nullable: "0+", default: null }),
        memberEpoch: int32("0+"),
        clientId: string("0+"),
        clientHost: string("0+"),
        subscribedTopicNames: array(string("0+"), "0+"),
        subscribedTopicRegex: string("0+", { nullable: "0+", default: null }),
        /** The current assignment. */
        assignment: struct({
          topicPartitions: array({
            topicId: uuid("0+"),
            topicName: string("0+"),
            partitions: array(int32("0+"), "0+"),
          }, "0+"),
        }, "0+"),
        /** The assignment that the member is moving to. */
        targetAssignment: struct({
          topicPartitions: array({
            topicId: uuid("0+"),
            topicName: string("0+"),
            partitions: array(int32("0+"), "0+"),
          }, "0+"),
        }, "0+"),
        /** 0 for a classic member, 1 for a KIP-848 member, −1 if unknown. */
        memberType: int8("1+", { default: -1, ignorable: true }),
      }, "0+"),
      /** Bit field of operations that the principal is authorized for, if requested. */
      authorizedOperations: int32("0+", { default: NO_AUTHORIZED_OPERATIONS }),
    }, "0+"),
  },
});

/** A decoded ConsumerGroupDescribe request. */
export type ConsumerGroupDescribeRequest = RequestOf<typeof consumerGroupDescribe>;
/** A ConsumerGroupDescribe response to encode. */
export type ConsumerGroupDescribeResponse = ResponseTo<typeof consumerGroupDescribe>;
