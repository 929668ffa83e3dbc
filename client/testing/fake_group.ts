/**
 * A group coordinator of a fake cluster, for one member of the classic protocol: enough to have everything
 * go wrong that a real one would not do on demand. What one request is answered a test says with the
 * cluster's `once()`.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  offsetCommit,
  offsetFetch,
  syncGroup,
} from "../../protocol/messages/mod.ts";
import { WakeSignal } from "../wake_signal.ts";
import type { FakeCluster } from "./fake_cluster.ts";

/** The member id that the coordinator gives to whoever joins without one. */
const MEMBER_PREFIX = "member-";

/** A group of one. */
export class FakeGroup {
  /** The broker that coordinates the group. */
  coordinatorId = 0;
  memberId: string | undefined;
  generation = 0;
  /** Whether the group wants its member to join again. */
  isRebalancing = false;
  /** The committed offsets by topic and partition, as in `a-0`. */
  readonly committed = new Map<string, number>();
  readonly #commits = new WakeSignal();
  #members = 0;

  constructor(cluster: FakeCluster) {
    cluster.on(findCoordinator, ({ key, coordinatorKeys }, { version }) => {
      const found = {
        nodeId: this.coordinatorId,
        host: `broker-${this.coordinatorId}`,
        port: 9092,
        errorCode: ErrorCode.NONE,
      };
      return version < 4
        ? found
        : { coordinators: coordinatorKeys.map((each) => ({ key: each ?? key, ...found })) };
    });
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
      const errorCode = this.#check(nodeId, memberId, generationId);
      return { errorCode, assignment: assignments[0]?.assignment ?? new Uint8Array(0) };
    });
    cluster.on(heartbeat, ({ generationId, memberId }, { nodeId }) => {
      const errorCode = this.#check(nodeId, memberId, generationId);
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
    cluster.on(offsetCommit, (request, { nodeId }) => {
      const { generationIdOrMemberEpoch, memberId, topics } = request;
      const errorCode = this.#check(nodeId, memberId, generationIdOrMemberEpoch);
      for (const { name, partitions } of topics) {
        for (const { partitionIndex, committedOffset } of partitions) {
          if (errorCode === ErrorCode.NONE) {
            this.committed.set(`${name}-${partitionIndex}`, committedOffset);
          }
        }
      }
      this.#commits.notify();
      return {
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
        })),
      };
    });
    cluster.on(offsetFetch, ({ groups, topics }, { nodeId, version }) => {
      const errorCode = nodeId === this.coordinatorId ? ErrorCode.NONE : ErrorCode.NOT_COORDINATOR;
      const asked = version < 8 ? topics! : groups[0]!.topics!;
      const found = asked.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => ({
          partitionIndex,
          committedOffset: this.committed.get(`${name}-${partitionIndex}`) ?? -1,
          metadata: "",
          errorCode: ErrorCode.NONE,
        })),
      }));
      return version < 8
        ? { errorCode, topics: found }
        : { groups: [{ groupId: groups[0]!.groupId, errorCode, topics: found }] };
    });
  }

  /** Resolves once this offset is committed for a partition. */
  async untilCommitted(partition: string, offset: number): Promise<void> {
    while (this.committed.get(partition) !== offset) await this.#commits.wait();
  }

  #check(nodeId: number, memberId: string, generation: number): number {
    if (nodeId !== this.coordinatorId) return ErrorCode.NOT_COORDINATOR;
    if (memberId !== this.memberId) return ErrorCode.UNKNOWN_MEMBER_ID;
    return generation === this.generation ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION;
  }
}
