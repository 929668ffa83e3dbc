/**
 * The coordinator of a classic group of one member, which can fail in ways that a real one would
 * not on demand.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { heartbeat, joinGroup, leaveGroup, syncGroup } from "../../protocol/messages/mod.ts";
import type { FakeCluster } from "./fake_cluster.ts";
import { FakeCoordinator } from "./fake_coordinator.ts";

/** The member id assigned to a new member. */
const MEMBER_PREFIX = "member-";

/** A classic group of one member. */
export class FakeClassicGroup extends FakeCoordinator {
  generation = 0;
  /** Whether the member has to rejoin. */
  isRebalancing = false;
  #members = 0;

  constructor(cluster: FakeCluster) {
    super(cluster);
    cluster.on(joinGroup, ({ memberId, protocols }, { nodeId, version }) => {
      const none = { protocolName: "", leader: "", memberId };
      if (nodeId !== this.coordinatorId) {
        return { ...none, errorCode: ErrorCode.NOT_COORDINATOR };
      }
      if (memberId === "") {
        this.memberId = `${MEMBER_PREFIX}${++this.#members}`;
        if (version >= 4) {
          return { ...none, errorCode: ErrorCode.MEMBER_ID_REQUIRED, memberId: this.memberId };
        }
      } else if (memberId !== this.memberId) {
        return { ...none, errorCode: ErrorCode.UNKNOWN_MEMBER_ID };
      }
      this.isRebalancing = false;
      this.generation++;
      return {
        errorCode: ErrorCode.NONE,
        generationId: this.generation,
        protocolType: "consumer",
        protocolName: protocols[0]!.name,
        leader: this.memberId!,
        memberId: this.memberId!,
        members: [{ memberId: this.memberId!, metadata: protocols[0]!.metadata }],
      };
    });
    cluster.on(syncGroup, ({ generationId, memberId, assignments }, { nodeId }) => {
      const errorCode = this.check(nodeId, memberId, generationId);
      return { errorCode, assignment: assignments[0]?.assignment ?? new Uint8Array(0) };
    });
    cluster.on(heartbeat, ({ generationId, memberId }, { nodeId }) => {
      const errorCode = this.check(nodeId, memberId, generationId);
      return {
        errorCode: errorCode === ErrorCode.NONE && this.isRebalancing
          ? ErrorCode.REBALANCE_IN_PROGRESS
          : errorCode,
      };
    });
    cluster.on(leaveGroup, ({ members, memberId }, { version }) => {
      const leaving = version < 3 ? memberId : members[0]!.memberId;
      if (leaving === this.memberId) this.memberId = undefined;
      return {
        errorCode: ErrorCode.NONE,
        members: members.map((member) => ({ ...member, errorCode: ErrorCode.NONE })),
      };
    });
  }

  protected override check(nodeId: number, memberId: string, generation: number): number {
    if (nodeId !== this.coordinatorId) return ErrorCode.NOT_COORDINATOR;
    if (memberId !== this.memberId) return ErrorCode.UNKNOWN_MEMBER_ID;
    return generation === this.generation ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
  }
}
