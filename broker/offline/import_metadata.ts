/**
 * Copies the metadata of a single broker from its data folder to a store that several brokers share.
 *
 * The folder notes the store first, so that it is never used with its own metadata again; the key
 * `cluster` is written last, so that no broker joins before all is there. An import that was cut short
 * is made again from the start.
 *
 * @module
 */

import { DenoFileSystem } from "../../storage/file_system/deno_file_system.ts";
import { LogDirectory } from "../../storage/log_directory.ts";
import { CLUSTER_KEY, clusterChange } from "../cluster/admission.ts";
import { CONTROLLER_KEY } from "../cluster/controller_office.ts";
import { LocalMetadataStore, METADATA_LOG_NAME } from "../metadata/local_metadata_store.ts";
import {
  MAX_COMMIT_CHANGES,
  type MetadataKeyChange,
  type MetadataStore,
  RevisionConflictError,
} from "../metadata/metadata_store.ts";
import { BROKERS_PREFIX, DIRECTORIES_PREFIX } from "../cluster/registration.ts";
import type { Logger } from "../logger.ts";
import { LOCAL, openEtcd } from "../opening/open_metadata.ts";
import { type BrokerConfig, ConfigError } from "../settings/config.ts";
import { parseEtcdAddress } from "../settings/etcd_address.ts";
import { systemClock } from "../time/clock.ts";
import { workersWithLogs } from "../workers/worker_folders.ts";

/** What was copied. */
export interface ImportedMetadata {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly topics: number;
  readonly keys: number;
}

/** Bytes of values that a commit has at most, unless it is of one key: etcd takes 1.5 MiB. */
const MAX_COMMIT_BYTES = 512 * 1024;
/** Keys of sessions, and of versions before there were any. */
const NOT_COPIED = [BROKERS_PREFIX, CONTROLLER_KEY, "leases/"];

/**
 * Copies the metadata in the folder of `log.dirs` to the store of `metadata`.
 *
 * @throws {ConfigError} If the folder has no metadata of its own, or the store has a cluster.
 * @throws {DataFolderLockedError} If a broker runs on the folder.
 */
export async function importMetadata(
  config: BrokerConfig,
  logger: Logger,
): Promise<ImportedMetadata> {
  const path = config.get("log.dirs");
  if (config.get("metadata") === LOCAL) {
    throw new ConfigError("Cannot import without a store: name it with --metadata");
  }
  const { name } = parseEtcdAddress(config.get("metadata"));
  const fs = new DenoFileSystem();
  const nowMs = systemClock.now();
  if (fs.statSync(path)?.isDirectory !== true) {
    throw new ConfigError(`Cannot import "${path}": there is no such folder`);
  }
  const [worker] = workersWithLogs(fs, path);
  if (worker !== undefined) {
    throw new ConfigError(
      `Cannot import "${path}": it has records of several brokers (serve --workers), and those of ` +
        `"${worker.folder}" cannot join a cluster on etcd yet`,
    );
  }
  await using opened = new AsyncDisposableStack();
  const directory = opened.use(
    await LogDirectory.open(fs, path, { nowMs, owner: `process ${Deno.pid}` }),
  );
  const { metaProperties } = directory;
  const log = directory.get(METADATA_LOG_NAME);
  if (metaProperties === undefined || log === undefined) {
    throw new ConfigError(`Cannot import "${path}": it is not the data folder of a broker`);
  }
  const { clusterId, nodeId, directoryId, metadata: noted } = metaProperties;
  if (directoryId === undefined || (noted !== undefined && noted.name !== name)) {
    throw new ConfigError(
      directoryId === undefined
        ? `Cannot import "${path}": it has no directory.id`
        : `Cannot import "${path}": its metadata is in etcd, as "${noted!.name}"`,
    );
  }
  const local = await LocalMetadataStore.open(log, { clock: systemClock });
  opened.defer(() => local.close());
  const { entries } = await local.read();
  const store = await openEtcd(config, systemClock, logger);
  opened.defer(() => store.close());
  await refuseCluster(store, name);
  await noteHighWatermarks(directory);
  const metadata = { name, ...store.position };
  await directory.writeMetaProperties({ clusterId, nodeId, directoryId, metadata });
  const changes: MetadataKeyChange[] = [...entries]
    .filter(([key]) => !NOT_COPIED.some((prefix) => key.startsWith(prefix)))
    .map(([key, { value }]) => ({ key, value }));
  const value = new TextEncoder().encode(JSON.stringify({ directoryId }));
  changes.push({ key: `${DIRECTORIES_PREFIX}${nodeId}`, value });
  await copy(store, changes, name);
  await store.commit([clusterChange(clusterId)], { expect: [{ key: CLUSTER_KEY, revision: 0 }] });
  const topics = changes.filter(({ key }) => key.startsWith("topics/")).length;
  return { clusterId, nodeId, topics, keys: changes.length };
}

/** Notes that everything in the logs is committed, for which the log end offset was enough so far. */
async function noteHighWatermarks(directory: LogDirectory): Promise<void> {
  await directory.flush(directory.logs);
  for (const { name, flushedOffset } of directory.logs) {
    if (name !== METADATA_LOG_NAME) directory.highWatermarks.raise(name, flushedOffset);
  }
  await directory.highWatermarks.write();
}

async function refuseCluster(store: MetadataStore, name: string): Promise<void> {
  if (await store.get(CLUSTER_KEY) === undefined) return;
  throw new ConfigError(
    `Cannot import to "${name}": there is a cluster of that name; give another name at the end of ` +
      "the store's address",
  );
}

/** Each commit takes place only while there is no cluster yet. */
async function copy(
  store: MetadataStore,
  changes: readonly MetadataKeyChange[],
  name: string,
): Promise<void> {
  const expect = [{ key: CLUSTER_KEY, revision: 0 }];
  try {
    await store.commit([{ prefix: "", value: null }], { expect });
    for (const batch of batchesOf(changes)) await store.commit(batch, { expect });
  } catch (error) {
    if (!(error instanceof RevisionConflictError)) throw error;
    await refuseCluster(store, name);
    throw error;
  }
}

function* batchesOf(changes: readonly MetadataKeyChange[]): Generator<MetadataKeyChange[], void> {
  let batch: MetadataKeyChange[] = [];
  let bytes = 0;
  for (const change of changes) {
    const size = change.key.length + (change.value?.length ?? 0);
    if (
      batch.length === MAX_COMMIT_CHANGES || (batch.length > 0 && bytes + size > MAX_COMMIT_BYTES)
    ) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(change);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
