/**
 * The cluster metadata in etcd, shared by several brokers.
 *
 * `EtcdMetadataStore` is the store that a broker uses. `EtcdGateway` calls etcd's members over HTTP
 * with JSON, one after another until one responds; `CommitSlots` makes commits whose responses may
 * be lost; `EtcdSession` keeps a lease alive; `watchEtcd()` follows changes.
 *
 * @module
 */

export {
  CommitUnknownError,
  EtcdError,
  EtcdRestoredError,
  EtcdSilenceError,
} from "./etcd_error.ts";
export type { EtcdCredentials, EtcdPosition, EtcdTls } from "./etcd_gateway.ts";
export { EtcdMetadataStore, type EtcdMetadataStoreOptions } from "./etcd_metadata_store.ts";
