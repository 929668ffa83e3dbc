/**
 * Reading as a member of a group.
 *
 * A `GroupConsumer` stays in its group by `GroupSessions`, one `GroupSession` after the other, each with
 * a `Membership`: `ClassicMembership` (JoinGroup, SyncGroup; partitions are divided by an `Assignor` of
 * `assignors/`) or `ModernMembership` (KIP-848, the broker divides). `HeldPartitions` are the partitions
 * that the member has, with a reader for each and how far the program is; `GroupCommits` decides when
 * that is committed, the `OffsetCommitter` does it. `PollWatch` gives partitions up when the program no
 * longer asks for messages. `group_coordinator.ts` finds the broker to ask, `group_offsets.ts` has
 * the requests about offsets.
 *
 * @module
 */

export * from "./group_types.ts";
export type {
  Assignor,
  AssignorGroup,
  AssignorMember,
  AssignorName,
  GroupAssignments,
  LastAssignment,
} from "./assignor.ts";
export { GroupConsumer } from "./group_consumer.ts";
export type {
  GroupConsumerOptions,
  GroupConsumerState,
  GroupConsumerStatus,
  PartitionsCallback,
} from "./group_consumer_options.ts";
