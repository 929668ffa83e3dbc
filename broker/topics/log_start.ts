/**
 * The log start offset of a partition as its readers see it: a deletion is shown once it is on disk.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { OffsetOutOfRangeError } from "../../storage/errors.ts";
import { ApiError } from "../api_error.ts";
import type { TopicConfig } from "./topic_config.ts";

/** The start of one log. */
export class LogStart {
  #offset: number;
  /** Settles when the offset of all running deletions is shown. */
  #trimming: Promise<unknown> | undefined;

  constructor(offset: number) {
    this.#offset = offset;
  }

  /** The first readable offset. The deletion of records before it is on disk. */
  get offset(): number {
    return this.#offset;
  }

  /** Shows a later offset. Returns whether it is one. */
  advance(offset: number): boolean {
    if (offset <= this.#offset) return false;
    this.#offset = offset;
    return true;
  }

  /** Shows no later offset than where the log was cut. */
  cut(offset: number): void {
    this.#offset = Math.min(this.#offset, offset);
  }

  /** Runs work that moves the log start offset, which readers learn when it has ended. */
  async trim<T>(work: () => Promise<T>): Promise<T> {
    const trimmed = work();
    const trimming = Promise.allSettled([this.#trimming, trimmed]);
    this.#trimming = trimming;
    try {
      return await trimmed;
    } finally {
      if (this.#trimming === trimming) this.#trimming = undefined;
    }
  }

  /** Whether a deletion is running. */
  get isTrimming(): boolean {
    return this.#trimming !== undefined;
  }

  /** Throws the error of a read from an offset, after deletions that it may be due to. */
  async throwAfterTrim(offset: number, error: unknown): Promise<never> {
    if (error instanceof OffsetOutOfRangeError && offset >= this.#offset) await this.#trimming;
    throw error;
  }
}

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
