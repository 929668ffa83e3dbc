/**
 * Counters on the paths of requests: plain numbers and a histogram of powers of two.
 *
 * They are read by `../http/metrics/`, which also knows their names. This room imports nothing, so
 * that everything can count.
 *
 * @module
 */

export {
  ApiCounters,
  BrokerCounters,
  ConnectionCounters,
  GroupCounters,
  MaintenanceCounters,
  PartitionTraffic,
} from "./broker_counters.ts";
export { DurationHistogram } from "./histogram.ts";
export { PartitionChanges } from "./partition_changes.ts";
export { TransactionCounters } from "./transaction_counters.ts";
