/**
 * What the clients of a broker may rely on: topics, the records in their partitions, and what of that
 * they were told.
 *
 * @module
 */

import { PartitionModel } from "./partition_model.ts";

/** A record that a producer has made. */
export interface ModelRecord {
  /** A number that no other record has. */
  readonly id: number;
  readonly key: string;
  /** Null for a tombstone. */
  readonly value: string | null;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** When it was made, in milliseconds since 1970. */
  readonly madeMs: number;
  readonly batch: ModelBatch;
  /** The offsets at which it is known to be: more than one if a plain producer sent it again. */
  readonly offsets: Set<number>;
}

/** A batch that a producer sends until it is acknowledged or given up. */
export interface ModelBatch {
  readonly records: readonly ModelRecord[];
  readonly isIdempotent: boolean;
  readonly acks: -1 | 0 | 1;
  /** How often it was sent. */
  attempts: number;
  /** The topic's settings when it was sent first. */
  readonly configVersion: number;
  /** Says that it is not in the log any more, though it was acknowledged. */
  readonly onLost: () => void;
}

/** How sure it is that a topic is there. */
export type TopicState = "creating" | "live" | "deleting" | "deleted";

/** A topic. */
export class TopicModel {
  readonly name: string;
  id = "";
  state: TopicState = "creating";
  partitions: PartitionModel[] = [];
  /** The most partitions it may have: a request to add some may have had no answer. */
  partitionLimit: number;
  /** Settings that may apply: more than one set while a change has no answer. */
  possibleConfigs: ReadonlyMap<string, string>[];
  /** Changes with every change of settings that was asked for or made. */
  configVersion = 0;
  /** The least that was ever set; `undefined` for no limit. */
  minRetentionMs = Infinity;
  hadRetentionBytes = false;
  hadCompaction = false;
  /** How long compaction keeps tombstones, at least. */
  deleteRetentionMs = Infinity;
  /** Whether a change of it is under way. */
  isChanging = false;

  constructor(name: string, partitionCount: number, configs: ReadonlyMap<string, string>) {
    this.name = name;
    this.partitionLimit = partitionCount;
    this.possibleConfigs = [configs];
    this.#note(configs);
    this.grow(partitionCount);
  }

  /** Adds partitions, so that it has `count`. */
  grow(count: number): void {
    while (this.partitions.length < count) {
      this.partitions.push(new PartitionModel(this, this.partitions.length));
    }
  }

  /** Says that settings may have changed. */
  mayHave(configs: ReadonlyMap<string, string>): void {
    this.possibleConfigs = [...this.possibleConfigs, configs];
    this.configVersion++;
    this.#note(configs);
  }

  /** Says which settings apply. */
  has(configs: ReadonlyMap<string, string>): void {
    this.possibleConfigs = [configs];
    this.configVersion++;
  }

  #note(configs: ReadonlyMap<string, string>): void {
    const retentionMs = Number(configs.get("retention.ms") ?? -1);
    const policy = configs.get("cleanup.policy") ?? "delete";
    if (policy.includes("compact")) {
      this.hadCompaction = true;
      this.deleteRetentionMs = Number(configs.get("delete.retention.ms"));
    }
    if (!policy.includes("delete")) return;
    if (retentionMs >= 0) this.minRetentionMs = Math.min(this.minRetentionMs, retentionMs);
    if (Number(configs.get("retention.bytes") ?? -1) >= 0) this.hadRetentionBytes = true;
  }

  /** Whether clients may delete its records: not where compaction alone does. The policy never changes. */
  get allowsDeleteRecords(): boolean {
    return (this.possibleConfigs[0]!.get("cleanup.policy") ?? "delete").includes("delete");
  }

  /** Whether it is certain that what is acknowledged with acks=all is on disk. */
  get flushesBeforeAnswer(): boolean {
    return this.possibleConfigs.every((configs) => configs.get("flush") === "commit");
  }

  toString(): string {
    return this.name;
  }
}
