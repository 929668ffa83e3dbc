/**
 * A cluster's metadata in etcd, which several brokers share.
 *
 * `EtcdMetadataStore` is what a broker uses. `EtcdGateway` asks etcd's members over HTTP with JSON, one
 * after another until one answers; `CommitSlots` makes commits whose answers may be lost; `EtcdSession`
 * keeps a lease; `watchEtcd()` follows changes.
 *
 * @module
 */

export { type EtcdAddress, parseEtcdAddress } from "./etcd_address.ts";
export {
  CommitUnknownError,
  EtcdError,
  EtcdRestoredError,
  EtcdSilenceError,
} from "./etcd_error.ts";
export type { EtcdCredentials, EtcdPosition, EtcdTls } from "./etcd_gateway.ts";
export { EtcdMetadataStore, type EtcdMetadataStoreOptions } from "./etcd_metadata_store.ts";
