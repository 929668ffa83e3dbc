/**
 * What groups of both protocols have in common.
 *
 * @module
 */

import type { Committer } from "./committer.ts";
import type { GroupRecord } from "./records/group_record.ts";

/** A group of either protocol. Methods that validate return an error code, 0 if all is well. */
export interface Group {
  /** The protocol, as named by ListGroups. */
  readonly type: "classic" | "consumer";
  readonly groupId: string;
  /** The state, as named by the API that describes the group. */
  readonly state: string;
  /** `null` for a group that only stores offsets. */
  readonly protocolType: string | null;
  readonly isEmpty: boolean;
  /** Whether the group has no members and none are joining. */
  readonly isAbandoned: boolean;
  /** Whether offsets of a topic are in use. */
  isSubscribedTo(topic: string): boolean;
  /**
   * Validates a commit. A client outside the group can commit while the group is empty, a member
   * only for its current generation or epoch.
   */
  validateCommit(committer: Committer, apiVersion: number): number;
  /**
   * Validates a commit as part of a transaction. Clients that do not say who they are are accepted
   * even in an active group: old versions of the request cannot.
   */
  validateTransactionalCommit(committer: Committer): number;
  /** Validates the commit of a partition by an accepted committer. */
  validatePartitionCommit(committer: Committer, topicId: string, partition: number): number;
  /** Validates fetching offsets. */
  validateFetch(memberId: string | null, memberEpoch: number): number;
  /** Whether offsets can be deleted. */
  validateOffsetDelete(): number;
  /** Whether the group can be deleted. */
  validateDelete(): number;
  /**
   * The start of the retention period of an offset committed at `committedMs`; `undefined` while
   * the group is active in a way that keeps all offsets.
   */
  retentionStart(committedMs: number): number | undefined;
  /** The records that delete the group. */
  tombstones(): GroupRecord[];
  /** Notes that a topic was created, changed or deleted. */
  topicChanged(topic: string): void;
  /** Cancels all timeouts and answers waiting requests with an error. */
  shutDown(errorCode: number, nowMs: number): void;
}
