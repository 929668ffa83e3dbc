/**
 * Server-side assignors (KIP-848), which distribute partitions among members.
 *
 * @module
 */

import type { Assignment } from "./assignment.ts";

/** A member, as seen by an assignor. */
export interface AssignorMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** The existing topics it is subscribed to, in ascending order. */
  readonly topicIds: readonly string[];
  /** Its previous target assignment. */
  readonly target: Assignment;
}

/** Assigns every partition of the subscribed topics to a subscriber. */
export type Assign = (
  members: readonly AssignorMember[],
  partitionCount: (topicId: string) => number,
) => Map<string, Assignment>;
