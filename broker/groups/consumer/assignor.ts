/**
 * What an assignor is: it decides which member holds which partition. Assignors run in the broker, not
 * in a client (KIP-848).
 *
 * @module
 */

import type { Assignment } from "./assignment.ts";

/** A member, as an assignor sees it. */
export interface AssignorMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** The topics that it reads and that exist, in ascending order. */
  readonly topicIds: readonly string[];
  /** What it was to hold before. */
  readonly target: Assignment;
}

/** Assigns every partition of the topics that are read to one of the members that read it. */
export type Assign = (
  members: readonly AssignorMember[],
  partitionCount: (topicId: string) => number,
) => Map<string, Assignment>;
