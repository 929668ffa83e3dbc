/**
 * AlterReplicaLogDirs: moves replicas between the log directories of this broker (KIP-113). Versions
 * 1 to 2.
 *
 * There is one directory, so that each replica is where it can be: to have it there succeeds, and
 * every other directory is LOG_DIR_NOT_FOUND. Where a partition is named more than once, its last
 * directory counts, as in Kafka. Version 2 is flexible.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  alterReplicaLogDirs,
  type AlterReplicaLogDirsRequest,
  type AlterReplicaLogDirsResponse,
} from "../../protocol/messages/alter_replica_log_dirs.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import {
  eachInSteps,
  mapDeepInSteps,
  mapInSteps,
  slicedAnswer,
  sumOf,
  textBytes,
} from "./sliced_answer.ts";

/** What a partition takes in an answer. */
const PARTITION_BYTES = 8;

/** Serves AlterReplicaLogDirs. */
export const alterReplicaLogDirsHandler: ApiHandler = handler(
  alterReplicaLogDirs,
  handleAlterReplicaLogDirs,
);

function handleAlterReplicaLogDirs(
  request: AlterReplicaLogDirsRequest,
  context: RequestContext,
): Promise<AlterReplicaLogDirsResponse> {
  const bytes = sumOf(
    request.dirs,
    ({ topics }) =>
      sumOf(
        topics,
        ({ name, partitions }) => textBytes(name) + partitions.length * PARTITION_BYTES,
      ),
  );
  return slicedAnswer(bytes, answer(request, context), context);
}

function* answer(
  { dirs }: AlterReplicaLogDirsRequest,
  { broker }: RequestContext,
): Generator<void, AlterReplicaLogDirsResponse> {
  const errorCodeOf = (topic: string, index: number) =>
    broker.topics.partition(topic, index) === undefined
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.NONE;
  const errorCodes = new Map<string, Map<number, number>>();
  for (const { path, topics } of dirs) {
    const isOurs = path === broker.topics.logDirectory;
    for (const { name, partitions } of topics) {
      let ofTopic = errorCodes.get(name);
      if (ofTopic === undefined) errorCodes.set(name, ofTopic = new Map());
      yield* eachInSteps(partitions, (index) => {
        ofTopic.set(index, isOurs ? errorCodeOf(name, index) : ErrorCode.LOG_DIR_NOT_FOUND);
      });
      yield;
    }
  }
  const results = yield* mapDeepInSteps(errorCodes, function* ([topicName, ofTopic]) {
    const partitions = yield* mapInSteps(ofTopic, ([partitionIndex, errorCode]) => ({
      partitionIndex,
      errorCode,
    }));
    return { topicName, partitions };
  });
  return { results };
}
