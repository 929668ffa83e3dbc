/**
 * The state of a log's idempotent producers.
 *
 * A `ProducerStateManager` has the last batches of each producer, and checks appends against them;
 * `TransactionVerifications` has the producers whose transactions are being verified. It is
 * saved in snapshot files (`producer_snapshot.ts`), and brought up to date from the batches after a
 * snapshot by `replayProducers`.
 *
 * @module
 */

export type { AppendOrigin } from "./producer_state_manager.ts";
export type { ProducerState } from "./producer_state.ts";
export type { Verification } from "./transaction_verifications.ts";
