/**
 * The part of the admin client that looks after replicas and their leaders.
 *
 * @module
 */

import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { OPERATION_NAMES } from "../connection/option_names.ts";
import { ensureKnown } from "../ensure_known.ts";
import type { TopicPartition } from "../topic_partition.ts";
import {
  electAll,
  listReassignments,
  listReplicaEnds,
  reassignAll,
  unregister,
} from "./admin_replicas.ts";
import type {
  ElectLeadersOptions,
  PartitionReassignment,
  PartitionResult,
  ReassignPartitionsOptions,
  ReplicaEnd,
  ReplicaPlan,
} from "./admin_types.ts";
import {
  ELECT_LEADERS_NAMES,
  REASSIGN_PARTITIONS_NAMES,
  REPLICA_PLAN_NAMES,
} from "./option_names.ts";
import { TransactionAdmin } from "./transaction_admin.ts";

/** Moves replicas, elects leaders and forgets brokers. */
export class ReplicaAdmin extends TransactionAdmin {
  readonly #core: ClientCore;

  /** @ignore Use `client.admin()`. */
  constructor(core: ClientCore) {
    super(core);
    this.#core = core;
  }

  /**
   * Elects leaders of partitions.
   *
   * @param partitions The partitions. Default: all.
   * @param options The type of election, time limit and signal.
   * @returns The result for each partition that needed an election.
   */
  async electLeaders(
    partitions?: readonly TopicPartition[],
    options: ElectLeadersOptions = {},
  ): Promise<PartitionResult[]> {
    ensureKnown("electLeaders()", options, ELECT_LEADERS_NAMES);
    return await electAll(this.#core, partitions, options);
  }

  /**
   * Moves partitions to other brokers, changes the number of their replicas, or cancels that (KIP-455).
   * Replicas are removed when the new ones have been copied; `listReassignments()` shows those that have
   * not been yet.
   *
   * @param plans The replicas of each partition.
   * @param options Whether the number of replicas may change, time limit and signal.
   * @returns The result for each partition.
   */
  async reassignPartitions(
    plans: readonly ReplicaPlan[],
    options: ReassignPartitionsOptions = {},
  ): Promise<PartitionResult[]> {
    ensureKnown("reassignPartitions()", options, REASSIGN_PARTITIONS_NAMES);
    for (const plan of plans) ensureKnown("reassignPartitions()", plan, REPLICA_PLAN_NAMES);
    return await reassignAll(this.#core, plans, options);
  }

  /**
   * Lists the reassignments in progress.
   *
   * @param partitions The partitions to look at. Default: all.
   * @param options Time limit and signal.
   * @returns The reassignments, by topic and partition.
   */
  async listReassignments(
    partitions?: readonly TopicPartition[],
    options: OperationOptions = {},
  ): Promise<PartitionReassignment[]> {
    ensureKnown("listReassignments()", options, OPERATION_NAMES);
    return await listReassignments(this.#core, partitions, options);
  }

  /**
   * Looks up how far a broker's own replicas of partitions reach, also where another leads.
   *
   * @returns The ends of those that the broker has a replica of.
   */
  async listReplicaEnds(
    brokerId: number,
    partitions: readonly TopicPartition[],
    options: OperationOptions = {},
  ): Promise<ReplicaEnd[]> {
    ensureKnown("listReplicaEnds()", options, OPERATION_NAMES);
    return await listReplicaEnds(this.#core, brokerId, partitions, options);
  }

  /**
   * Forgets a broker that has stopped for good.
   *
   * @param brokerId The node id.
   * @param options Time limit and signal.
   * @throws {KafkaError} If it is running or has replicas, with `INVALID_REQUEST`; if there is none, with
   *   `BROKER_ID_NOT_REGISTERED`.
   */
  async unregisterBroker(brokerId: number, options: OperationOptions = {}): Promise<void> {
    ensureKnown("unregisterBroker()", options, OPERATION_NAMES);
    await unregister(this.#core, brokerId, options);
  }
}
