/**
 * The status of a group consumer: that of its membership combined with that of fetching.
 *
 * @module
 */

import { ConsoleWarnings } from "../consumer/consumer_status.ts";
import type { DqueueError } from "../errors.ts";
import type { FetchObserver } from "../consumer/fetcher.ts";
import type { GroupConsumerStatus } from "./group_consumer_options.ts";

/** The parts of the status, and the listener. */
export interface GroupStatusParts {
  /** The id of the group. */
  readonly groupId: string;
  /** The program's callback. */
  readonly onStatus: ((status: GroupConsumerStatus) => void) | undefined;
  /** The status of the membership. */
  readonly membership: () => GroupConsumerStatus;
  /** The callback of the program that is running. */
  readonly callback: () => string | undefined;
  /** What reading waits for while nothing fails. */
  readonly waitingFor: () => string;
  /** Receives errors thrown by the program's callback. */
  readonly onError: (error: unknown) => void;
}

/** The status of a group consumer. */
export class GroupStatus implements FetchObserver {
  readonly #parts: GroupStatusParts;
  readonly #warnings: ConsoleWarnings;
  /** Why partitions cannot be fetched at the moment. */
  #fetchFailure: Pick<GroupConsumerStatus, "waitingFor" | "error" | "since"> | undefined;

  constructor(parts: GroupStatusParts) {
    this.#parts = parts;
    this.#warnings = new ConsoleWarnings(`Consumer of group "${parts.groupId}"`);
  }

  /** The current status. */
  get current(): GroupConsumerStatus {
    const { membership, callback, waitingFor } = this.#parts;
    const status = membership();
    const running = callback();
    if (running !== undefined) return { ...status, waitingFor: `${running} to return` };
    if (status.state !== "reading") return status;
    return { ...status, ...this.#fetchFailure ?? { waitingFor: waitingFor() } };
  }

  /** Reports the status. */
  tell(status: GroupConsumerStatus = this.current): void {
    const { onStatus, onError } = this.#parts;
    try {
      if (onStatus === undefined) this.#warnings.onStatus(status);
      else onStatus(status);
    } catch (error) {
      onError(error);
    }
  }

  onRetry(waitingFor: string, error: DqueueError): void {
    this.#fetchFailure = { waitingFor, error, since: Date.now() };
    if (this.current.state === "reading") this.tell();
  }

  onRecovered(): void {
    if (this.#fetchFailure === undefined) return;
    this.#fetchFailure = undefined;
    if (this.current.state === "reading") this.tell();
  }

  onReset(notice: DqueueError): void {
    if (this.#parts.onStatus === undefined) this.#warnings.onReset(notice);
    else this.tell({ ...this.current, error: notice });
  }
}
