/**
 * ConsumerGroupDescribe: a KIP-848 group and its members.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { ConsumerGroupDescribeResponse } from "../../../protocol/messages/groups/consumer_group_describe.ts";
import type { GroupShard } from "../group_shard.ts";
import type { GroupTopics } from "../group_topics.ts";
import type { Assignment } from "./assignment.ts";
import { preferredAssignor } from "./update.ts";

type Described = ConsumerGroupDescribeResponse["groups"][number];
type DescribedAssignment = Described["members"][number]["assignment"];

const MemberType = { classic: 0, consumer: 1 } as const;

/** Describes a KIP-848 group; `undefined` if it does not exist. */
export function describeConsumerGroup(shard: GroupShard, groupId: string): Described | undefined {
  const group = shard.consumerGroup(groupId);
  if (group === undefined) return undefined;
  const { config, topics } = shard.environment;
  const members = [...group.members.values()];
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredAssignor(members) ?? config.get("group.consumer.assignors")[0]!,
    members: members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.memberEpoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      assignment: describe(member.assigned, topics),
      targetAssignment: describe(group.target(member.memberId), topics),
      memberType: member.classic === null ? MemberType.consumer : MemberType.classic,
    })),
  };
}

/** An assignment with topic names, without deleted topics. */
function describe(assignment: Assignment, topics: GroupTopics): DescribedAssignment {
  return {
    topicPartitions: [...assignment].flatMap(([topicId, partitions]) => {
      const topicName = topics.topicById(topicId)?.name;
      return topicName === undefined ? [] : [{ topicId, topicName, partitions }];
    }),
  };
}
