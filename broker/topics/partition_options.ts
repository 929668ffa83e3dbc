/**
 * Options and results of a partition's operations.
 *
 * @module
 */

import type { Acks } from "../../protocol/messages/records/produce.ts";
import type { Log } from "../../storage/log.ts";
import type { Verification } from "../../storage/log/producers/mod.ts";
import type { PartitionState } from "../cluster/cluster_state.ts";
import type { PartitionReplication, ReplicatedPartition } from "../roles/replicated_partition.ts";
import type { BatchValidations } from "../validation/batch_validations.ts";
import type { TopicConfig } from "./topic_config.ts";

/** Options of an append. */
export interface AppendOptions {
  /** The requested acknowledgements. */
  readonly acks: Acks;
  readonly nowMs: number;
  /** Whether the broker itself appends, which may write internal topics and control batches. */
  readonly isInternal?: boolean;
  /** What `startVerification` returned, if it was asked about the batch's transaction. */
  readonly verification?: Verification | undefined;
  /** Whether the producer's epoch rises with each transaction (KIP-890, part 2). Default: false. */
  readonly isTransactionV2?: boolean | undefined;
}

/** The marker of a transaction to append. */
export interface MarkerOptions {
  readonly producerId: number;
  /** With {@linkcode isTransactionV2}, one more than that of the transaction's records. */
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
  readonly isCommit: boolean;
  readonly isTransactionV2: boolean;
  readonly nowMs: number;
}

/** Options of a client's append. */
export interface ProduceOptions extends AppendOptions {
  /** Validates batches that take long. */
  readonly validations: BatchValidations;
  /** Whether to use `validations` in any case, because the request has used up its time slice. */
  readonly isLate: boolean;
}

/** The result of an append. */
export interface AppendResult {
  /** Offset of the batch's first record; for a duplicate, that of the original append. */
  readonly baseOffset: number;
  /** The timestamp assigned to the records, -1 if they keep their own. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /**
   * Resolves when an append with acks=all can be acknowledged; `undefined` if it already can.
   * Rejects if it did not become durable or the partition was deleted.
   */
  readonly committed: Promise<void> | undefined;
}

/** Options of a read. */
export interface ReadOptions {
  /** Maximum bytes to return, except for the first batch with `minOneBatch`. */
  readonly maxBytes: number;
  readonly minOneBatch: boolean;
  /** 0 reads up to the high watermark, 1 up to the last stable offset. */
  readonly isolationLevel: number;
}

/** The end offset of an epoch; both -1 if unknown. */
export interface EpochEndOffset {
  readonly epoch: number;
  readonly endOffset: number;
}

/** Options of a partition. */
export interface PartitionOptions {
  readonly topic: string;
  readonly topicId: string;
  readonly index: number;
  readonly isInternal: boolean;
  readonly nodeId: number;
  readonly log: Log;
  readonly state: PartitionState;
  readonly config: TopicConfig;
  readonly logManager: PartitionLogManager;
  /** Says when the broker must not act as leader. Default: never. */
  readonly fence?: Fence | undefined;
  /** This process, which must be the elected one to lead a replicated partition. */
  readonly incarnation?: string | undefined;
  /**
   * The high watermark that is known to be reached, if the partition is replicated. Default: 0.
   */
  readonly highWatermark?: number;
  /** Keeps up replication. Default: nothing does. */
  readonly replication?: PartitionReplication | undefined;
}

/** Whether this broker may have been replaced without knowing. */
export interface Fence {
  readonly isFenced: boolean;
  /**
   * Whether nobody can have replaced it as the leader of a partition all the same.
   *
   * @param sinceMs Nobody had at this time, as of `Clock.monotonic()`. Default: a moment ago.
   */
  isFollowed(partition: ReplicatedPartition, sinceMs?: number): boolean;
}

/** The log maintenance that a partition requests from its broker. */
export interface PartitionLogManager {
  /** Resolves when log start offsets are on disk. */
  writeLogStarts(): Promise<void>;
  /** The high watermark noted for a log, which may be lost; 0 for none. */
  notedHighWatermark(log: Log): number;
  /** Notes a high watermark that goes back; resolves when that is on disk. */
  lowerHighWatermark(log: Log, offset: number): Promise<void>;
  /** Flushes a log within `delayMs`. */
  requestFlush(log: Log, delayMs: number): void;
}
