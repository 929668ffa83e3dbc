/**
 * Topics and partitions in the cluster's metadata, and their keys:
 *
 *     topics/<name>                   id, replicas of each partition, settings
 *     partitions/<topic id>/<index>   what differs from the initial state: the first replica leads,
 *                                     at epoch 0, and all are in sync
 *
 * Everything about a partition that changes is in one key, so that a change of the ISR, an election
 * and a reassignment exclude each other.
 *
 * @module
 */

import type { ConfigTexts } from "../settings/config.ts";
import type { MetadataEntry } from "../metadata/metadata_store.ts";

/** The leader and replicas of a partition. */
export interface PartitionState {
  /** The leader's broker id, -1 for none. */
  readonly leaderId: number;
  /** Incremented by every election. */
  readonly leaderEpoch: number;
  /**
   * The process that was elected. Only that one may lead in this epoch: one that starts later may
   * lack records that this one had. Undefined for any, if the partition has one replica.
   */
  readonly leaderIncarnation: string | undefined;
  /** The brokers that have a replica. */
  readonly replicas: readonly number[];
  /** The in-sync replicas: each has all committed records on disk. */
  readonly isr: readonly number[];
  /** Replicas that left an ISR of too few members, and have all committed records (KIP-966). */
  readonly elr: readonly number[];
  /** Replicas that a reassignment adds (KIP-455). */
  readonly adding: readonly number[];
  /** Replicas that a reassignment removes. */
  readonly removing: readonly number[];
  /** The epoch of the last unclean election, -1 for none. Records of earlier epochs may be lost. */
  readonly uncleanEpoch: number;
  /** The commit that last set the partition's key; 0 while it has none. */
  readonly revision: number;
}

/** A topic in the cluster's metadata. Immutable: a change creates a new object. */
export interface TopicState {
  readonly name: string;
  readonly id: string;
  readonly partitions: readonly PartitionState[];
  /** Settings that override the brokers' defaults. */
  readonly configs: ConfigTexts;
  /** The incarnations of the initial leaders of replicated partitions. */
  readonly incarnations: readonly Incarnations[];
  /** The revision of the last commit to the topic, not including leader changes. */
  readonly revision: number;
}

/** Prefix of the keys of topics. */
export const TOPICS_PREFIX = "topics/";
/** Prefix of the keys of partitions. */
export const PARTITIONS_PREFIX = "partitions/";

/** The processes that lead partitions created together, until the first election. */
export interface Incarnations {
  /** The first of these partitions. */
  readonly from: number;
  /** The incarnation of each broker that leads one, by its id. */
  readonly leaders: Readonly<Record<string, string>>;
}

/** The value of a topic's key. */
export interface TopicValue {
  readonly id: string;
  readonly replicas: readonly (readonly number[])[];
  readonly configs: Readonly<Record<string, string>>;
  /** Only if the topic is replicated. */
  readonly incarnations?: readonly Incarnations[];
}

/** The value of a partition's key. What is left out is empty, or as in the topic's key. */
export interface PartitionValue {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly leaderIncarnation?: string;
  readonly elr?: readonly number[];
  readonly replicas?: readonly number[];
  readonly adding?: readonly number[];
  readonly removing?: readonly number[];
  readonly uncleanEpoch?: number;
}

const NONE: readonly number[] = [];

/** The key of a partition. */
export function partitionKey(topicId: string, index: number): string {
  return `${PARTITIONS_PREFIX}${topicId}/${index}`;
}

/** The key of a topic. */
export function topicKey(name: string): string {
  return TOPICS_PREFIX + name;
}

/** The state of a partition, from its topic's key and its own, if it has one. */
export function partitionState(
  { replicas, incarnations }: TopicValue,
  index: number,
  entry: { readonly value: PartitionValue; readonly revision: number } | undefined,
): PartitionState {
  const initial = replicas[index]!;
  if (entry === undefined) {
    const era = initial.length === 1
      ? undefined
      : incarnations?.findLast(({ from }) => from <= index);
    return {
      leaderId: initial[0]!,
      leaderEpoch: 0,
      leaderIncarnation: era?.leaders[initial[0]!],
      replicas: initial,
      isr: initial,
      elr: NONE,
      adding: NONE,
      removing: NONE,
      uncleanEpoch: -1,
      revision: 0,
    };
  }
  const { value, revision } = entry;
  return {
    leaderId: value.leaderId,
    leaderEpoch: value.leaderEpoch,
    leaderIncarnation: value.leaderIncarnation,
    replicas: value.replicas ?? initial,
    isr: value.isr,
    elr: value.elr ?? NONE,
    adding: value.adding ?? NONE,
    removing: value.removing ?? NONE,
    uncleanEpoch: value.uncleanEpoch ?? -1,
    revision,
  };
}

/**
 * The processes that lead new partitions; undefined if none is replicated.
 *
 * @param from The first of them.
 * @param brokers Gives the process of a registered broker.
 */
export function initialIncarnations(
  from: number,
  replicas: readonly (readonly number[])[],
  brokers: { get(id: number): { readonly incarnation: string | undefined } | undefined },
): Incarnations | undefined {
  const leaders: Record<string, string> = {};
  for (const [leader, ...others] of replicas) {
    if (others.length === 0) continue;
    const { incarnation } = brokers.get(leader!) ?? {};
    if (incarnation !== undefined) leaders[leader!] = incarnation;
  }
  return Object.keys(leaders).length === 0 ? undefined : { from, leaders };
}

/** The value of the key of a partition in a state. */
export function partitionValue(state: Omit<PartitionState, "revision">): PartitionValue {
  const { leaderId, leaderEpoch, leaderIncarnation, replicas, isr, uncleanEpoch } = state;
  const { elr, adding, removing } = state;
  return {
    leaderId,
    leaderEpoch,
    isr,
    replicas,
    ...(leaderIncarnation === undefined ? {} : { leaderIncarnation }),
    ...(elr.length === 0 ? {} : { elr }),
    ...(adding.length === 0 ? {} : { adding }),
    ...(removing.length === 0 ? {} : { removing }),
    ...(uncleanEpoch < 0 ? {} : { uncleanEpoch }),
  };
}

/**
 * Fewest in-sync replicas for a commit: no more than there are replicas (KIP-966). Those that a
 * reassignment is only adding do not count.
 */
export function minInSync(
  setting: number,
  { replicas, adding }: Pick<PartitionState, "replicas" | "adding">,
): number {
  return Math.min(setting, replicas.length - adding.length);
}

/** Whether a change of state leaves a broker in its role: leader or follower of an epoch, or none. */
export function isSameRole(before: PartitionState, after: PartitionState, nodeId: number): boolean {
  return before.leaderId === after.leaderId && before.leaderEpoch === after.leaderEpoch &&
    before.leaderIncarnation === after.leaderIncarnation &&
    (before.replicas.length > 1) === (after.replicas.length > 1) &&
    before.replicas.includes(nodeId) === after.replicas.includes(nodeId);
}

/** The state without a replica that may lack committed records; undefined if it does not count. */
export function doubtedState(state: PartitionState, replica: number): PartitionState | undefined {
  const { isr, elr } = state;
  if (!isr.includes(replica) && !elr.includes(replica)) return undefined;
  const isOther = (id: number) => id !== replica;
  return { ...state, isr: isr.filter(isOther), elr: elr.filter(isOther) };
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** Encodes a value of the metadata store. */
export function encodeValue(value: object): Uint8Array {
  return ENCODER.encode(JSON.stringify(value));
}

/** Decodes a value of the metadata store. */
export function decodeValue<T>(entry: MetadataEntry): T {
  return JSON.parse(DECODER.decode(entry.value));
}
