/**
 * Whether offsets are in their partition, and what to say where they are not.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { int64Text } from "../../protocol/primitives/int64.ts";
import type { ClientCore, OperationOptions } from "../connection/client_core.ts";
import { KafkaError } from "../errors.ts";
import { lookUpOffsets } from "./offset_lookup.ts";
import type { TopicPartition } from "../topic_partition.ts";

/** The offsets of a partition. */
export interface OffsetRange {
  /** The first offset there is. */
  readonly start: number;
  /** The offset after the last message. */
  readonly end: number;
}

/** Looks up the offsets of a partition. */
export async function offsetRange(
  core: ClientCore,
  { topic, partition }: TopicPartition,
  options: OperationOptions,
): Promise<OffsetRange> {
  // A request may name a partition once only.
  const lookUp = async (at: "earliest" | "latest") => {
    const query = { topic, partition, at };
    return (await lookUpOffsets(core, [query], "read_uncommitted", options))[0]!.offset;
  };
  const [start, end] = await Promise.all([lookUp("earliest"), lookUp("latest")]);
  return { start, end };
}

/**
 * Checks that an offset is not beyond the end of its partition. One before the start is left to
 * `autoOffsetReset`: messages may be deleted at any time.
 *
 * @param action What is to be done there, as in `seek in "orders-0"`.
 * @throws {KafkaError} With `OFFSET_OUT_OF_RANGE` and the range, if it is.
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

/** The error of an offset that is not in its partition. */
export function outOfRange(
  action: string,
  offset: number,
  { start, end }: OffsetRange,
): KafkaError {
  return new KafkaError(
    action,
    ErrorCode.OFFSET_OUT_OF_RANGE,
    start === end
      ? `offset ${offset} is not there, the partition is empty at offset ${end}`
      : `offset ${offset} is not there, the partition has ${start} to ${
        end - 1
      }, and ends at ${end}`,
  );
}

/** What is told where reading continues at another offset than it was to. */
export function resetNotice(
  { topic, partition }: TopicPartition,
  from: number,
  to: number,
  at: "earliest" | "latest",
): KafkaError {
  return new KafkaError(
    `read "${topic}-${partition}"`,
    ErrorCode.OFFSET_OUT_OF_RANGE,
    `offset ${int64Text(from)} is not there, autoOffsetReset "${at}" continues at offset ${to}`,
  );
}
