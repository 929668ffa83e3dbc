/**
 * Delegation tokens (KIP-48): a client that has authenticated gets one for its workers, which authenticate
 * with it by SCRAM and act for its owner.
 *
 * A token is a record of the metadata store without its secret: the HMAC of its id by the key that all
 * brokers are configured with. `delegation_token.ts` is the record, `delegation_tokens.ts` what can be done
 * with tokens, `token_sweep.ts` deletes those that have expired.
 *
 * @module
 */

export { concerns, type DelegationToken } from "./delegation_token.ts";
export { DelegationTokens, delegationTokensOf } from "./delegation_tokens.ts";
export { TokenSweep } from "./token_sweep.ts";
