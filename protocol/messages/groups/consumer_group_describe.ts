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
    groupIds: array(string()),
    includeAuthorizedOperations: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    groups: array({
      errorCode: int16(),
      errorMessage: string({ nullable: "0+", default: null }),
      groupId: string(),
      /** `Empty`, `Assigning`, `Reconciling`, `Stable` or `Dead`. */
      groupState: string(),
      /** Counts the changes of members and subscriptions. */
      groupEpoch: int32(),
      /** The group epoch for which the target assignment was computed. */
      assignmentEpoch: int32(),
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: string({ nullable: "0+", default: null }),
        rackId: string({ nullable: "0+", default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: string({ nullable: "0+", default: null }),
        /** The current assignment. */
        assignment: struct({
          topicPartitions: array({
            topicId: uuid(),
            topicName: string(),
            partitions: array(int32()),
          }),
        }),
        /** The assignment that the member is moving to. */
        targetAssignment: struct({
          topicPartitions: array({
            topicId: uuid(),
            topicName: string(),
            partitions: array(int32()),
          }),
        }),
        /** 0 for a classic member, 1 for a KIP-848 member, −1 if unknown. */
        memberType: int8("1+", { default: -1, ignorable: true }),
      }),
      /** Bit field of operations that the principal is authorized for, if requested. */
      authorizedOperations: int32({ default: NO_AUTHORIZED_OPERATIONS }),
    }),
  },
});

/** A decoded ConsumerGroupDescribe request. */
export type ConsumerGroupDescribeRequest = RequestOf<typeof consumerGroupDescribe>;
/** A ConsumerGroupDescribe response to encode. */
export type ConsumerGroupDescribeResponse = ResponseTo<typeof consumerGroupDescribe>;
