/**
 * Requests for one partition that most tests with a raw connection send.
 *
 * @module
 */

import { ErrorCode, errorInfo } from "../../../protocol/errors.ts";
import { createTopics } from "../../../protocol/messages/topics/create_topics.ts";
import { deleteTopics } from "../../../protocol/messages/topics/delete_topics.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import type { ResponseOf } from "../../../protocol/schema/schema.ts";
import type { RawConnection } from "./raw_connection.ts";

/** The latest versions that name topics instead of giving their ids. */
export const PRODUCE_BY_NAME = 12;
export const FETCH_BY_NAME = 12;

const TIMEOUT_MS = 30_000;

/** Options of a topic. */
export interface TopicOptions {
  readonly partitions?: number;
  readonly configs?: Readonly<Record<string, string>>;
}

/** Creates a topic, by default with one partition, and returns its id. */
export async function createTopic(
  connection: RawConnection,
  name: string,
  { partitions = 1, configs = {} }: TopicOptions = {},
): Promise<string> {
  const { topics } = await connection.request(createTopics, 7, {
    topics: [{
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    }],
    timeoutMs: TIMEOUT_MS,
  });
  const { errorCode, errorMessage, topicId } = topics[0]!;
  if (errorCode !== ErrorCode.NONE) {
    throw new Error(`Cannot create "${name}": ${errorInfo(errorCode).name}: ${errorMessage}`);
  }
  return topicId;
}

/** Deletes a topic. */
export async function deleteTopic(connection: RawConnection, name: string): Promise<void> {
  const request = { topicNames: [name], timeoutMs: TIMEOUT_MS };
  const { responses } = await connection.request(deleteTopics, 5, request);
  const { errorCode } = responses[0]!;
  if (errorCode !== ErrorCode.NONE) {
    throw new Error(`Cannot delete "${name}": ${errorInfo(errorCode).name}`);
  }
}

/** Options of an append. */
export interface AppendOptions {
  readonly partition?: number;
  readonly acks?: number;
  readonly timeoutMs?: number;
  readonly version?: number;
}

/** Makes a Produce request for one partition. */
export function produceRequest(
  topic: string,
  records: Uint8Array | null,
  { partition = 0, acks = -1, timeoutMs = TIMEOUT_MS }: AppendOptions = {},
) {
  const partitionData = [{ index: partition, records }];
  return { acks, timeoutMs, topicData: [{ name: topic, partitionData }] };
}

type ProducedPartition = ResponseOf<
  typeof produce
>["responses"][number]["partitionResponses"][number];

/** Sends records to a partition and returns the partition's part of the answer. */
export async function append(
  connection: RawConnection,
  topic: string,
  records: Uint8Array | null,
  options: AppendOptions = {},
): Promise<ProducedPartition> {
  const { version = PRODUCE_BY_NAME } = options;
  const request = produceRequest(topic, records, options);
  const { responses } = await connection.request(produce, version, request);
  return responses[0]!.partitionResponses[0]!;
}

/** Options of a fetch. */
export interface FetchOptions {
  readonly partition?: number;
  readonly maxBytes?: number;
  readonly partitionMaxBytes?: number;
  readonly minBytes?: number;
  readonly maxWaitMs?: number;
  readonly currentLeaderEpoch?: number;
}

/** Makes a Fetch request for one partition, outside of a session, that by default does not wait. */
export function fetchRequest(topic: string, fetchOffset: number, options: FetchOptions = {}) {
  const {
    partition = 0,
    maxBytes = 50 * 1024 * 1024,
    partitionMaxBytes = 1024 * 1024,
    minBytes = 1,
    maxWaitMs = 0,
    currentLeaderEpoch = -1,
  } = options;
  const partitions = [{ partition, fetchOffset, partitionMaxBytes, currentLeaderEpoch }];
  return { maxWaitMs, minBytes, maxBytes, topics: [{ topic, partitions }] };
}

type FetchedPartition = ResponseOf<typeof fetch>["responses"][number]["partitions"][number];

/** Reads from a partition and returns the partition's part of the answer. */
export async function read(
  connection: RawConnection,
  topic: string,
  fetchOffset: number,
  options: FetchOptions = {},
): Promise<FetchedPartition> {
  const request = fetchRequest(topic, fetchOffset, options);
  const { responses } = await connection.request(fetch, FETCH_BY_NAME, request);
  return responses[0]!.partitions[0]!;
}
