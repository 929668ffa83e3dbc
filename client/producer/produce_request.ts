/**
 * A Produce request: batches for one broker, at most one per partition.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { Acks, produce } from "../../protocol/messages/records/produce.ts";
import { ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import type { ClusterMetadata } from "../connection/cluster_metadata.ts";
import type { BrokerConnection } from "../connection/connection.ts";
import { ProtocolError } from "../errors.ts";
import type { QueuedBatch } from "./queued_batch.ts";
import type { RefusedRecord } from "./refused_batch.ts";
import { requestMs } from "../connection/timer.ts";

/** The last version that identifies topics by name. */
const LAST_VERSION_WITH_NAMES = 12;

/** The broker's result for one batch. */
export interface ProduceResult extends QueuedBatch {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** The records that caused the error, if the broker names them. */
  readonly recordErrors: readonly RefusedRecord[];
  readonly baseOffset: number;
  readonly logAppendTimeMs: number;
  /** The current leader of the partition, if the broker names it. */
  readonly leader: { readonly leaderId: number; readonly leaderEpoch: number };
  readonly nodes: readonly { nodeId: number; host: string; port: number; rack: string | null }[];
}

/** What all batches of a request share. */
export interface ProduceRequestOptions {
  readonly acks: Acks;
  /** How long the broker may wait for replicas. */
  readonly timeoutMs: number;
  /** The transactional id of the producer; null if it has none. */
  readonly transactionalId: string | null;
  /** The versions that belong to the flow of the transaction. */
  readonly minVersion?: number;
  readonly maxVersion?: number;
}

interface TopicBatches {
  readonly topicId: string;
  /** The results by partition. */
  readonly batches: Map<number, QueuedBatch>;
}

const NO_LEADER = { leaderId: -1, leaderEpoch: -1 };

/** Batches that are sent to one broker together. */
export class ProduceRequest {
  readonly batches: QueuedBatch[] = [];
  #sizeInBytes = 0;

  /** Adds a batch unless that makes the request too large; the first one always fits. */
  tryAdd(queued: QueuedBatch, maxSize: number): boolean {
    const size = queued.batch.sizeInBytes;
    if (this.batches.length > 0 && this.#sizeInBytes + size > maxSize) return false;
    this.batches.push(queued);
    this.#sizeInBytes += size;
    return true;
  }

  /** Sends the batches and returns the result of each. */
  async send(
    connection: BrokerConnection,
    metadata: ClusterMetadata,
    options: ProduceRequestOptions,
  ): Promise<ProduceResult[]> {
    const topics = new Map<string, TopicBatches>();
    let hasIds = true;
    for (const queued of this.batches) {
      const name = queued.queue.topic;
      let topic = topics.get(name);
      if (topic === undefined) {
        const topicId = metadata.topic(name)?.id ?? ZERO_UUID;
        if (topicId === ZERO_UUID) hasIds = false;
        topics.set(name, topic = { topicId, batches: new Map() });
      }
      topic.batches.set(queued.queue.partition, queued);
    }
    const body = {
      transactionalId: options.transactionalId,
      acks: options.acks,
      timeoutMs: requestMs(options.timeoutMs),
      topicData: Array.from(topics, ([name, { topicId, batches }]) => ({
        name,
        topicId,
        partitionData: Array.from(batches.values(), ({ queue, batch }) => ({
          index: queue.partition,
          records: batch.build(),
        })),
      })),
    };
    const { minVersion, maxVersion = Infinity } = options;
    const requestOptions = {
      minVersion,
      maxVersion: hasIds ? maxVersion : Math.min(maxVersion, LAST_VERSION_WITH_NAMES),
    };
    if (options.acks === Acks.none) {
      await connection.send(produce, body, requestOptions);
      return this.batches.map(unanswered);
    }
    const response = await connection.request(produce, body, requestOptions);
    return this.#results(response.responses, response.nodeEndpoints, topics, connection.peer);
  }

  #results(
    responses: readonly {
      name: string;
      topicId: string;
      partitionResponses: readonly {
        index: number;
        errorCode: number;
        errorMessage: string | null;
        recordErrors: readonly RefusedRecord[];
        baseOffset: number;
        logAppendTimeMs: number;
        currentLeader: { leaderId: number; leaderEpoch: number };
      }[];
    }[],
    nodes: ProduceResult["nodes"],
    topics: ReadonlyMap<string, TopicBatches>,
    peer: string,
  ): ProduceResult[] {
    const results: ProduceResult[] = [];
    for (const topic of responses) {
      const asked = topic.name === "" ? byId(topics, topic.topicId) : topics.get(topic.name);
      for (const partition of topic.partitionResponses) {
        const queued = asked?.batches.get(partition.index);
        if (queued === undefined) continue;
        results.push({
          ...queued,
          errorCode: partition.errorCode,
          errorMessage: partition.errorMessage,
          recordErrors: partition.recordErrors,
          baseOffset: partition.baseOffset,
          logAppendTimeMs: partition.logAppendTimeMs,
          leader: partition.currentLeader,
          nodes,
        });
      }
    }
    if (results.length !== this.batches.length) {
      throw new ProtocolError(
        `Cannot use Produce response of ${peer}: it has ${results.length} partitions, ` +
          `${this.batches.length} were sent`,
      );
    }
    return results;
  }
}

function byId(
  topics: ReadonlyMap<string, TopicBatches>,
  topicId: string,
): TopicBatches | undefined {
  for (const topic of topics.values()) if (topic.topicId === topicId) return topic;
  return undefined;
}

/** Without acknowledgements, a batch counts as written once it is handed to the connection. */
function unanswered(queued: QueuedBatch): ProduceResult {
  return {
    ...queued,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    recordErrors: [],
    baseOffset: -1,
    logAppendTimeMs: -1,
    leader: NO_LEADER,
    nodes: [],
  };
}
