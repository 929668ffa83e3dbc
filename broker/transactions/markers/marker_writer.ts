/**
 * Writes the markers of transactions to partitions that this broker leads.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError, errorCodeOf } from "../../api_error.ts";
import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";
import type { TopicRegistry } from "../../topics/topic_registry.ts";
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
  readonly topics: Pick<TopicRegistry, "partition">;
  readonly groups: MarkedGroups;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Writes markers. */
export class MarkerWriter {
  readonly #options: MarkerWriterOptions;

  constructor(options: MarkerWriterOptions) {
    this.#options = options;
  }

  /**
   * Writes a marker to a partition, and returns an error code when it is committed. The marker is
   * appended before this returns, so that those of one turn share a sync.
   */
  async write(markers: MarkersToWrite, partition: TopicPartition): Promise<number> {
    try {
      await this.#append(markers, partition);
      this.#endOffsets(markers, partition);
      return ErrorCode.NONE;
    } catch (error) {
      return errorCodeOf(error, this.#options.logger);
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
