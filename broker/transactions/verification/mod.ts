/**
 * What the leader of a partition asks the coordinator of a transaction before it appends (KIP-890).
 *
 * `TransactionVerifier` verifies that a partition has been added to a transaction, or adds it: it asks
 * the coordinator in this process, or the one on another broker (`remote_coordinator.ts`). `confirmed`
 * asks again if a marker was appended meanwhile; `pause_until_settled.ts` waits for a transaction to end.
 * `client_errors.ts` has the error codes for clients if the coordinator refuses.
 *
 * @module
 */

export { offsetCommitErrorOf, produceErrorOf } from "./client_errors.ts";
export { confirmed } from "./confirmed.ts";
export { askCoordinator } from "./remote_coordinator.ts";
export { TransactionVerifier } from "./transaction_verifier.ts";
