/**
 * Deleting records, and describing the log directories that hold them.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { deleteRecords } from "../../protocol/messages/records/delete_records.ts";
import { describeLogDirs } from "../../protocol/messages/cluster/describe_log_dirs.ts";
import type { DeletedRecords, DescribeLogDirsOptions, LogDirDescription } from "./admin_types.ts";
import {
  type ClientCore,
  isUnknownTopic,
  type OperationOptions,
} from "../connection/client_core.ts";
import { KafkaError, refreshesMetadata, UsageError } from "../errors.ts";
import { groupByLeader } from "../connection/leaders.ts";
import { requestMs } from "../connection/timer.ts";

/** As an offset in DeleteRecords: the high watermark. */
const HIGH_WATERMARK = -1;

/** Deletes the records before an offset in each partition. */
export async function deleteRecordsBefore(
  core: ClientCore,
  topic: string,
  before: { readonly [partition: number]: number | "latest" },
  options: OperationOptions,
): Promise<DeletedRecords[]> {
  const action = `delete records of "${topic}"`;
  const places = Object.entries(before).map(([partition, offset]) => ({
    topic,
    partition: Number(partition),
    offset: offset === "latest" ? HIGH_WATERMARK : offset,
  }));
  for (const { partition, offset } of places) {
    if (!Number.isSafeInteger(offset) || offset < HIGH_WATERMARK) {
      throw new UsageError(`Cannot delete records of "${topic}-${partition}": offset is ${offset}`);
    }
  }
  const deleted = new Map<number, number>();
  await core.retry(action, options, async (signal) => {
    const left = places.filter(({ partition }) => !deleted.has(partition));
    const groups = await groupByLeader(core, action, left);
    try {
      await Promise.all(Array.from(groups, async ([leaderId, group]) => {
        const partitions = group.map(({ partition: partitionIndex, offset }) => ({
          partitionIndex,
          offset,
        }));
        const body = {
          topics: [{ name: topic, partitions }],
          timeoutMs: requestMs(core.options.requestTimeoutMs),
        };
        const response = await core.requestBroker(leaderId, deleteRecords, body, { signal });
        let failure: KafkaError | undefined;
        for (const { partitionIndex, errorCode, lowWatermark } of response.topics[0]!.partitions) {
          if (errorCode === ErrorCode.NONE) deleted.set(partitionIndex, lowWatermark);
          else {
            failure ??= new KafkaError(
              `delete records of "${topic}-${partitionIndex}"`,
              errorCode,
            );
          }
        }
        if (failure !== undefined) throw failure;
      }));
    } catch (error) {
      if (refreshesMetadata(error)) core.metadata.invalidate(topic);
      throw error;
    }
  }, isUnknownTopic);
  return places.map(({ partition }) => ({
    topic,
    partition,
    lowWatermark: deleted.get(partition)!,
  }));
}

/** Describes the log directories of brokers. */
export async function describeBrokerLogDirs(
  core: ClientCore,
  options: DescribeLogDirsOptions,
): Promise<LogDirDescription[]> {
  const action = "describe log directories";
  return await core.retry(action, options, async (signal) => {
    await core.metadata.refresh();
    const brokers = options.brokers ?? core.metadata.brokers.map(({ id }) => id);
    const topics = options.topics === undefined
      ? null
      : await Promise.all(options.topics.map(async (topic) => {
        const { partitions } = await core.topic(topic, { signal });
        return { topic, partitions: partitions.map(({ partition }) => partition) };
      }));
    const answers = await Promise.all(
      brokers.map(async (brokerId): Promise<LogDirDescription[]> => {
        const response = await core.requestBroker(brokerId, describeLogDirs, { topics }, {
          signal,
        });
        if (response.errorCode !== ErrorCode.NONE) {
          throw new KafkaError(`${action} of broker ${brokerId}`, response.errorCode);
        }
        return response.results.map((result) => ({
          brokerId,
          path: result.logDir,
          error: result.errorCode === ErrorCode.NONE
            ? undefined
            : new KafkaError(`use log directory ${result.logDir}`, result.errorCode),
          totalBytes: result.totalBytes,
          usableBytes: result.usableBytes,
          replicas: result.topics.flatMap(({ name, partitions }) =>
            partitions.map((partition) => ({
              topic: name,
              partition: partition.partitionIndex,
              sizeBytes: partition.partitionSize,
              offsetLag: partition.offsetLag,
              isFuture: partition.isFutureKey,
            }))
          ),
        }));
      }),
    );
    return answers.flat();
  }, isUnknownTopic);
}
