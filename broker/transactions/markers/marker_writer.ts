/**
 * Writes the markers of transactions to partitions that this broker leads.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError, errorCodeOf } from "../../api_error.ts";
import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";
import type { Timeouts } from "../../time/timeouts.ts";
import type { Partition } from "../../topics/partition.ts";
import { TRANSACTION_V2 } from "../model/transaction.ts";
import type { TopicPartition } from "../model/transaction_partitions.ts";

/** The markers of one transaction, for this broker. */
export interface MarkersToWrite {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly isCommit: boolean;
  readonly coordinatorEpoch: number;
  readonly transactionVersion: number;
}

/** The groups of this broker, whose partitions get markers, too. */
export interface MarkedGroups {
  /** The topic that they are in. */
  readonly topic: string;
  /** @throws {ApiError} If the groups of a partition are not coordinated here, or not yet. */
  ensureLoaded(partitionIndex: number): void;
  /** Shows the offsets of a transaction, or drops them. */
  endTransaction(partitionIndex: number, producerId: number, isCommit: boolean): void;
}

/** Options of a writer. */
export interface MarkerWriterOptions {
  readonly topics: {
    partition(topic: string, index: number): Pick<Partition, "appendMarker"> | undefined;
  };
  readonly groups: MarkedGroups;
  readonly clock: Pick<Clock, "now">;
  readonly timeouts: Pick<Timeouts, "set" | "clear">;
  readonly logger: Logger;
}

/**
 * How long a marker may take to be committed. While a partition has too few replicas in sync, the markers
 * of others, which are answered together with its, must not wait for it.
 */
const COMMIT_TIMEOUT_MS = 5000;

/** Writes markers. */
export class MarkerWriter {
  readonly #options: MarkerWriterOptions;

  constructor(options: MarkerWriterOptions) {
    this.#options = options;
  }

  /**
   * Writes a marker to a partition, and returns an error code when it is committed; REQUEST_TIMED_OUT if
   * that takes too long. The marker is appended before this returns, so that those of one turn share a
   * sync.
   */
  async write(markers: MarkersToWrite, partition: TopicPartition): Promise<number> {
    try {
      await this.#inTime(this.#end(markers, partition));
      return ErrorCode.NONE;
    } catch (error) {
      return errorCodeOf(error, this.#options.logger);
    }
  }

  /** Appends a marker, and ends the offsets of its transaction when it is committed, however late. */
  async #end(markers: MarkersToWrite, partition: TopicPartition): Promise<void> {
    await this.#append(markers, partition);
    this.#endOffsets(markers, partition);
  }

  async #inTime(ended: Promise<void>): Promise<void> {
    const { timeouts } = this.#options;
    const late = Promise.withResolvers<never>();
    const timeout = timeouts.set(() => {
      late.reject(
        new ApiError(
          ErrorCode.REQUEST_TIMED_OUT,
          `Marker was not committed within ${COMMIT_TIMEOUT_MS} ms`,
        ),
      );
    }, COMMIT_TIMEOUT_MS);
    try {
      await Promise.race([ended, late.promise]);
    } finally {
      timeouts.clear(timeout);
    }
  }

  #append(
    { producerId, producerEpoch, isCommit, coordinatorEpoch, transactionVersion }: MarkersToWrite,
    { topic, index }: TopicPartition,
  ): Promise<void> | undefined {
    const { topics, groups, clock } = this.#options;
    const partition = topics.partition(topic, index);
    if (partition === undefined) throw new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    if (topic === groups.topic) this.#ensureLoaded(index);
    return partition.appendMarker({
      producerId,
      producerEpoch,
      coordinatorEpoch,
      isCommit,
      isTransactionV2: transactionVersion >= TRANSACTION_V2,
      nowMs: clock.now(),
    }).committed;
  }

  /** While they are read from the log, the groups would miss a marker that is appended. */
  #ensureLoaded(index: number): void {
    try {
      this.#options.groups.ensureLoaded(index);
    } catch (error) {
      throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER, undefined, { cause: error });
    }
  }

  #endOffsets({ producerId, isCommit }: MarkersToWrite, { topic, index }: TopicPartition): void {
    const { groups } = this.#options;
    if (topic === groups.topic) groups.endTransaction(index, producerId, isCommit);
  }
}
