/**
 * The part of a fake cluster that coordinates a group of one member of either protocol: the
 * location of the coordinator, and the committed offsets. Tests override single responses with the
 * cluster's `once()`.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { findCoordinator, offsetCommit, offsetFetch } from "../../protocol/messages/mod.ts";
import { WakeSignal } from "../connection/wake_signal.ts";
import type { FakeCluster } from "./fake_cluster.ts";

/** The coordinator of a group of one member. */
export abstract class FakeCoordinator {
  /** The broker that coordinates the group. */
  coordinatorId = 0;
  /** The member; undefined if there is none. */
  memberId: string | undefined;
  /** The committed offsets by topic and partition, as in `a-0`. */
  readonly committed = new Map<string, number>();
  readonly #commits = new WakeSignal();

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
    cluster.on(offsetCommit, (request, { nodeId }) => {
      const { generationIdOrMemberEpoch, memberId, topics } = request;
      const errorCode = this.check(nodeId, memberId, generationIdOrMemberEpoch);
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

  /** The error code for a request of a member, if any. */
  errorFor(nodeId: number, memberId: string, generation: number): number {
    return this.check(nodeId, memberId, generation);
  }

  /** The error code for a request of the member, if any. */
  protected abstract check(nodeId: number, memberId: string, generation: number): number;
}
