/**
 * Several brokers in one process, one for each core.
 *
 * `ProcessBrokers` starts them: the first in the main thread, each other as a `WorkerBroker`, which runs
 * the module `broker_worker.ts` in a worker and starts it again when it fails. The cluster's metadata is
 * served to the workers by `metadata/port/`.
 *
 * @module
 */

export { ProcessBrokers, type ProcessBrokersOptions } from "./process_brokers.ts";
export { WorkerBroker, type WorkerBrokerOptions, WorkerStartError } from "./worker_broker.ts";
