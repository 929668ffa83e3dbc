/**
 * The status of a group consumer: that of its membership combined with that of fetching.
 *
 * @module
 */

import { ConsoleWarnings } from "../consumer/consumer_status.ts";
import type { FetchObserver } from "../consumer/fetcher.ts";
import type { DqueueError } from "../errors.ts";
import type { GroupConsumerStatus } from "./group_consumer_options.ts";
import type { GroupContext } from "./group_context.ts";
import type { HeldPartitions } from "./held_partitions.ts";

/** The status of a group consumer. */
export class GroupStatus implements FetchObserver {
  readonly #context: GroupContext;
  readonly #held: HeldPartitions;
  readonly #warnings: ConsoleWarnings;
  /** Why partitions cannot be fetched at the moment. */
  #fetchFailure: Pick<GroupConsumerStatus, "waitingFor" | "error" | "since"> | undefined;

  constructor(context: GroupContext, held: HeldPartitions) {
    this.#context = context;
    this.#held = held;
    this.#warnings = new ConsoleWarnings(`Consumer of group "${context.options.groupId}"`);
    context.onChange(() => this.#report(this.current));
  }

  /** The current status. */
  get current(): GroupConsumerStatus {
    const { session, leftStatus, callback } = this.#context;
    const status = session?.status ?? leftStatus;
    if (callback !== undefined) return { ...status, waitingFor: `${callback} to return` };
    if (status.state !== "reading") return status;
    return { ...status, ...this.#fetchFailure ?? { waitingFor: this.#held.waitingFor } };
  }

  onRetry(waitingFor: string, error: DqueueError): void {
    this.#fetchFailure = { waitingFor, error, since: Date.now() };
    this.#reportIfReading();
  }

  onRecovered(): void {
    if (this.#fetchFailure === undefined) return;
    this.#fetchFailure = undefined;
    this.#reportIfReading();
  }

  onReset(notice: DqueueError): void {
    if (this.#context.options.onStatus === undefined) this.#warnings.onReset(notice);
    else this.#report({ ...this.current, error: notice });
  }

  #reportIfReading(): void {
    const { current } = this;
    if (current.state === "reading") this.#report(current);
  }

  #report(status: GroupConsumerStatus): void {
    const { onStatus } = this.#context.options;
    try {
      if (onStatus === undefined) this.#warnings.onStatus(status);
      else onStatus(status);
    } catch (error) {
      this.#context.addError(error);
    }
  }
}
