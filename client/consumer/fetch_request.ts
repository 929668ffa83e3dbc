/**
 * A Fetch request for partitions of one leader, without a fetch session.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import type { ClientCore } from "../connection/client_core.ts";
import type { BrokerConnection } from "../connection/connection.ts";
import { KafkaError } from "../errors.ts";
import type { AbortedTransaction } from "./fetched_batches.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { type IsolationLevel, isolationLevelCode } from "./offset_lookup.ts";
import { requestMs } from "../connection/timer.ts";

/** The last version that identifies topics by name. */
const LAST_VERSION_WITH_NAMES = 12;

/** The epoch of a request outside of any session (KIP-227). */
const NO_SESSION_EPOCH = -1;

/** A partition to fetch from. */
export interface FetchTarget extends TopicPartition {
  /** The offset to start from. */
  readonly offset: number;
}

/** Fetch parameters. */
export interface FetchOptions {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
  readonly isolationLevel: IsolationLevel;
  readonly signal?: AbortSignal;
}

/** A broker's response for one partition. */
export interface FetchedPartition {
  readonly errorCode: number;
  readonly highWatermark: number;
  /** The offset up to which all transactions have ended; −1 if the broker does not return it. */
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  /** Record batches, of which the last may be incomplete. */
  readonly records: Uint8Array;
  /** The current leader of the partition, if the broker names it. */
  readonly leader: { readonly leaderId: number; readonly leaderEpoch: number };
  readonly nodes: readonly { nodeId: number; host: string; port: number; rack: string | null }[];
}

const NO_RECORDS = new Uint8Array(0);

/**
 * Fetches from partitions of one leader.
 *
 * @returns The responses, in the order of the targets; undefined for a partition that is missing.
 * @throws {KafkaError} If the broker refuses the whole request.
 */
export async function requestFetch(
  connection: BrokerConnection,
  core: ClientCore,
  targets: readonly FetchTarget[],
  options: FetchOptions,
): Promise<(FetchedPartition | undefined)[]> {
  const { signal, maxWaitMs } = options;
  const byTopic = Map.groupBy(targets.keys(), (index) => targets[index]!.topic);
  const ids = new Map<string, string>();
  for (const topic of byTopic.keys()) ids.set(topic, core.metadata.topic(topic)?.id ?? ZERO_UUID);
  const hasIds = [...ids.values()].every((id) => id !== ZERO_UUID);
  const response = await connection.request(fetch, {
    maxWaitMs: requestMs(maxWaitMs),
    minBytes: options.minBytes,
    maxBytes: options.maxBytes,
    isolationLevel: isolationLevelCode(options.isolationLevel),
    sessionEpoch: NO_SESSION_EPOCH,
    topics: Array.from(byTopic, ([topic, indexes]) => ({
      topic,
      topicId: ids.get(topic)!,
      partitions: indexes.map((index) => {
        const { partition, offset } = targets[index]!;
        const known = core.metadata.topic(topic)?.partitions[partition];
        return {
          partition,
          currentLeaderEpoch: known?.leaderEpoch ?? -1,
          fetchOffset: offset,
          partitionMaxBytes: options.maxPartitionBytes,
        };
      }),
    })),
  }, {
    timeoutMs: core.options.requestTimeoutMs + maxWaitMs,
    ...(hasIds ? {} : { maxVersion: LAST_VERSION_WITH_NAMES }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (response.errorCode !== ErrorCode.NONE) {
    throw new KafkaError(`fetch from ${connection.peer}`, response.errorCode);
  }

  const names = new Map(Array.from(ids, ([name, id]) => [id, name]));
  const results: (FetchedPartition | undefined)[] = new Array(targets.length).fill(undefined);
  for (const { topic, topicId, partitions } of response.responses) {
    const indexes = byTopic.get(topic === "" ? names.get(topicId) ?? "" : topic);
    if (indexes === undefined) continue;
    const places = new Map(indexes.map((index) => [targets[index]!.partition, index]));
    for (const partition of partitions) {
      const index = places.get(partition.partitionIndex);
      if (index === undefined) continue;
      results[index] = {
        errorCode: partition.errorCode,
        highWatermark: partition.highWatermark,
        lastStableOffset: partition.lastStableOffset,
        logStartOffset: partition.logStartOffset,
        abortedTransactions: partition.abortedTransactions,
        records: partition.records ?? NO_RECORDS,
        leader: partition.currentLeader,
        nodes: response.nodeEndpoints,
      };
    }
  }
  return results;
}

/** Converts the error code of a partition. */
export function fetchError(
  topic: string,
  partition: number,
  offset: number,
  errorCode: number,
): KafkaError {
  return new KafkaError(
    `fetch from "${topic}-${partition}" at offset ${offset}`,
    errorCode,
    isDamage(errorCode)
      ? "the records there are corrupt on the broker, seek to an offset after them"
      : null,
  );
}

/** Whether records are corrupt on the broker, in which case retrying does not help. */
export function isDamage(errorCode: number): boolean {
  return errorCode === ErrorCode.CORRUPT_MESSAGE;
}
