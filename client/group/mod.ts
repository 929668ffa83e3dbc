/**
 * The group consumer: reads partitions as a member of a group.
 *
 * An arrow points from a part to one that it calls:
 *
 * ```text
 *                 GroupConsumer: what the program calls
 *       ┌───────────────┬────┴───────┬──────────────────┐
 *       ▼               ▼            ▼                  ▼
 *  GroupReading ─▶ GroupSessions  GroupTopics      GroupCommits ──▶ OffsetCommitter
 *       │               │ one after   │                 ▲                  │
 *       │               ▼ another     │                 │                  ▼
 *       │          GroupSession       │                 │             Coordinator ─▶ broker
 *       │               │             │                 │                  ▲
 *       │               ▼             ▼                 │                  │
 *       │           Membership ─▶ PartitionHandover ────┘                  │
 *       │               └─────────────│────────────────────────────────────┘
 *       ▼                             ▼
 *  HeldPartitions: the assigned partitions, and the progress of the program
 * ```
 *
 * A `Membership` (`membership/`) joins the group and learns which partitions are assigned to this member. There is one
 * for each protocol: `ClassicMembership` (JoinGroup and SyncGroup; an `Assignor` of `assignors/` divides
 * the partitions) and `ModernMembership` (KIP-848; the broker divides them). Heartbeats
 * (`membership/heartbeater.ts`) are sent in the background. `PartitionHandover` takes and revokes partitions and
 * calls the program's callbacks; `GroupReading` returns their messages, which a `Fetcher` prefetches;
 * `GroupCommits` decides when progress is committed, and the `OffsetCommitter` commits it. `PollWatch`
 * ends the session of a program that no longer asks for messages, and `GroupStatus` combines the status
 * of the session with that of fetching.
 *
 * State has one owner: `HeldPartitions` has the partitions, and `GroupContext` the rest of what the parts
 * share, where each field names the part that sets it. Nothing else refers back to what created it.
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
