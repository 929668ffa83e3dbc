/**
 * Opens the store that has the cluster's metadata, and finds out who this broker is: of which cluster,
 * and under which number.
 *
 * With `metadata=local` the store is a log in the data folder, and the folder says who the broker is.
 * With `etcd://...` several brokers share it, and the store has the last word. The folder notes which
 * store it belongs to: with another one it would take its own logs for nobody's.
 *
 * @module
 */

import { randomUuid } from "../../protocol/primitives/uuid.ts";
import type { LogDirectory } from "../../storage/log_directory.ts";
import { ConfigSource } from "../../protocol/messages/configs/describe_configs.ts";
import denoConfig from "../../deno.json" with { type: "json" };
import { type Admission, AdmissionError, admit } from "../cluster/admission.ts";
import type { EtcdMetadataStore } from "../metadata/etcd/mod.ts";
import { LocalMetadataStore, METADATA_LOG_NAME } from "../metadata/local_metadata_store.ts";
import type { MetadataStore } from "../metadata/metadata_store.ts";
import type { PeerNetwork } from "../peers/peer_network.ts";
import type { BrokerIdentity } from "../cluster/registration.ts";
import type { Logger } from "../logger.ts";
import { type BrokerConfig, ConfigError } from "../settings/config.ts";
import { parseEtcdAddress } from "../settings/etcd_address.ts";
import type { Clock } from "../time/clock.ts";

/** A broker of its own starts faster without it. */
const ETCD = "../metadata/etcd/mod.ts";

/** What a store is opened for. */
export interface OpenMetadataOptions {
  readonly directory: LogDirectory;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The store of a cluster in this process; it is used instead of the one in the settings. */
  readonly shared?: MetadataStore | undefined;
  /** Whether brokers of that cluster fail one by one, and must be told from their earlier lives. */
  readonly failsAlone?: boolean | undefined;
  /** Opens the store in etcd that the settings name. Default: over HTTP. */
  readonly openStore?: ClusterSurroundings["openStore"] | undefined;
}

/** What connects a broker to the others of its cluster. */
export interface ClusterSurroundings {
  /** Connections to other brokers. */
  readonly network: PeerNetwork;
  /**
   * Opens the store that is shared by the cluster's brokers.
   *
   * @param seen The state in which it was seen before.
   */
  openStore(seen: StorePosition | undefined): Promise<SharedStore>;
}

/** The state of a store: it becomes an older one only if the store is restored from a backup. */
export interface StorePosition {
  /** The id of the store itself. */
  readonly clusterId: string;
  /** The revision of its last known commit. */
  readonly revision: number;
}

/** A store shared by brokers. */
export interface SharedStore extends MetadataStore {
  /** The state last seen. */
  readonly position: StorePosition;
}

/** A store, and who the broker is. */
export interface OpenMetadata {
  readonly store: MetadataStore;
  readonly clusterId: string;
  readonly nodeId: number;
  /** Only where brokers share the store. */
  readonly identity?: BrokerIdentity;
  /** Notes the state of a shared store in the data folder, to recognize one restored from a backup. */
  note?(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the store in etcd that the settings name.
 *
 * @param seen The state in which etcd was seen before.
 */
export async function openEtcd(
  config: BrokerConfig,
  clock: Clock,
  logger: Logger,
  seen?: StorePosition,
): Promise<EtcdMetadataStore> {
  const { EtcdMetadataStore }: typeof import("../metadata/etcd/mod.ts") = await import(ETCD);
  return await EtcdMetadataStore.open({
    address: parseEtcdAddress(config.get("metadata")),
    credentials: await readCredentials(config),
    tls: await readTls(config),
    clock,
    logger,
    seen,
  });
}

/** What `metadata` is for a broker of its own. */
export const LOCAL = "local";

/**
 * Opens the store that the settings name.
 *
 * @throws {ConfigError} If the data folder belongs to another broker, cluster or store.
 */
export function openMetadata(options: OpenMetadataOptions): Promise<OpenMetadata> {
  const isLocal = options.shared !== undefined || options.config.get("metadata") === LOCAL;
  return isLocal ? openLocal(options) : openShared(options);
}

async function openLocal(options: OpenMetadataOptions): Promise<OpenMetadata> {
  const { directory, config, clock, shared } = options;
  const { path, metaProperties } = directory;
  if (metaProperties?.metadata !== undefined) {
    throw new ConfigError(
      `Cannot use data folder "${path}": its metadata is in etcd, as ` +
        `"${metaProperties.metadata.name}"; start with --metadata etcd://HOST:PORT/` +
        metaProperties.metadata.name,
    );
  }
  const clusterId = await claimDirectory(directory, config);
  const store = shared ?? await openLocalStore(directory, clock);
  if (options.failsAlone === true) return await joinShared(options, store, clusterId);
  return { store, clusterId, nodeId: config.get("node.id"), close: () => store.close() };
}

/** Joins a cluster in this process whose brokers behave as if each had a machine. */
async function joinShared(
  { directory, config }: OpenMetadataOptions,
  store: MetadataStore,
  clusterId: string,
): Promise<OpenMetadata> {
  const directoryId = directory.metaProperties?.directoryId ?? randomUuid();
  const nodeId = config.get("node.id");
  const admission = await admit(store, {
    clusterId,
    isMember: false,
    nodeId,
    directoryId,
    incarnations: directory.metaPropertiesAtOpen?.incarnations ?? [],
    newClusterId: clusterId,
  });
  const identity = newIdentity(directory, directoryId, admission);
  const incarnations = incarnationsAfter(admission, identity);
  await directory.writeMetaProperties({ clusterId, nodeId, directoryId, incarnations });
  return { store, clusterId, nodeId, identity, close: () => store.close() };
}

/** The identity of this process. */
function newIdentity(
  directory: LogDirectory,
  directoryId: string,
  { directoryRevision, replacedDirectoryId, isOldCopy }: Admission,
): BrokerIdentity {
  const { version } = denoConfig;
  const hasCrashed = replacedDirectoryId !== undefined || isOldCopy ||
    directory.logCount > 0 && !directory.wasCleanShutdown;
  return { directoryId, directoryRevision, incarnation: randomUuid(), version, hasCrashed };
}

/** The processes that may be the last to have registered: this one is about to. */
function incarnationsAfter(
  { lastIncarnation }: Admission,
  { incarnation }: BrokerIdentity,
): readonly string[] {
  return lastIncarnation === undefined ? [incarnation] : [lastIncarnation, incarnation];
}

function openLocalStore(directory: LogDirectory, clock: Clock): Promise<LocalMetadataStore> {
  const log = directory.get(METADATA_LOG_NAME) ??
    directory.create(METADATA_LOG_NAME, { nowMs: clock.now() });
  return LocalMetadataStore.open(log, { clock });
}

async function openShared(options: OpenMetadataOptions): Promise<OpenMetadata> {
  const { directory, config, clock, logger, openStore } = options;
  const { path, metaProperties: found } = directory;
  const address = parseEtcdAddress(config.get("metadata"));
  checkFolder(directory, address.name);
  const seen = found?.metadata;
  const store = await (openStore?.(seen) ?? openEtcd(config, clock, logger, seen));
  try {
    const directoryId = found?.directoryId ?? randomUuid();
    const admission = await admit(store, {
      clusterId: found?.clusterId ?? config.get("cluster.id") ?? undefined,
      isMember: found !== undefined,
      nodeId: found?.nodeId ?? givenNodeId(config),
      directoryId,
      incarnations: found?.incarnations ?? [],
      newClusterId: randomUuid(),
    });
    const { clusterId, nodeId, replacedDirectoryId, isOldCopy } = admission;
    config.setNodeId(nodeId);
    if (replacedDirectoryId !== undefined) {
      logger.warn("Took over the number of another data folder", { nodeId, replacedDirectoryId });
    }
    if (isOldCopy) {
      logger.warn("The data folder is an old copy: its replicas are no longer in sync", {
        path,
        nodeId,
      });
    }
    const identity = newIdentity(directory, directoryId, admission);
    const incarnations = incarnationsAfter(admission, identity);
    let noted = -1;
    const note = async () => {
      const metadata = { name: address.name, ...store.position };
      if (metadata.revision === noted) return;
      noted = metadata.revision;
      const properties = { clusterId, nodeId, directoryId, metadata, incarnations };
      await directory.writeMetaProperties(properties);
    };
    // On disk before the broker registers: the folder must not seem older than it is.
    await note();
    // A folder without the file is then one that has lost it.
    if (found === undefined) await directory.highWatermarks.write();
    return {
      store,
      clusterId,
      nodeId,
      identity,
      note,
      close: () => closeShared(store, note),
    };
  } catch (error) {
    await store.close();
    if (!(error instanceof AdmissionError)) throw error;
    throw new ConfigError(`Cannot join the cluster with data folder "${path}": ${error.message}`, {
      cause: error,
    });
  }
}

async function closeShared(store: SharedStore, note: () => Promise<void>): Promise<void> {
  await store.close();
  await note();
}

/** Refuses a folder that belongs to another store, or whose metadata is its own. */
function checkFolder(directory: LogDirectory, name: string): void {
  const { path, metaProperties } = directory;
  const refuse = (reason: string) =>
    new ConfigError(`Cannot use data folder "${path}" with a metadata store: ${reason}`);
  if (metaProperties === undefined) {
    if (directory.logCount === 0) return;
    throw refuse("it has logs, and meta.properties, which says whose they are, is missing");
  }
  const { metadata } = metaProperties;
  if (metadata === undefined) {
    throw refuse(
      `its metadata is its own; "dqueue cluster import ${path}" copies it to an empty store`,
    );
  }
  if (metadata.name !== name) throw refuse(`it belongs to "${metadata.name}", this is "${name}"`);
}

/** The number that the broker was started with; undefined if it was given none. */
function givenNodeId(config: BrokerConfig): number | undefined {
  const isGiven = config.valuesOf("node.id")
    .some(({ source }) => source === ConfigSource.staticBroker);
  return isGiven ? config.get("node.id") : undefined;
}

async function readCredentials(
  config: BrokerConfig,
): Promise<{ readonly user: string; readonly password: string } | undefined> {
  const text = await readFile(config, "metadata.credentials.file");
  if (text === undefined) return undefined;
  const [, user, password] = /^([^:\r\n]+):([^\r\n]*)\r?\n?$/.exec(text) ?? [];
  if (user === undefined || password === undefined) {
    throw new ConfigError(
      "Cannot use metadata.credentials.file: it must be one line, USER:PASSWORD",
    );
  }
  return { user, password };
}

async function readTls(config: BrokerConfig) {
  const caCert = await readFile(config, "metadata.tls.ca.file");
  const cert = await readFile(config, "metadata.tls.cert.file");
  const key = await readFile(config, "metadata.tls.key.file");
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigError(
      "Cannot use metadata.tls.cert.file without metadata.tls.key.file, or vice versa",
    );
  }
  return { caCerts: caCert === undefined ? undefined : [caCert], cert, key };
}

async function readFile(
  config: BrokerConfig,
  name:
    | "metadata.credentials.file"
    | "metadata.tls.ca.file"
    | "metadata.tls.cert.file"
    | "metadata.tls.key.file",
): Promise<string | undefined> {
  const path = config.get(name);
  if (path === null) return undefined;
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new ConfigError(`Cannot use ${name}: "${path}" cannot be read`, { cause: error });
  }
}

/** Makes a new folder this broker's, and refuses one that is another's. Returns the cluster's id. */
async function claimDirectory(directory: LogDirectory, config: BrokerConfig): Promise<string> {
  const nodeId = config.get("node.id");
  const wantedClusterId = config.get("cluster.id");
  const found = directory.metaProperties;
  if (found === undefined) {
    const { logCount, path } = directory;
    if (logCount > 0 && wantedClusterId === null) {
      throw new ConfigError(
        `Cannot use data folder "${path}": it has ${logCount} logs, and meta.properties, which says ` +
          "which broker they belong to, is missing; restore it from a copy, or set cluster.id",
      );
    }
    const clusterId = wantedClusterId ?? randomUuid();
    await directory.writeMetaProperties({ clusterId, nodeId, directoryId: randomUuid() });
    return clusterId;
  }
  const { path } = directory;
  if (found.nodeId !== nodeId) {
    throw new ConfigError(
      `Cannot use data folder "${path}": it belongs to node.id ${found.nodeId}, this is ${nodeId}`,
    );
  }
  if (wantedClusterId !== null && wantedClusterId !== found.clusterId) {
    throw new ConfigError(
      `Cannot use data folder "${path}": it belongs to cluster.id ${found.clusterId}, ` +
        `this is ${wantedClusterId}`,
    );
  }
  return found.clusterId;
}
