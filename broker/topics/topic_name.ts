/**
 * What a topic may be called.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";

/** Topics of the broker's own, which clients may read but not create, write, change or delete. */
const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  "__consumer_offsets",
  "__transaction_state",
  "__share_group_state",
  "__cluster_metadata",
]);

/** Leaves room, within the 255 bytes of a file name, for a dash and the number of a partition. */
const MAX_LENGTH = 249;

/** Whether a topic is one of the broker's own. */
export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name);
}

/** Whether a topic can have this name. */
export function isTopicName(name: string): boolean {
  return problemOf(name) === undefined;
}

/** @throws {ApiError} INVALID_TOPIC_EXCEPTION if no topic can have this name. */
export function checkTopicName(name: string): void {
  const problem = problemOf(name);
  if (problem !== undefined) {
    throw new ApiError(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `Cannot use topic name "${name}": ${problem}`,
    );
  }
}

/**
 * The name with dots made underscores: two topics for which it is the same cannot both be there,
 * because metrics, which are named after topics, could not tell them apart.
 */
export function collisionKeyOf(name: string): string {
  return name.replaceAll(".", "_");
}

function problemOf(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name === "." || name === "..") return "it is the name of a folder";
  if (name.length > MAX_LENGTH) {
    return `it is ${name.length} characters long, ${MAX_LENGTH} are allowed`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return "it has characters other than ASCII letters, digits, dot, underscore and dash";
  }
  return undefined;
}
