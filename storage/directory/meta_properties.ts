/**
 * The cluster and broker that own a data folder: `meta.properties`.
 *
 *     version=1
 *     cluster.id=mQ2cDRTnRJ2DWrl_8Ee-JA
 *     node.id=1
 *     directory.id=0x2lXx4DTFCD9mKQ1yQ8sQ
 *
 * Where the cluster's metadata is in etcd, the file also says under which name, and in which state etcd
 * was seen last:
 *
 *     metadata.name=orders
 *     metadata.etcd.cluster.id=14841639068965178418
 *     metadata.etcd.revision=1234
 *
 * A broker that can have replicas notes its process before it registers with the cluster, besides the one
 * that may have registered last: if the cluster knows another one, the folder is an old copy. And it notes
 * that there is a file of high watermarks, whose loss is then noticed:
 *
 *     incarnations=5iXvZyqDRuqLPcN5mhwxqQ,1WmmZ5DNQ_Kh6CLw7dbjRA
 *     high.watermarks=true
 *
 * Version 0, which Kafka wrote with ZooKeeper, has `broker.id` instead of `node.id`.
 *
 * @module
 */

import { CorruptFileError } from "../errors.ts";
import { type FileSystem, isNotFound, replaceFile } from "../file_system/file_system.ts";

/** Name of the file in a data folder. */
export const META_PROPERTIES_FILE_NAME = "meta.properties";

/** The content of `meta.properties`. */
export interface MetaProperties {
  readonly clusterId: string;
  /** The broker's id (`node.id`, formerly `broker.id`). */
  readonly nodeId: number;
  /** The id of this folder, if it has one (KIP-858). */
  readonly directoryId?: string | undefined;
  /** Where the cluster's metadata is; undefined if it is in this folder. */
  readonly metadata?: MetadataLocation | undefined;
  /** The last processes that used the folder in a cluster. */
  readonly incarnations?: readonly string[] | undefined;
  /** Whether the folder has a file of high watermarks. */
  readonly hasHighWatermarks?: boolean | undefined;
}

/** A place in etcd. */
export interface MetadataLocation {
  /** The name that the cluster of brokers has there. */
  readonly name: string;
  /** The id of the etcd cluster. */
  readonly clusterId: string;
  /** The last revision of etcd that was seen. */
  readonly revision: number;
}

/**
 * Reads the file; returns `undefined` if there is none.
 *
 * @throws {CorruptFileError} If the version is unknown or a property is missing.
 */
export function readMetaProperties(fs: FileSystem, path: string): MetaProperties | undefined {
  let text: string;
  try {
    text = new TextDecoder().decode(fs.readFileSync(path));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  const properties = new Map<string, string>();
  for (const line of text.split("\n").map((line) => line.trim())) {
    if (line === "" || line.startsWith("#")) continue;
    const end = line.indexOf("=");
    if (end > 0) properties.set(line.slice(0, end).trim(), line.slice(end + 1).trim());
  }
  const version = properties.get("version");
  if (version !== "0" && version !== "1") {
    throw new CorruptFileError(path, `version is "${version ?? ""}", expected 0 or 1`);
  }
  const clusterId = properties.get("cluster.id");
  const nodeId = properties.get(version === "0" ? "broker.id" : "node.id");
  if (!clusterId) throw new CorruptFileError(path, "it has no cluster.id");
  if (nodeId === undefined || !/^\d+$/.test(nodeId)) {
    throw new CorruptFileError(path, `broker id is "${nodeId ?? ""}"`);
  }
  const directoryId = properties.get("directory.id");
  const name = properties.get("metadata.name");
  const incarnations = properties.get("incarnations")?.split(",");
  return {
    clusterId,
    nodeId: Number(nodeId),
    directoryId,
    ...(name === undefined ? {} : { metadata: metadataLocation(name, properties) }),
    ...(incarnations === undefined ? {} : { incarnations }),
    ...(properties.get("high.watermarks") === "true" ? { hasHighWatermarks: true } : {}),
  };
}

function metadataLocation(
  name: string,
  properties: ReadonlyMap<string, string>,
): MetadataLocation {
  const clusterId = properties.get("metadata.etcd.cluster.id") ?? "";
  return { name, clusterId, revision: Number(properties.get("metadata.etcd.revision") ?? 0) };
}

/** Writes the file and syncs it. */
export async function writeMetaProperties(
  fs: FileSystem,
  path: string,
  properties: MetaProperties,
): Promise<void> {
  const { clusterId, nodeId, directoryId, metadata, incarnations, hasHighWatermarks } = properties;
  const lines = ["version=1", `cluster.id=${clusterId}`, `node.id=${nodeId}`];
  if (directoryId !== undefined) lines.push(`directory.id=${directoryId}`);
  if (metadata !== undefined) {
    lines.push(
      `metadata.name=${metadata.name}`,
      `metadata.etcd.cluster.id=${metadata.clusterId}`,
      `metadata.etcd.revision=${metadata.revision}`,
    );
  }
  if (incarnations !== undefined) lines.push(`incarnations=${incarnations.join(",")}`);
  if (hasHighWatermarks === true) lines.push("high.watermarks=true");
  await replaceFile(fs, path, new TextEncoder().encode(`${lines.join("\n")}\n`));
}
