/**
 * Client quotas.
 *
 * `QuotaView` follows the records of quotas, which `quota_entity.ts` reads and writes, and finds the one
 * that holds a client. `Quotas` counts what clients do, in token buckets. The connection mutes itself
 * (`../../network/muting.ts`).
 *
 * @module
 */

export { Buckets } from "./buckets.ts";
export {
  CLIENT_QUOTAS,
  type ClientQuota,
  CONNECTION_QUOTA,
  formatQuotaRecord,
  parseQuotaRecord,
  type QuotaEntity,
  quotaKey,
  type QuotaRecord,
  QUOTAS_PREFIX,
  type QuotaValues,
} from "./quota_entity.ts";
export { type EffectiveQuota, QuotaView } from "./quota_view.ts";
export { type MutationResult, Quotas, type Requester } from "./quotas.ts";
export { TokenBucket } from "./token_bucket.ts";
