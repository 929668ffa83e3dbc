/**
 * Rules for topic names.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";

/** Internal topics, which clients can read but not create, write, change or delete. */
const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  "__consumer_offsets",
  "__transaction_state",
  "__share_group_state",
  "__cluster_metadata",
]);

/** Leaves room for a dash and a partition number within the 255 bytes of a file name. */
const MAX_LENGTH = 249;

/** Whether the topic is internal. */
export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name);
}

/** Whether the name is a valid topic name. */
export function isTopicName(name: string): boolean {
  return problemOf(name) === undefined;
}

/** @throws {ApiError} INVALID_TOPIC_EXCEPTION if the name is invalid. */
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
 * The name with dots replaced by underscores. Two topics must not have the same, because metric
 * names could not distinguish them.
 */
export function collisionKeyOf(name: string): string {
  return name.replaceAll(".", "_");
}

function problemOf(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name === "." || name === "..") return "it is the name of a folder";
  if (name.length > MAX_LENGTH) {
    return `it is ${name.length} characters long, the maximum is ${MAX_LENGTH}`;
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return "it has characters other than ASCII letters, digits, dot, underscore and dash";
  }
  return undefined;
}
