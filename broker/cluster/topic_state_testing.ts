/**
 * States of partitions for tests.
 *
 * @module
 */

import type { PartitionState } from "./topic_state.ts";

/** A partition state: that of a partition with one replica, on broker 1, as far as not given. */
export function partitionStateOf(given: Partial<PartitionState> = {}): PartitionState {
  const replicas = given.replicas ?? [1];
  return {
    leaderId: replicas[0]!,
    leaderEpoch: 0,
    leaderIncarnation: undefined,
    replicas,
    isr: replicas,
    elr: [],
    adding: [],
    removing: [],
    uncleanEpoch: -1,
    revision: 0,
    ...given,
  };
}
