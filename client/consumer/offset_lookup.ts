/**
 * Looks up offsets: the ends of partitions, and the first message at or after a timestamp.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { IsolationLevel as IsolationLevelCode } from "../../protocol/messages/records/fetch.ts";
import { listOffsets, ListOffsetsTimestamp } from "../../protocol/messages/records/list_offsets.ts";
import {
  type ClientCore,
  type FailureListener,
  isUnknownTopic,
  type OperationOptions,
} from "../connection/client_core.ts";
import { oneOf } from "../option_checks.ts";
import type { Names } from "../ensure_known.ts";
import { KafkaError, UsageError } from "../errors.ts";
import { groupByLeader } from "../connection/leaders.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { requestMs } from "../connection/timer.ts";

/**
 * A place in a partition: its first offset, its end, the message with the highest timestamp, or the
 * first message at or after a timestamp in milliseconds since 1970.
 */
export type OffsetSpec = "earliest" | "latest" | "maxTimestamp" | { readonly timestamp: number };

/**
 * Which messages a reader returns: all, or only those outside of open and aborted transactions, up
 * to the last stable offset.
 */
export type IsolationLevel = "read_uncommitted" | "read_committed";

/** Options that name an isolation level. */
export interface IsolationOptions {
  /**
   * Which messages are returned: all up to the high watermark, or with `"read_committed"` those
   * outside of open and aborted transactions, up to the last stable offset. Default:
   * `"read_uncommitted"`, as in Kafka: it returns messages as soon as they are replicated, whereas
   * with `"read_committed"` one open transaction holds back all later messages of its partitions.
   * Without transactions both return the same.
   */
  readonly isolation?: IsolationLevel | undefined;
  /** An alias of `isolation`, as in other clients. */
  readonly isolationLevel?: IsolationLevel | undefined;
}

/** The names of IsolationOptions. */
export const ISOLATION_NAMES: Names<IsolationOptions> = { isolationLevel: true, isolation: true };

/** @throws {UsageError} If it is none, or the two names differ. */
export function resolveIsolation(
  { isolation, isolationLevel }: IsolationOptions,
  byDefault: IsolationLevel = "read_uncommitted",
): IsolationLevel {
  if (isolation !== undefined && isolationLevel !== undefined && isolation !== isolationLevel) {
    throw new UsageError(
      `Cannot use isolation of "${isolation}" with isolationLevel of "${isolationLevel}": they mean ` +
        "the same",
    );
  }
  const name = isolation === undefined ? "isolationLevel" : "isolation";
  const level = isolation ?? isolationLevel ?? byDefault;
  return oneOf<IsolationLevel>(name, level, ["read_uncommitted", "read_committed"]);
}

/** The offset of a place in a partition. */
export interface PartitionOffset {
  /** The topic. */
  readonly topic: string;
  /** The partition. */
  readonly partition: number;
  /** The offset; −1 if no message matches. */
  readonly offset: number;
  /** The timestamp of the message at the offset; −1 if unknown. */
  readonly timestamp: number;
  /** The leader epoch of the message; −1 if unknown. */
  readonly leaderEpoch: number;
}

/** A place to look up. */
export interface OffsetQuery {
  readonly topic: string;
  readonly partition: number;
  readonly at: OffsetSpec;
}

/** The first version with an isolation level. */
const FIRST_VERSION_WITH_ISOLATION = 2;

/** The first version with a lookup of the highest timestamp (KIP-734). */
const FIRST_VERSION_WITH_MAX_TIMESTAMP = 7;

/**
 * Looks up several places, each at the leader of its partition. No partition may be given twice.
 *
 * @returns The results, in the order of the queries.
 * @throws {KafkaError} If a partition does not exist, or its leader refuses.
 */
export async function lookUpOffsets(
  core: ClientCore,
  queries: readonly OffsetQuery[],
  isolationLevel: IsolationLevel,
  options: OperationOptions & FailureListener = {},
): Promise<PartitionOffset[]> {
  const timestamps = queries.map(({ at }) => timestampOf(at));
  const found: (PartitionOffset | undefined)[] = new Array(queries.length).fill(undefined);
  const action = "look up offsets";
  await core.retry(action, options, async (signal) => {
    const missing = queries
      .map(({ topic, partition }, index) => ({ topic, partition, index }))
      .filter(({ index }) => found[index] === undefined);
    const groups = await groupByLeader(core, action, missing);
    const failures = await Promise.all(
      Array.from(
        groups,
        ([leaderId, group]) =>
          askLeader(core, leaderId, group, timestamps, isolationLevel, found, signal),
      ),
    );
    const failure = failures.find((error) => error !== undefined);
    if (failure !== undefined) throw failure;
  }, isUnknownTopic);
  return found as PartitionOffset[];
}

/**
 * Resolves an offset or place to an offset; a timestamp after the last message resolves to the end.
 *
 * @throws {UsageError} If the offset is negative, or the place is invalid.
 */
export async function resolveOffset(
  core: ClientCore,
  { topic, partition }: TopicPartition,
  offset: number | OffsetSpec,
  isolationLevel: IsolationLevel,
  options: OperationOptions & FailureListener,
): Promise<number> {
  if (typeof offset === "number") {
    if (Number.isSafeInteger(offset) && offset >= 0) return offset;
    throw new UsageError(
      `Cannot read "${topic}-${partition}": offset is ${offset}, it must be an integer of at least 0`,
    );
  }
  const lookUp = async (at: OffsetSpec) => {
    const queries = [{ topic, partition, at }];
    return (await lookUpOffsets(core, queries, isolationLevel, options))[0]!.offset;
  };
  const found = await lookUp(offset);
  return found < 0 ? await lookUp("latest") : found;
}

/** An isolation level as in Fetch and ListOffsets. */
export function isolationLevelCode(level: IsolationLevel): number {
  return level === "read_committed"
    ? IsolationLevelCode.readCommitted
    : IsolationLevelCode.readUncommitted;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  /** The index in the list of queries. */
  readonly index: number;
}

/** Queries one leader, fills in the results, and returns the first error. */
async function askLeader(
  core: ClientCore,
  leaderId: number,
  group: readonly Place[],
  timestamps: readonly number[],
  isolationLevel: IsolationLevel,
  found: (PartitionOffset | undefined)[],
  signal: AbortSignal,
): Promise<unknown> {
  const byTopic = Map.groupBy(group, ({ topic }) => topic);
  const body = {
    isolationLevel: isolationLevelCode(isolationLevel),
    timeoutMs: requestMs(core.options.requestTimeoutMs),
    topics: Array.from(byTopic, ([name, places]) => ({
      name,
      partitions: places.map(({ partition, index }) => ({
        partitionIndex: partition,
        currentLeaderEpoch: core.metadata.topic(name)?.partitions[partition]?.leaderEpoch ?? -1,
        timestamp: timestamps[index]!,
      })),
    })),
  };
  const options = { signal, minVersion: minVersion(group, timestamps, isolationLevel) };
  let failure: unknown;
  try {
    const response = await core.requestBroker(leaderId, listOffsets, body, options);
    for (const { name, partitions } of response.topics) {
      const places = new Map(byTopic.get(name)?.map((place) => [place.partition, place.index]));
      for (const { partitionIndex: partition, errorCode, ...rest } of partitions) {
        const index = places.get(partition);
        if (index === undefined) continue;
        if (errorCode === ErrorCode.NONE) found[index] = { topic: name, partition, ...rest };
        else failure ??= new KafkaError(`look up offset of "${name}-${partition}"`, errorCode);
      }
    }
  } catch (error) {
    failure = error;
  }
  if (failure !== undefined) {
    for (const topic of byTopic.keys()) {
      core.metadata.invalidate(topic);
    }
  }
  return failure;
}

function minVersion(
  group: readonly Place[],
  timestamps: readonly number[],
  isolationLevel: IsolationLevel,
): number {
  if (group.some(({ index }) => timestamps[index] === ListOffsetsTimestamp.maxTimestamp)) {
    return FIRST_VERSION_WITH_MAX_TIMESTAMP;
  }
  return isolationLevel === "read_committed"
    ? FIRST_VERSION_WITH_ISOLATION
    : listOffsets.versions.min;
}

function timestampOf(at: OffsetSpec): number {
  switch (at) {
    case "earliest":
      return ListOffsetsTimestamp.earliest;
    case "latest":
      return ListOffsetsTimestamp.latest;
    case "maxTimestamp":
      return ListOffsetsTimestamp.maxTimestamp;
  }
  const timestamp = at?.timestamp;
  if (!Number.isInteger(timestamp) || timestamp < 0) {
    throw new UsageError(
      `Cannot look up offset at ${JSON.stringify(at)}: it must be "earliest", "latest", ` +
        `"maxTimestamp" or { timestamp } in milliseconds since 1970`,
    );
  }
  return timestamp;
}
