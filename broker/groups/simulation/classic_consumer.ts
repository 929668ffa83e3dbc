/**
 * A simulated consumer of the classic protocol with eager rebalancing: it revokes everything before
 * it joins.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { JoinGroupResponse } from "../../../protocol/messages/groups/join_group.ts";
import type { SyncGroupResponse } from "../../../protocol/messages/groups/sync_group.ts";
import { DiskFullError } from "../../../storage/errors.ts";
import { ApiError } from "../../api_error.ts";
import { decodeAssignment, encodeAssignment } from "../../../protocol/consumer_protocol.ts";
import type { GroupShard } from "../group_shard.ts";
import { heartbeat, joinGroup, leaveGroup, syncGroup } from "../membership.ts";
import { PendingResponse, subscription } from "../testing.ts";
import {
  Consumer,
  REBALANCE_TIMEOUT_MS,
  SESSION_TIMEOUT_MS,
  TOPIC,
  type World,
} from "./consumer.ts";
import { type Ledger, PARTITION_COUNT } from "./ledger.ts";

type Waiting =
  | { readonly kind: "join"; readonly answer: PendingResponse<JoinGroupResponse> }
  | { readonly kind: "sync"; readonly answer: PendingResponse<SyncGroupResponse> };

/** Versions of JoinGroup before and after KIP-394, and with KIP-814. */
const VERSIONS = [2, 5, 9];

/** A consumer of the classic protocol. */
export class ClassicConsumer extends Consumer {
  readonly #apiVersion: number;
  protected readonly commitVersion = 8;
  #memberId = "";
  #generation = -1;
  #joined: JoinGroupResponse | undefined;
  #waiting: Waiting | undefined;
  #mustRejoin = true;

  constructor(world: World, groupId: string, ledger: Ledger, index: number) {
    super(
      world,
      groupId,
      ledger,
      `${groupId}/${index}`,
      index % 3 === 0 ? `static-${index}` : null,
    );
    this.#apiVersion = VERSIONS[index % VERSIONS.length]!;
  }

  get memberId(): string {
    return this.#memberId;
  }

  get generation(): number {
    return this.#generation;
  }

  get isSettled(): boolean {
    return this.positions !== undefined && this.#waiting === undefined && !this.#mustRejoin;
  }

  protected forget(): void {
    this.#memberId = "";
    this.#generation = -1;
    this.positions = this.#joined = this.#waiting = undefined;
    this.#mustRejoin = true;
  }

  disconnect(): void {
    if (this.#waiting !== undefined) this.#mustRejoin = true;
    this.#waiting = undefined;
  }

  protected async step(shard: GroupShard): Promise<void> {
    if (this.#waiting !== undefined) await this.#receive(shard);
    else if (this.#joined !== undefined) this.#sync(shard, this.#joined);
    else if (this.#mustRejoin) this.#join(shard);
  }

  #join(shard: GroupShard): void {
    this.positions = undefined;
    const request = {
      groupId: this.groupId,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      memberId: this.#memberId,
      groupInstanceId: this.instanceId,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: subscription(TOPIC) }],
      reason: null,
    };
    const client = { apiVersion: this.#apiVersion, clientId: this.name, clientHost: "/test" };
    const answer = joinGroup(shard, request, client).catch((error) => ({
      errorCode: codeOf(error),
      protocolName: null,
      leader: "",
      memberId: this.#memberId,
    }));
    this.#waiting = { kind: "join", answer: new PendingResponse<JoinGroupResponse>(answer) };
  }

  #sync(shard: GroupShard, joined: JoinGroupResponse): void {
    const isLeader = joined.leader === joined.memberId && !joined.skipAssignment;
    const members = isLeader ? joined.members!.map(({ memberId }) => memberId) : [];
    const request = {
      groupId: this.groupId,
      generationId: this.#generation,
      memberId: this.#memberId,
      groupInstanceId: this.instanceId,
      protocolType: "consumer",
      protocolName: "range",
      assignments: members.map((memberId, i) => ({
        memberId,
        assignment: encodeAssignment({
          assignedPartitions: [{ topic: TOPIC, partitions: everyNth(i, members.length) }],
        }, 0),
      })),
    };
    this.#joined = undefined;
    const answer = syncGroup(shard, request).catch((error) => ({
      errorCode: codeOf(error),
      assignment: new Uint8Array(0),
    }));
    this.#waiting = { kind: "sync", answer: new PendingResponse<SyncGroupResponse>(answer) };
  }

  protected beat(shard: GroupShard): void {
    const { groupId, memberId, generation: generationId, instanceId: groupInstanceId } = this;
    try {
      this.actOn(heartbeat(shard, { groupId, memberId, generationId, groupInstanceId }));
    } catch (error) {
      this.actOn(codeOf(error));
    }
  }

  async #receive(shard: GroupShard): Promise<void> {
    const waiting = this.#waiting!;
    if (waiting.answer.value === undefined) return;
    this.#waiting = undefined;
    if (waiting.kind === "join") return this.#joinedAs(waiting.answer.value!);
    const { errorCode, assignment } = waiting.answer.value as SyncGroupResponse;
    if (errorCode !== ErrorCode.NONE) {
      this.#mustRejoin = true;
      return this.actOn(errorCode);
    }
    const { assignedPartitions } = decodeAssignment(assignment);
    const partitions = assignedPartitions.flatMap(({ partitions }) => partitions);
    this.ledger.assigned(this.#generation, this.owner, partitions);
    const { generation } = this;
    const positions = await this.committed(shard, partitions);
    this.#mustRejoin = positions === undefined || this.#generation !== generation;
    this.positions = this.#mustRejoin ? undefined : positions;
  }

  #joinedAs(response: JoinGroupResponse): void {
    const { errorCode, memberId, generationId = -1 } = response;
    if (errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = memberId;
    } else if (errorCode === ErrorCode.NONE) {
      this.#memberId = memberId;
      this.#generation = generationId;
      this.#joined = response;
    } else this.actOn(errorCode);
  }

  protected sendLeave(shard: GroupShard): void {
    const { memberId, instanceId: groupInstanceId } = this;
    // The response is not awaited.
    (async () => {
      await leaveGroup(shard, this.groupId, [{ memberId, groupInstanceId, reason: null }]);
    })().catch(codeOf);
  }

  protected actOn(errorCode: number): void {
    switch (errorCode) {
      case ErrorCode.NONE:
        return;
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.FENCED_INSTANCE_ID:
        return this.forget();
      default:
        this.#mustRejoin = true;
        this.#joined = undefined;
        this.positions = undefined;
    }
  }
}

/** The leader's assignment for the member at `index`. */
function everyNth(index: number, memberCount: number): number[] {
  return Array.from({ length: PARTITION_COUNT }, (_, partition) => partition)
    .filter((partition) => partition % memberCount === index);
}

/** The error code of a failed request. */
export function codeOf(error: unknown): number {
  if (error instanceof ApiError) return error.code;
  if (error instanceof DiskFullError) return ErrorCode.NOT_COORDINATOR;
  throw error;
}
