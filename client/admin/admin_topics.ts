/**
 * Creating and deleting topics and adding partitions, done by the controller.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { createPartitions } from "../../protocol/messages/topics/create_partitions.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { deleteTopics } from "../../protocol/messages/topics/delete_topics.ts";
import { ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import type {
  ChangeOptions,
  CreatePartitionsOptions,
  CreateTopicResult,
  DeleteTopicResult,
  NewTopic,
} from "./admin_types.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { DqueueError, KafkaError, UsageError } from "../errors.ts";
import { requestMs } from "../connection/timer.ts";

/** In CreateTopics: the broker's default number of partitions or replicas (KIP-464). */
const BROKER_DEFAULT = -1;

/** The first version that supports `BROKER_DEFAULT`. */
const FIRST_VERSION_WITH_DEFAULTS = 4;

/** The first version in which the topics to delete are structs. */
const FIRST_DELETE_VERSION_WITH_IDS = 6;

/** Creates topics. Each has its own result. */
export async function createAll(
  core: ClientCore,
  topics: readonly NewTopic[],
  options: ChangeOptions,
): Promise<CreateTopicResult[]> {
  ensureDistinct("create topics", topics.map(({ name }) => name));
  const byName = new Map(topics.map((topic) => [topic.name, topic]));
  const needsDefaults = topics.some(({ partitions, replicas, assignments }) =>
    assignments === undefined && (partitions === undefined || replicas === undefined)
  );
  return await changeEach<CreateTopicResult>(
    core,
    "create topics",
    [...byName.keys()],
    options,
    async (names, signal) => {
      const response = await core.requestController(createTopics, {
        topics: names.map((name) => creatableTopic(byName.get(name)!)),
        timeoutMs: requestMs(core.options.requestTimeoutMs),
        ...(options.validateOnly ? { validateOnly: true } : {}),
      }, { signal, ...(needsDefaults ? { minVersion: FIRST_VERSION_WITH_DEFAULTS } : {}) });
      return response.topics.map((topic) => {
        const { name, topicId: id, numPartitions: partitions, replicationFactor: replicas } = topic;
        core.metadata.invalidate(name);
        const error = kafkaError(`create topic "${name}"`, topic.errorCode, topic.errorMessage);
        return { name, error, topic: error ? undefined : { name, id, partitions, replicas } };
      });
    },
    (name, error) => ({ name, error, topic: undefined }),
  );
}

/** Deletes topics. Each has its own result. */
export async function deleteAll(
  core: ClientCore,
  topics: readonly string[],
  options: OperationOptions,
): Promise<DeleteTopicResult[]> {
  ensureDistinct("delete topics", topics);
  return await changeEach<DeleteTopicResult>(
    core,
    "delete topics",
    topics,
    options,
    async (names, signal) => {
      const response = await core.requestController(deleteTopics, (version) => ({
        timeoutMs: requestMs(core.options.requestTimeoutMs),
        ...(version >= FIRST_DELETE_VERSION_WITH_IDS
          ? { topics: names.map((name) => ({ name, topicId: ZERO_UUID })) }
          : { topicNames: names }),
      }), { signal });
      return response.responses.map(({ name, errorCode, errorMessage }) => {
        core.metadata.invalidate(name ?? "");
        const error = kafkaError(`delete topic "${name}"`, errorCode, errorMessage);
        return { name: name ?? "", error };
      });
    },
    (name, error) => ({ name, error }),
  );
}

/** Adds partitions to a topic. */
export async function addPartitions(
  core: ClientCore,
  topic: string,
  count: number,
  options: CreatePartitionsOptions,
): Promise<void> {
  const action = `add partitions to topic "${topic}"`;
  const [result] = await changeEach<DeleteTopicResult>(
    core,
    action,
    [topic],
    options,
    async (_, signal) => {
      const assignments = options.assignments?.map((brokerIds) => ({ brokerIds })) ?? null;
      const response = await core.requestController(createPartitions, {
        topics: [{ name: topic, count, assignments }],
        timeoutMs: requestMs(core.options.requestTimeoutMs),
        validateOnly: options.validateOnly ?? false,
      }, { signal });
      core.metadata.invalidate(topic);
      return response.results.map(({ name, errorCode, errorMessage }) => ({
        name,
        error: kafkaError(action, errorCode, errorMessage),
      }));
    },
    (name, error) => ({ name, error }),
  );
  if (result!.error !== undefined) throw result!.error;
}

/**
 * Sends a request to the controller until no result remains to be retried: because the broker asked
 * was not the controller, or throttled the request (KIP-599).
 *
 * @returns The results in the order of the names.
 */
async function changeEach<T extends { name: string; error: DqueueError | undefined }>(
  core: ClientCore,
  action: string,
  names: readonly string[],
  options: OperationOptions,
  change: (names: readonly string[], signal: AbortSignal) => Promise<readonly T[]>,
  failed: (name: string, error: DqueueError) => T,
): Promise<T[]> {
  const results = new Map<string, T>();
  try {
    await core.retry(action, options, async (signal) => {
      const left = names.filter((name) => !results.has(name));
      if (left.length === 0) return;
      let again: DqueueError | undefined;
      for (const result of await change(left, signal)) {
        if (result.error !== undefined && mayBeRetried(result.error)) again = result.error;
        else results.set(result.name, result);
      }
      if (again !== undefined) {
        if (again.code === "NOT_CONTROLLER") core.metadata.forgetController();
        throw again;
      }
    });
  } catch (error) {
    // Results obtained so far are kept when the remaining topics fail.
    if (results.size === 0 || !(error instanceof DqueueError)) throw error;
    for (const name of names) if (!results.has(name)) results.set(name, failed(name, error));
  }
  return names.map((name) =>
    results.get(name) ??
      failed(name, new KafkaError(`${action} "${name}"`, ErrorCode.UNKNOWN_SERVER_ERROR))
  );
}

function mayBeRetried({ code }: DqueueError): boolean {
  return code === "NOT_CONTROLLER" || code === "THROTTLING_QUOTA_EXCEEDED";
}

function creatableTopic(topic: NewTopic): {
  name: string;
  numPartitions: number;
  replicationFactor: number;
  assignments: { partitionIndex: number; brokerIds: readonly number[] }[];
  configs: { name: string; value: string | null }[];
} {
  const { name, partitions, replicas, assignments, configs = {} } = topic;
  if (assignments !== undefined && (partitions !== undefined || replicas !== undefined)) {
    throw new UsageError(
      `Cannot create topic "${name}": give "assignments", or "partitions" and "replicas", not both`,
    );
  }
  return {
    name,
    numPartitions: partitions ?? BROKER_DEFAULT,
    replicationFactor: replicas ?? BROKER_DEFAULT,
    assignments: (assignments ?? []).map((brokerIds, partitionIndex) => ({
      partitionIndex,
      brokerIds,
    })),
    configs: Object.entries(configs).map(([key, value]) => ({
      name: key,
      value: value === null ? null : String(value),
    })),
  };
}

function kafkaError(
  action: string,
  errorCode: number,
  message: string | null,
): KafkaError | undefined {
  return errorCode === ErrorCode.NONE ? undefined : new KafkaError(action, errorCode, message);
}

/** @throws {UsageError} If a name is given twice: their results could not be told apart. */
function ensureDistinct(action: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new UsageError(`Cannot ${action}: "${name}" is given twice`);
    seen.add(name);
  }
}
