/**
 * Whether records of a partition can be deleted.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { TopicConfig } from "./topic_config.ts";

/**
 * @throws {ApiError} INVALID_TOPIC_EXCEPTION if the topic is internal; POLICY_VIOLATION if records are
 *   only removed by compaction.
 */
export function checkDeletable(partition: {
  readonly isInternal: boolean;
  readonly config: TopicConfig;
}): void {
  if (partition.isInternal) {
    throw new ApiError(
      ErrorCode.INVALID_TOPIC_EXCEPTION,
      `Cannot delete records of "${partition}": the topic is internal`,
    );
  }
  const policy = partition.config.get("cleanup.policy");
  if (policy.includes("delete") || !policy.includes("compact")) return;
  throw new ApiError(
    ErrorCode.POLICY_VIOLATION,
    `Cannot delete records of "${partition}": cleanup.policy is ${
      policy.join(",")
    }, without delete`,
  );
}
