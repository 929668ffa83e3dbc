/**
 * A partition of `__consumer_offsets` as a group log.
 *
 * @module
 */

import { Acks } from "../../protocol/messages/records/produce.ts";
import { MalformedMessageError } from "../../protocol/primitives/reader.ts";
import { type Record, RecordBatch, RecordBatchBuilder } from "../../protocol/records/mod.ts";
import { replayPartition } from "../coordinators/replay.ts";
import type { Clock } from "../time/clock.ts";
import type { Logger } from "../logger.ts";
import type { Partition } from "../topics/partition.ts";
import type { GroupAppendOptions, GroupLog } from "./group_log.ts";
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  UnknownRecordError,
} from "./records/group_record.ts";

/** Options of a partition log. */
export interface PartitionLogOptions {
  readonly partition: Partition;
  /** Batch size in bytes for records that need not be atomic. */
  readonly batchBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The groups in a partition. */
export class PartitionLog implements GroupLog {
  readonly #partition: Partition;
  readonly #batchBytes: number;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor({ partition, batchBytes, clock, logger }: PartitionLogOptions) {
    this.#partition = partition;
    this.#batchBytes = batchBytes;
    this.#clock = clock;
    this.#logger = logger;
  }

  append(
    records: readonly GroupRecord[],
    { nowMs, atomic }: GroupAppendOptions,
  ): Promise<void> | undefined {
    let committed: Promise<void> | undefined;
    for (const bytes of this.#batches(records, nowMs, atomic)) {
      const batch = new RecordBatch(bytes);
      // Offsets commit in order, so the last batch's promise stands for all.
      committed = this.#partition.append(batch, { acks: Acks.all, nowMs, isInternal: true })
        .committed;
    }
    return committed;
  }

  #batches(records: readonly GroupRecord[], nowMs: number, atomic: boolean): Uint8Array[] {
    const options = atomic ? {} : { sizeLimit: this.#batchBytes, initialCapacity: 1024 };
    const batches: Uint8Array[] = [];
    let builder = new RecordBatchBuilder(options);
    for (const record of records) {
      const { key, value } = encodeGroupRecord(record);
      if (builder.tryAppend(nowMs, key, value)) continue;
      batches.push(builder.build());
      builder = new RecordBatchBuilder(options);
      builder.append(nowMs, key, value);
    }
    if (builder.recordCount > 0) batches.push(builder.build());
    return batches;
  }

  async replay(visit: (record: GroupRecord) => void, signal: AbortSignal): Promise<void> {
    const visitBatch = (batch: RecordBatch) => this.#visitBatch(batch, visit);
    await replayPartition(this.#partition, visitBatch, this.#clock, signal);
  }

  #visitBatch(batch: RecordBatch, visit: (record: GroupRecord) => void): void {
    if (batch.isControl) return;
    for (const record of batch.records()) {
      const decoded = this.#decode(record);
      if (decoded !== undefined) visit(decoded);
    }
  }

  /** Unreadable records are skipped, so that other groups are not affected. */
  #decode({ key, value, offset }: Record): GroupRecord | undefined {
    try {
      return decodeGroupRecord(key ?? new Uint8Array(0), value);
    } catch (error) {
      const partition = `${this.#partition}`;
      if (error instanceof UnknownRecordError) {
        this.#logger.warn("Skipped group record of a later version", {
          partition,
          offset,
          reason: error.message,
        });
      } else if (error instanceof MalformedMessageError) {
        this.#logger.error("Skipped malformed group record", { partition, offset, error });
      } else throw error;
      return undefined;
    }
  }
}
