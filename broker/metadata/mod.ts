/**
 * Where a cluster's metadata is: a `MetadataStore`, a revisioned key-value store.
 *
 * `LocalMetadataStore` keeps it in a log next to those of the topics, for a cluster of one broker;
 * `etcd/` has the one that brokers on several machines share. `SharedMetadataStore` is for several
 * brokers of one thread, `port/` for those of other threads. All keep one contract, which
 * `metadata_store_contract_testing.ts` checks. `MetadataFollower` reports a store's content and every
 * change of it.
 *
 * @module
 */

export {
  LocalMetadataStore,
  type LocalMetadataStoreOptions,
  METADATA_LOG_NAME,
} from "./local_metadata_store.ts";
export * from "./metadata_store.ts";
