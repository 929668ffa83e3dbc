/**
 * What a coordinator holds of one partition of its topic, and whether it serves that.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError, errorCodeOf } from "../api_error.ts";
import type { Logger } from "../logger.ts";

type ShardState = "loading" | "active" | "failed" | "closed";

/** What a shard is called in messages. */
export interface ShardOptions {
  /** The partition. */
  readonly index: number;
  /** Name of the topic. */
  readonly topic: string;
  /** What is coordinated, for instance `groups`. */
  readonly what: string;
  readonly logger: Logger;
}

/** The life cycle of a shard: it is loaded, serves, and stops for good. */
export abstract class Shard {
  /** The partition. */
  readonly index: number;
  readonly #topic: string;
  readonly #what: string;
  readonly #logger: Logger;
  #state: ShardState = "loading";
  #failure: string | undefined;

  constructor({ index, topic, what, logger }: ShardOptions) {
    this.index = index;
    this.#topic = topic;
    this.#what = what;
    this.#logger = logger;
  }

  /** Whether requests are served. */
  get isActive(): boolean {
    return this.#state === "active";
  }

  /** Whether the log has failed. */
  get hasFailed(): boolean {
    return this.#state === "failed";
  }

  /** @throws {ApiError} COORDINATOR_NOT_AVAILABLE with the reason, if the log has failed. */
  ensureNotFailed(): void {
    if (this.#state !== "failed") return;
    const what = this.#what[0]!.toUpperCase() + this.#what.slice(1);
    throw new ApiError(
      ErrorCode.COORDINATOR_NOT_AVAILABLE,
      `${what} of partition ${this.index} of ${this.#topic} are not coordinated: ${this.#failure}`,
    );
  }

  /** @throws {ApiError} COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR. */
  ensureActive(): void {
    if (this.#state === "active") return;
    throw new ApiError(
      this.#state === "loading"
        ? ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
        : ErrorCode.NOT_COORDINATOR,
    );
  }

  /**
   * Loads the log and starts serving.
   *
   * @throws {Error} If the log cannot be read, or the signal's reason.
   */
  async load(signal: AbortSignal): Promise<void> {
    await this.replay(signal);
    if (this.#state === "loading") this.#state = "active";
  }

  /** Stops serving; waiting requests get NOT_COORDINATOR. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.stop();
  }

  /** Stops serving because the log has failed. */
  fail(error: unknown): void {
    if (this.#state === "closed" || this.#state === "failed") return;
    this.#failure = error instanceof Error ? error.message : String(error);
    this.#logger.error(
      `Stopped coordinating ${this.#what} because their log failed. If it is damaged, stop the broker ` +
        'and restore it from a copy, or give up what is lost with "dqueue log repair"',
      { partition: this.index, error },
    );
    this.#state = "failed";
    this.stop();
  }

  /** Reads the log. */
  protected abstract replay(signal: AbortSignal): Promise<void>;

  /** Forgets all; waiting requests get NOT_COORDINATOR. */
  protected abstract stop(): void;
}

/** The error code of a coordinator for a failed write. */
export function coordinatorErrorCode(error: unknown, logger: Logger): number {
  const code = errorCodeOf(error, logger);
  switch (code) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR;
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    default:
      return code;
  }
}
