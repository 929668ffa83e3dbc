/**
 * The records of a KIP-848 group in `__consumer_offsets`: key types 3 to 8 and 16.
 *
 * A group is spread over several records, so that a change writes only what it changes: the group's
 * epoch, each member's subscription, the target assignment's epoch, each member's target, what each
 * member holds now, and the topics that each regular expression matches. Type 4 is what early versions
 * kept of the topics' partitions; it is read and not written, except as a tombstone.
 *
 * @module
 */

import {
  array,
  bytes,
  int32,
  int64,
  int8,
  message,
  string,
  struct,
  uuid,
} from "../../../protocol/schema/schema.ts";

export const consumerGroupMetadataKey = message("ConsumerGroupMetadataKey", "0", "none", {
  groupId: string(),
});

export const consumerGroupMetadataValue = message("ConsumerGroupMetadataValue", "0", "0+", {
  /** The group epoch. */
  epoch: int32(),
  /** A hash of the subscribed topics and their partitions, 0 if unknown. */
  metadataHash: int64({ default: 0, tag: 0 }),
});

export const consumerGroupPartitionMetadataKey = message(
  "ConsumerGroupPartitionMetadataKey",
  "0",
  "none",
  { groupId: string() },
);

export const consumerGroupPartitionMetadataValue = message(
  "ConsumerGroupPartitionMetadataValue",
  "0",
  "0+",
  {
    topics: array({
      topicId: uuid(),
      topicName: string(),
      numPartitions: int32(),
      partitionMetadata: array({
        partition: int32(),
        racks: array(string()),
      }),
    }),
  },
);

export const consumerGroupMemberMetadataKey = message(
  "ConsumerGroupMemberMetadataKey",
  "0",
  "none",
  { groupId: string(), memberId: string() },
);

export const consumerGroupMemberMetadataValue = message(
  "ConsumerGroupMemberMetadataValue",
  "0",
  "0+",
  {
    instanceId: string({ nullable: "0+" }),
    rackId: string({ nullable: "0+" }),
    clientId: string(),
    clientHost: string(),
    subscribedTopicNames: array(string()),
    subscribedTopicRegex: string({ nullable: "0+" }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    serverAssignor: string({ nullable: "0+" }),
    /** Set for a member that uses the classic protocol. */
    classicMemberMetadata: struct({
      sessionTimeoutMs: int32(),
      supportedProtocols: array({
        name: string(),
        metadata: bytes(),
      }),
    }, { nullable: "0+", default: null, tag: 0 }),
  },
);

export const consumerGroupTargetAssignmentMetadataKey = message(
  "ConsumerGroupTargetAssignmentMetadataKey",
  "0",
  "none",
  { groupId: string() },
);

export const consumerGroupTargetAssignmentMetadataValue = message(
  "ConsumerGroupTargetAssignmentMetadataValue",
  "0",
  "0+",
  {
    /** The group epoch that the target was computed for. */
    assignmentEpoch: int32(),
  },
);

export const consumerGroupTargetAssignmentMemberKey = message(
  "ConsumerGroupTargetAssignmentMemberKey",
  "0",
  "none",
  { groupId: string(), memberId: string() },
);

export const consumerGroupTargetAssignmentMemberValue = message(
  "ConsumerGroupTargetAssignmentMemberValue",
  "0",
  "0+",
  {
    topicPartitions: array({
      topicId: uuid(),
      partitions: array(int32()),
    }),
  },
);

export const consumerGroupCurrentMemberAssignmentKey = message(
  "ConsumerGroupCurrentMemberAssignmentKey",
  "0",
  "none",
  { groupId: string(), memberId: string() },
);

export const consumerGroupCurrentMemberAssignmentValue = message(
  "ConsumerGroupCurrentMemberAssignmentValue",
  "0",
  "0+",
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    /** One of `MemberState`. */
    state: int8(),
    assignedPartitions: array({
      topicId: uuid(),
      partitions: array(int32()),
    }),
    partitionsPendingRevocation: array({
      topicId: uuid(),
      partitions: array(int32()),
    }),
  },
);

export const consumerGroupRegularExpressionKey = message(
  "ConsumerGroupRegularExpressionKey",
  "0",
  "none",
  { groupId: string(), regularExpression: string() },
);

export const consumerGroupRegularExpressionValue = message(
  "ConsumerGroupRegularExpressionValue",
  "0",
  "0+",
  {
    /** The topics it matches. */
    topics: array(string()),
    /** The revision of the cluster's metadata that it was resolved against. */
    version: int64(),
    /** When it was resolved, in milliseconds since the epoch. */
    timestamp: int64(),
  },
);
