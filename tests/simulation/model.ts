/**
 * The model: the topics and records that clients may rely on, and what the broker told them.
 *
 * @module
 */

import { PartitionModel } from "./partition_model.ts";

/** A record of a producer. */
export interface ModelRecord {
  /** A unique number. */
  readonly id: number;
  readonly key: string;
  /** Null for a tombstone. */
  readonly value: string | null;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  /** When it was made, in milliseconds since 1970. */
  readonly madeMs: number;
  readonly batch: ModelBatch;
  /** The offsets at which it was found: more than one if a plain producer sent it again. */
  readonly offsets: Set<number>;
}

/** A batch that a producer sends until it is acknowledged or given up. */
export interface ModelBatch {
  readonly records: readonly ModelRecord[];
  readonly isIdempotent: boolean;
  /** Whose batches are in order, if that is checked. */
  readonly producer?: string;
  readonly acks: -1 | 0 | 1;
  /** How often it was sent. */
  attempts: number;
  /** The topic's settings when it was sent first. */
  readonly configVersion: number;
  /** Called when it is no longer in the log, although it was acknowledged. */
  readonly onLost: () => void;
}

/** How certain the existence of a topic is. */
export type TopicState = "creating" | "live" | "deleting" | "deleted";

/** A topic. */
export class TopicModel {
  readonly name: string;
  id = "";
  state: TopicState = "creating";
  partitions: PartitionModel[] = [];
  /** The most partitions it may have: a request to add some may be unanswered. */
  partitionLimit: number;
  /** Settings that may apply: more than one set while a change is unanswered. */
  possibleConfigs: ReadonlyMap<string, string>[];
  /** Increases with every change of settings that was requested or confirmed. */
  configVersion = 0;
  /** The lowest value that was ever set; `undefined` for no limit. */
  minRetentionMs = Infinity;
  hadRetentionBytes = false;
  hadCompaction = false;
  /** The least time for which compaction keeps tombstones. */
  deleteRetentionMs = Infinity;
  /** Whether a change of it is in flight. */
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

  /** Records that settings may have changed. */
  mayHave(configs: ReadonlyMap<string, string>): void {
    this.possibleConfigs = [...this.possibleConfigs, configs];
    this.configVersion++;
    this.#note(configs);
  }

  /** Records which settings apply. */
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

  /** Whether clients may delete its records, which they cannot if it is only compacted. Never changes. */
  get allowsDeleteRecords(): boolean {
    return (this.possibleConfigs[0]!.get("cleanup.policy") ?? "delete").includes("delete");
  }

  /** Whether records acknowledged with acks=all are certainly on disk. */
  get flushesBeforeAnswer(): boolean {
    return this.possibleConfigs.every((configs) => configs.get("flush") === "commit");
  }

  toString(): string {
    return this.name;
  }
}
