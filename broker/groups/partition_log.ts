/**
 * A partition of `__consumer_offsets` as a group log.
 *
 * @module
 */

import { Acks } from "../../protocol/messages/records/produce.ts";
import { MalformedMessageError } from "../../protocol/primitives/reader.ts";
import {
  readEndTransactionMarker,
  type Record,
  RecordBatch,
  RecordBatchBuilder,
} from "../../protocol/records/mod.ts";
import type { Verification } from "../../storage/log/producers/mod.ts";
import { replayPartition } from "../coordinators/replay.ts";
import type { Clock } from "../time/clock.ts";
import type { Logger } from "../logger.ts";
import type { Partition } from "../topics/partition.ts";
import {
  type GroupAppend,
  type GroupAppendOptions,
  type GroupLog,
  type GroupLogVisitor,
  NO_PRODUCER,
} from "./group_log.ts";
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
  UnknownRecordError,
} from "./records/group_record.ts";

/** The sequence of batches that the broker writes itself. */
const NO_SEQUENCE = -1;

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

  startVerification(producerId: number, producerEpoch: number): Verification | undefined {
    return this.#partition.log.startVerification(producerId, producerEpoch, NO_SEQUENCE);
  }

  append(
    records: readonly GroupRecord[],
    options: GroupAppendOptions,
  ): GroupAppend {
    const { nowMs, transaction } = options;
    const append = {
      acks: Acks.all,
      nowMs,
      isInternal: true,
      verification: transaction?.verification,
    };
    let firstOffset = -1;
    let committed: Promise<void> | undefined;
    for (const bytes of this.#batches(records, options)) {
      const batch = new RecordBatch(bytes);
      const appended = this.#partition.append(batch, append);
      if (firstOffset < 0) firstOffset = appended.baseOffset;
      // Offsets commit in order, so the last batch's promise stands for all.
      committed = appended.committed;
    }
    return { firstOffset, committed };
  }

  #batches(
    records: readonly GroupRecord[],
    { nowMs, atomic, transaction }: GroupAppendOptions,
  ): Uint8Array[] {
    const options = {
      ...(atomic ? {} : { sizeLimit: this.#batchBytes, initialCapacity: 1024 }),
      producerId: transaction?.producerId,
      producerEpoch: transaction?.producerEpoch,
      isTransactional: transaction !== undefined,
    };
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

  async replay(visitor: GroupLogVisitor, signal: AbortSignal): Promise<void> {
    const visitBatch = (batch: RecordBatch) => this.#visitBatch(batch, visitor);
    await replayPartition(this.#partition, visitBatch, this.#clock, signal);
  }

  #visitBatch(batch: RecordBatch, visitor: GroupLogVisitor): void {
    if (batch.isControl) {
      const marker = readEndTransactionMarker(batch);
      if (marker !== undefined) visitor.endTransaction(batch.producerId, marker.isCommit);
      return;
    }
    const producerId = batch.isTransactional ? batch.producerId : NO_PRODUCER;
    for (const record of batch.records()) {
      const decoded = this.#decode(record);
      if (decoded !== undefined) visitor.record(decoded, { offset: record.offset, producerId });
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
