/**
 * A partition of `__transaction_state` as a transaction log.
 *
 * @module
 */

import { Acks } from "../../protocol/messages/records/produce.ts";
import { MalformedMessageError } from "../../protocol/primitives/reader.ts";
import { type Record, RecordBatch, RecordBatchBuilder } from "../../protocol/records/mod.ts";
import { replayPartition } from "../coordinators/replay.ts";
import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import type { Partition } from "../topics/partition.ts";
import {
  decodeTransactionRecord,
  encodeTransactionRecord,
  type TransactionRecord,
  UnknownTransactionRecordError,
} from "./records/transaction_record.ts";
import type { TransactionLog } from "./transaction_log.ts";

const NO_KEY = new Uint8Array(0);

/** Options of a partition's transaction log. */
export interface PartitionTransactionLogOptions {
  readonly partition: Partition;
  readonly clock: Pick<Clock, "yield">;
  readonly logger: Logger;
}

/** The transactional ids in a partition. */
export class PartitionTransactionLog implements TransactionLog {
  readonly #options: PartitionTransactionLogOptions;

  constructor(options: PartitionTransactionLogOptions) {
    this.#options = options;
  }

  append(record: TransactionRecord, nowMs: number): Promise<void> | undefined {
    const { key, value } = encodeTransactionRecord(record);
    const builder = new RecordBatchBuilder();
    builder.append(nowMs, key, value);
    const batch = new RecordBatch(builder.build());
    const { partition } = this.#options;
    return partition.append(batch, { acks: Acks.all, nowMs, isInternal: true }).committed;
  }

  async replay(visit: (record: TransactionRecord) => void, signal: AbortSignal): Promise<void> {
    const { partition, clock } = this.#options;
    const visitBatch = (batch: RecordBatch) => {
      if (batch.isControl) return;
      for (const record of batch.records()) {
        const decoded = this.#decode(record);
        if (decoded !== undefined) visit(decoded);
      }
    };
    await replayPartition(partition, visitBatch, clock, signal);
  }

  /** Unreadable records are skipped, so that other ids are not affected. */
  #decode({ key, value, offset }: Record): TransactionRecord | undefined {
    try {
      return decodeTransactionRecord(key ?? NO_KEY, value);
    } catch (error) {
      const { partition, logger } = this.#options;
      if (error instanceof UnknownTransactionRecordError) {
        logger.warn("Skipped transaction record of a later version", {
          partition: `${partition}`,
          offset,
          reason: error.message,
        });
      } else if (error instanceof MalformedMessageError) {
        logger.error("Skipped malformed transaction record", {
          partition: `${partition}`,
          offset,
          error,
        });
      } else throw error;
      return undefined;
    }
  }
}
