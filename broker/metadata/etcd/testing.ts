/**
 * Stores in a real etcd, for tests.
 *
 * @module
 */

import type { EtcdCluster } from "../../../tests/support/etcd_cluster.ts";
import { silentLogger } from "../../logger.ts";
import { systemClock } from "../../time/clock.ts";
import { EtcdMetadataStore, type EtcdMetadataStoreOptions } from "./etcd_metadata_store.ts";

/** Options of a store; without a name, a new empty one is opened. */
export interface OpenStoreOptions extends Partial<EtcdMetadataStoreOptions> {
  readonly name?: string;
  /** Addresses of the members. Default: direct. */
  readonly endpoints?: readonly string[];
}

let names = 0;

/** Opens a store. */
export async function openStore(
  cluster: EtcdCluster,
  { name = `test-${++names}`, endpoints = cluster.endpoints, ...options }: OpenStoreOptions = {},
): Promise<EtcdMetadataStore & AsyncDisposable> {
  const store = await EtcdMetadataStore.open({
    address: { endpoints, name },
    clock: systemClock,
    logger: silentLogger,
    ...options,
  });
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
}
