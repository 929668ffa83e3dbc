/**
 * The group consumer: reads partitions as a member of a group.
 *
 * A `GroupConsumer` is in its group for one `GroupSession` after another (`GroupSessions`), each with a
 * `Membership`: `ClassicMembership` (JoinGroup and SyncGroup; partitions are divided by an `Assignor` of
 * `assignors/`) or `ModernMembership` (KIP-848; the broker divides them). `HeldPartitions` are the
 * assigned partitions, with a reader for each and the progress of the program; `GroupCommits` decides
 * when progress is committed, and the `OffsetCommitter` commits it. `PollWatch` leaves the group when the
 * program no longer asks for messages. `group_coordinator.ts` finds the coordinator, and
 * `group_offsets.ts` has the requests for committed offsets.
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
