/**
 * Compares the replicas of partitions on the disks of all machines, while the cluster runs or not.
 *
 * An offset and an epoch make one batch, on whichever disk and at whatever time. Epochs never decrease
 * within a log. Each replica that the store names as in sync, or as eligible to lead, has on disk all that was
 * promised to clients, as it would be after a power failure.
 *
 * @module
 */

import {
  partitionKey,
  type PartitionState,
  partitionState,
  TOPICS_PREFIX,
  type TopicValue,
} from "../../../broker/cluster/topic_state.ts";
import type { MetadataEntry } from "../../../broker/metadata/metadata_store.ts";
import { check } from "../violation.ts";
import { type ClusterMachine, DATA_FOLDER } from "./cluster_machine.ts";
import { type DiskBatch, readDiskLog } from "./disk_log.ts";
import type { SimEtcd } from "./etcd.ts";
import type { ClusterPartition, ClusterTopic } from "./model.ts";

const DECODER = new TextDecoder();

/** What it compares. */
export interface ReplicaAuditorOptions {
  readonly machines: readonly ClusterMachine[];
  readonly etcd: SimEtcd;
}

/** A replica on a disk. */
interface Replica {
  readonly machine: ClusterMachine;
  readonly batches: readonly DiskBatch[];
}

/** Compares replicas. */
export class ReplicaAuditor {
  readonly #options: ReplicaAuditorOptions;
  /** The batch of each offset and epoch, by partition. */
  readonly #seen: Map<ClusterPartition, Map<string, DiskBatch>> = new Map();

  constructor(options: ReplicaAuditorOptions) {
    this.#options = options;
  }

  /** Compares the disks with each other and with what was promised. */
  audit(topics: readonly ClusterTopic[]): void {
    const { machines } = this.#options;
    const live = topics.filter(({ state }) => state === "live");
    // What a machine has after a power failure is compared, too.
    for (const machine of machines) {
      const { disk } = machine.fs;
      for (const topic of live) {
        for (const partition of topic.partitions) {
          this.#compare(machine, partition, readDiskLog(disk, folderOf(partition)) ?? []);
          const state = this.#stateOf(partition);
          if (state === undefined || machine.isDiskLost) continue;
          if (![...state.isr, ...state.elr].includes(machine.id)) continue;
          this.#checkEnd(machine, partition, durableLog(machine, partition), state);
        }
      }
    }
  }

  /** Checks the replicas that a change of a partition's key names. */
  auditChange(topicId: string, index: number, topics: readonly ClusterTopic[]): void {
    const topic = topics.find(({ id, state }) => id === topicId && state === "live");
    const partition = topic?.partitions[index];
    if (partition !== undefined) this.auditPartition(partition);
  }

  /** Checks the replicas that can lead a partition. */
  auditPartition(partition: ClusterPartition): void {
    const state = this.#stateOf(partition);
    if (state === undefined) return;
    let other: Replica | undefined;
    for (const id of [...state.isr, ...state.elr]) {
      const machine = this.#options.machines[id - 1]!;
      if (machine.isDiskLost) continue;
      const batches = durableLog(machine, partition);
      this.#checkEnd(machine, partition, batches, state);
      const replica = { machine, batches: batches ?? [] };
      if (other !== undefined) checkSame(partition, other, replica);
      other = replica;
    }
  }

  /** Checks that all replicas have the same records when everything has healed. */
  auditHealed(topics: readonly ClusterTopic[]): void {
    this.audit(topics);
    for (const topic of topics) {
      if (topic.state !== "live") continue;
      for (const partition of topic.partitions) {
        const state = this.#stateOf(partition);
        for (const id of state?.replicas ?? []) {
          const machine = this.#options.machines[id - 1]!;
          const batches = readDiskLog(machine.fs.disk, folderOf(partition));
          this.#checkEnd(machine, partition, batches, state!);
        }
      }
    }
  }

  /** Whether a machine alone has all records of some partition. */
  isLastInSync({ id }: ClusterMachine): boolean {
    for (const [key, entry] of this.#options.etcd.read().entries) {
      if (!key.startsWith(TOPICS_PREFIX)) continue;
      const value = decode<TopicValue>(entry);
      for (const index of value.replicas.keys()) {
        const { isr, elr } = this.#stateAt(value, index);
        const all = new Set([...isr, ...elr]);
        if (all.has(id) && all.size === 1) return true;
      }
    }
    return false;
  }

  #stateOf({ topic, index }: ClusterPartition): PartitionState | undefined {
    const { etcd } = this.#options;
    const entry = etcd.get(TOPICS_PREFIX + topic.name);
    if (entry === undefined) return undefined;
    const value = decode<TopicValue>(entry);
    if (value.id !== topic.id || value.replicas[index] === undefined) return undefined;
    return this.#stateAt(value, index);
  }

  #stateAt(value: TopicValue, index: number): PartitionState {
    const own = this.#options.etcd.get(partitionKey(value.id, index));
    return partitionState(value, index, own && { value: decode(own), revision: own.revision });
  }

  #compare(
    machine: ClusterMachine,
    partition: ClusterPartition,
    batches: readonly DiskBatch[],
  ): void {
    let seen = this.#seen.get(partition);
    if (seen === undefined) this.#seen.set(partition, seen = new Map());
    let epoch = -1;
    for (const batch of batches) {
      const { baseOffset, leaderEpoch, crc, nextOffset } = batch;
      check(
        leaderEpoch >= epoch,
        () => `${machine.name} has epoch ${leaderEpoch} of ${partition} after ${epoch}`,
      );
      epoch = leaderEpoch;
      const key = `${baseOffset}/${leaderEpoch}`;
      const known = seen.get(key);
      // With one replica there is nothing that could differ.
      if (known === undefined || partition.topic.replicationFactor === 1) seen.set(key, batch);
      else {
        check(
          known.crc === crc && known.nextOffset === nextOffset,
          () =>
            `${machine.name} has another batch at offset ${baseOffset} of ${partition} in epoch ` +
            `${leaderEpoch} than was seen before`,
        );
      }
    }
  }

  #checkEnd(
    machine: ClusterMachine,
    partition: ClusterPartition,
    batches: readonly DiskBatch[] | undefined,
    { isr, elr, leaderId, leaderEpoch }: PartitionState,
  ): void {
    const { promisedEnd, deleteLimit } = partition;
    const end = batches?.at(-1)?.nextOffset ?? 0;
    check(
      end >= promisedEnd || promisedEnd <= deleteLimit,
      () =>
        `${machine.name} has ${partition} up to ${end} on disk, ${promisedEnd} was promised; ` +
        `leader ${leaderId} in epoch ${leaderEpoch}, in sync are ${isr}, eligible are ${elr}`,
    );
  }
}

/** Checks that two replicas have the same of what was promised, and not deleted. */
function checkSame(partition: ClusterPartition, one: Replica, two: Replica): void {
  const epochs = new Map(
    one.batches.map(({ baseOffset, leaderEpoch }) => [baseOffset, leaderEpoch]),
  );
  for (const { baseOffset, leaderEpoch } of two.batches) {
    if (baseOffset < partition.deleteLimit) continue;
    if (baseOffset >= partition.promisedEnd) break;
    const epoch = epochs.get(baseOffset) ?? leaderEpoch;
    check(
      epoch === leaderEpoch,
      () =>
        `${one.machine.name} has offset ${baseOffset} of ${partition} from epoch ${epoch}, and ` +
        `${two.machine.name} from epoch ${leaderEpoch}`,
    );
  }
}

/** The batches that a machine has after a power failure. */
function durableLog(
  { fs: { disk }, isUp }: ClusterMachine,
  partition: ClusterPartition,
): DiskBatch[] | undefined {
  const folder = disk.cloneSynced(folderOf(partition));
  // A broker that is up has cut off what a crash has torn.
  return folder && readDiskLog(folder, "/", isUp);
}

function folderOf(partition: ClusterPartition): string {
  return `${DATA_FOLDER}/${partition}`;
}

function decode<T>({ value }: MetadataEntry): T {
  return JSON.parse(DECODER.decode(value));
}
