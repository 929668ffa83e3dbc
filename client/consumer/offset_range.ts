/**
 * Checks that offsets are in range, and describes those that are not.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { int64Text } from "../../protocol/primitives/int64.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { KafkaError } from "../errors.ts";
import { lookUpOffsets } from "./offset_lookup.ts";
import type { TopicPartition } from "../topic_partition.ts";

/** The range of offsets of a partition. */
export interface OffsetRange {
  /** The log start offset. */
  readonly start: number;
  /** The end: the offset after the last message. */
  readonly end: number;
}

/** Looks up the range of a partition. */
export async function offsetRange(
  core: ClientCore,
  { topic, partition }: TopicPartition,
  options: OperationOptions,
): Promise<OffsetRange> {
  // A request may name a partition only once.
  const lookUp = async (at: "earliest" | "latest") => {
    const query = { topic, partition, at };
    return (await lookUpOffsets(core, [query], "read_uncommitted", options))[0]!.offset;
  };
  const [start, end] = await Promise.all([lookUp("earliest"), lookUp("latest")]);
  return { start, end };
}

/**
 * Checks that an offset is not beyond the end of its partition. One before the start is handled by
 * `autoOffsetReset`, since messages may be deleted at any time.
 *
 * @param action The operation, as in `seek in "orders-0"`.
 * @throws {KafkaError} With `OFFSET_OUT_OF_RANGE` and the valid range, if it is.
 */
export async function ensureNotBeyond(
  core: ClientCore,
  action: string,
  place: TopicPartition,
  offset: number,
  options: OperationOptions,
): Promise<void> {
  const range = await offsetRange(core, place, options);
  if (offset > range.end) throw outOfRange(action, offset, range);
}

/** The error of an offset out of range. */
export function outOfRange(
  action: string,
  offset: number,
  { start, end }: OffsetRange,
): KafkaError {
  return new KafkaError(
    action,
    ErrorCode.OFFSET_OUT_OF_RANGE,
    start === end
      ? `offset ${offset} does not exist, the partition is empty at offset ${end}`
      : `offset ${offset} does not exist, the partition has ${start} to ${
        end - 1
      }, and ends at ${end}`,
  );
}

/** The error that reports that reading continues at another offset. */
export function resetNotice(
  { topic, partition }: TopicPartition,
  from: number,
  to: number,
  at: "earliest" | "latest",
): KafkaError {
  return new KafkaError(
    `read "${topic}-${partition}"`,
    ErrorCode.OFFSET_OUT_OF_RANGE,
    `offset ${int64Text(from)} does not exist, autoOffsetReset "${at}" continues at offset ${to}`,
  );
}
