/**
 * How a broker finds its place in a cluster whose metadata several brokers share, before it opens
 * anything: which cluster it is, which number the broker has, and that nobody else has it.
 *
 * Everything that can be refused is refused before anything is changed. Then an earlier life's
 * registration is deleted, so that what it has under way can no longer succeed. A data folder that
 * takes over the number of another has none of its records: before the number is its own, it leaves
 * the ISR and ELR of all partitions. So does an old copy of a data folder, which does not name the
 * process that registered last.
 *
 * @module
 */

import { DRAINING_PREFIX, type DrainingValue } from "./brokers_view.ts";
import { CONTROLLER_KEY } from "./controller_office.ts";
import { commitDoubts, doubts, topicsIn } from "./doubts.ts";
import {
  type MetadataChange,
  type MetadataEntry,
  type MetadataExpectation,
  type MetadataSnapshot,
  type MetadataStore,
  RevisionConflictError,
  SESSIONS_PREFIX,
} from "../metadata/metadata_store.ts";
import { BROKERS_PREFIX, DIRECTORIES_PREFIX, type DirectoryValue } from "./registration.ts";

/** Who asks to be let in. */
export interface Applicant {
  /** The cluster that its data folder, or its settings, say; undefined if neither does. */
  readonly clusterId: string | undefined;
  /** Whether its data folder has been in a cluster of this store. */
  readonly isMember: boolean;
  /** The number that its data folder, or its settings, say; undefined for any that is free. */
  readonly nodeId: number | undefined;
  /** Id of its data folder. */
  readonly directoryId: string;
  /** The processes that have registered on the data folder, or may have: the last ones. */
  readonly incarnations: readonly string[];
  /** The id to give to a cluster that begins. */
  readonly newClusterId: string;
}

/** Who was let in. */
export interface Admission {
  readonly clusterId: string;
  readonly nodeId: number;
  /** The commit that gave the number to the data folder. */
  readonly directoryRevision: number;
  /** The data folder that had the number before, which no broker runs on. */
  readonly replacedDirectoryId: string | undefined;
  /** The process that registered last under the number. */
  readonly lastIncarnation: string | undefined;
  /** Whether that process ran on the data folder as it was later: this is an old copy. */
  readonly isOldCopy: boolean;
}

/** A broker may not join; the message says what to do. */
export class AdmissionError extends Error {
  override name = "AdmissionError";
}

/** The key of the cluster itself. */
export const CLUSTER_KEY = "cluster";
/** Version of the layout of keys. */
const LAYOUT_VERSION = 1;
/** Attempts, each after another broker was quicker. */
const MAX_ATTEMPTS = 32;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/**
 * Lets a broker in.
 *
 * @throws {AdmissionError} If it may not join.
 */
export async function admit(store: MetadataStore, applicant: Applicant): Promise<Admission> {
  for (let attempt = 1;; attempt++) {
    const snapshot = await store.read();
    const found = clusterOf(snapshot, applicant);
    const clusterId = found ?? applicant.clusterId ?? applicant.newClusterId;
    const nodeId = applicant.nodeId ?? freeNumber(snapshot);
    const plan = claim(snapshot, nodeId, applicant);
    if (found === undefined) {
      plan.changes.push(clusterChange(clusterId));
      plan.expect.push({ key: CLUSTER_KEY, revision: 0 });
    }
    try {
      if (plan.replacedDirectoryId !== undefined || plan.isOldCopy) {
        const inSync = doubts(topicsIn(snapshot), nodeId, () => true);
        await commitDoubts(store, inSync, plan.expect);
      }
      const revision = await store.commit(plan.changes, { expect: plan.expect });
      const { directoryRevision = revision, replacedDirectoryId, lastIncarnation, isOldCopy } =
        plan;
      return {
        clusterId,
        nodeId,
        directoryRevision,
        replacedDirectoryId,
        lastIncarnation,
        isOldCopy,
      };
    } catch (error) {
      if (!(error instanceof RevisionConflictError) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** The id of the cluster that is there; undefined if none is. */
function clusterOf({ entries }: MetadataSnapshot, applicant: Applicant): string | undefined {
  const entry = entries.get(CLUSTER_KEY);
  const { clusterId, isMember } = applicant;
  if (entry === undefined) {
    if (!isMember) return undefined;
    throw new AdmissionError(
      `the metadata store has no cluster, and the data folder belongs to cluster.id ${clusterId}: ` +
        "the store was set up again or restored from an old backup, or its address names another one",
    );
  }
  const { id, version } = decode<{ id: string; version: number }>(entry);
  if (version > LAYOUT_VERSION) {
    throw new AdmissionError(
      `the cluster's metadata has version ${version}, this program knows ${LAYOUT_VERSION}: ` +
        "run the newer program",
    );
  }
  if (clusterId !== undefined && clusterId !== id) {
    throw new AdmissionError(
      `the data folder belongs to cluster.id ${clusterId}, the store's is ${id}`,
    );
  }
  return id;
}

function freeNumber({ entries }: MetadataSnapshot): number {
  let number = 1;
  while (
    entries.has(`${DIRECTORIES_PREFIX}${number}`) || entries.has(`${BROKERS_PREFIX}${number}`)
  ) number++;
  return number;
}

interface Claim extends Pick<Admission, "replacedDirectoryId" | "lastIncarnation" | "isOldCopy"> {
  readonly changes: MetadataChange[];
  readonly expect: MetadataExpectation[];
  /** Of a folder that has the number already. */
  readonly directoryRevision: number | undefined;
}

/** What to change for a number to be a data folder's, and no earlier life to be registered. */
function claim(
  { entries }: MetadataSnapshot,
  nodeId: number,
  { directoryId, incarnations }: Applicant,
): Claim {
  const directoryKey = `${DIRECTORIES_PREFIX}${nodeId}`;
  const brokerKey = `${BROKERS_PREFIX}${nodeId}`;
  const directory = entries.get(directoryKey);
  const broker = entries.get(brokerKey);
  const { directoryId: owner, incarnation: lastIncarnation } = directory === undefined
    ? {}
    : decode<Partial<DirectoryValue>>(directory);
  if (broker !== undefined) {
    const { directoryId: other, host, port } = decode<
      { directoryId?: string; host: string; port: number }
    >(broker);
    if (other !== directoryId) {
      throw new AdmissionError(
        `node.id ${nodeId} is that of the broker at ${host}:${port}, which runs on another data ` +
          "folder; give this one another node.id, or stop that one and wait some seconds",
      );
    }
  }
  const changes: MetadataChange[] = [];
  const expect: MetadataExpectation[] = [
    { key: directoryKey, revision: directory?.revision ?? 0 },
    { key: brokerKey, revision: broker?.revision ?? 0 },
  ];
  if (owner !== directoryId) changes.push(change(directoryKey, { directoryId }));
  if (broker !== undefined) {
    const { session } = decode<{ session: string }>(broker);
    changes.push(
      { key: brokerKey, value: null },
      { key: `${SESSIONS_PREFIX}${session}`, value: null },
    );
  }
  // Of a process that ended while it shut down.
  const draining = entries.get(`${DRAINING_PREFIX}${nodeId}`);
  if (draining !== undefined && decode<DrainingValue>(draining).isShuttingDown) {
    changes.push({ key: `${DRAINING_PREFIX}${nodeId}`, value: null });
  }
  const office = entries.get(CONTROLLER_KEY);
  if (office !== undefined && decode<{ brokerId: number }>(office).brokerId === nodeId) {
    changes.push({ key: CONTROLLER_KEY, value: null });
    expect.push({ key: CONTROLLER_KEY, revision: office.revision });
  }
  return {
    changes,
    expect,
    directoryRevision: owner === directoryId ? directory!.revision : undefined,
    replacedDirectoryId: owner === directoryId ? undefined : owner,
    lastIncarnation,
    isOldCopy: owner === directoryId && lastIncarnation !== undefined &&
      !incarnations.includes(lastIncarnation),
  };
}

/** What makes a cluster of its keys. */
export function clusterChange(clusterId: string): MetadataChange {
  return change(CLUSTER_KEY, { id: clusterId, version: LAYOUT_VERSION });
}

function change(key: string, value: object): MetadataChange {
  return { key, value: ENCODER.encode(JSON.stringify(value)) };
}

function decode<T>(entry: MetadataEntry): T {
  return JSON.parse(DECODER.decode(entry.value));
}
