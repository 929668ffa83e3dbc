/**
 * Kafka's names of APIs by key, for error messages and logs.
 *
 * @module
 */

import { apiByKey } from "./messages/mod.ts";

/**
 * APIs of Kafka that `messages/` does not declare; most are used between brokers and controllers.
 */
const OTHER_NAMES: Readonly<Record<number, string>> = {
  4: "LeaderAndIsr",
  5: "StopReplica",
  6: "UpdateMetadata",
  7: "ControlledShutdown",
  52: "Vote",
  53: "BeginQuorumEpoch",
  54: "EndQuorumEpoch",
  56: "AlterPartition",
  58: "Envelope",
  59: "FetchSnapshot",
  62: "BrokerRegistration",
  63: "BrokerHeartbeat",
  67: "AllocateProducerIds",
  70: "ControllerRegistration",
  73: "AssignReplicasToDirs",
  77: "ShareGroupDescribe",
  78: "ShareFetch",
  82: "UpdateRaftVoter",
  83: "InitializeShareGroupState",
  84: "ReadShareGroupState",
  85: "WriteShareGroupState",
  86: "DeleteShareGroupState",
  87: "ReadShareGroupStateSummary",
  89: "StreamsGroupDescribe",
  90: "DescribeShareGroupOffsets",
};

/** Kafka's name of the API with `key`, or `undefined` if there is none. */
export function apiName(key: number): string | undefined {
  return apiByKey(key)?.name ?? OTHER_NAMES[key];
}
