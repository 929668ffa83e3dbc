/**
 * What a consumer is doing and waiting for, as it tells its program.
 *
 * A program that does not listen is warned on the console instead: a consumer neither stops nor leaves
 * out messages in silence.
 *
 * @module
 */

import type { DqueueError } from "../errors.ts";

/**
 * What a consumer is doing.
 *
 * - `idle`: it is subscribed to nothing yet
 * - `reading`: it reads its partitions
 * - `retrying`: it could not reach a broker, or was refused for a moment, and tries again
 */
export type ConsumerState = "idle" | "reading" | "retrying";

/** What a consumer is doing and waiting for. */
export interface ConsumerStatus {
  /** What it is doing. */
  readonly state: ConsumerState;
  /** What it waits for, in words. */
  readonly waitingFor: string;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /**
   * Why it tries again. With `OFFSET_OUT_OF_RANGE`, where it continues in a partition whose offset is
   * not there any more.
   */
  readonly error: DqueueError | undefined;
}

/** How long a program that does not listen is spared, since most outages are over by then. */
const PATIENCE_MS = 3000;

/** Warns of what a program should know that does not listen. */
export class ConsoleWarnings {
  readonly #who: string;
  #failingSince: number | undefined;
  #isTold = false;

  /** @param who What to call the consumer. */
  constructor(who: string) {
    this.#who = who;
  }

  /** Warns once of each outage that lasts. */
  onStatus({ waitingFor, error }: Pick<ConsumerStatus, "waitingFor" | "error">): void {
    const now = performance.now();
    if (error === undefined) {
      this.#failingSince = undefined;
      this.#isTold = false;
      return;
    }
    this.#failingSince ??= now;
    if (this.#isTold || now - this.#failingSince < PATIENCE_MS) return;
    this.#isTold = true;
    console.warn(`Warning: ${this.#who} waits for ${waitingFor}: ${error.message}`);
  }

  /** Warns that reading continues at another place. */
  onReset(error: DqueueError): void {
    console.warn(`Warning: ${this.#who}: ${error.message}`);
  }
}

/** Keeps the status of a consumer, and tells its program when it changes. */
export class StatusTeller {
  readonly #onStatus: ((status: ConsumerStatus) => void) | undefined;
  readonly #warnings = new ConsoleWarnings("Consumer");
  #status: ConsumerStatus = newStatus("idle", "subscribe()");

  /** @param onStatus What the program wants to be told with. */
  constructor(onStatus: ((status: ConsumerStatus) => void) | undefined) {
    this.#onStatus = onStatus;
  }

  /** What the consumer is doing. */
  get status(): ConsumerStatus {
    return this.#status;
  }

  /** Takes note of what it does now. */
  set(state: ConsumerState, waitingFor: string, error?: DqueueError): void {
    const now = this.#status;
    if (state === now.state && waitingFor === now.waitingFor && error === now.error) return;
    this.#status = newStatus(state, waitingFor, error);
    if (this.#onStatus === undefined) this.#warnings.onStatus(this.#status);
    else this.#onStatus(this.#status);
  }

  /** Tells that reading continues at another place in a partition. */
  onReset(error: DqueueError): void {
    if (this.#onStatus === undefined) this.#warnings.onReset(error);
    else this.#onStatus({ ...this.#status, error });
  }
}

function newStatus(state: ConsumerState, waitingFor: string, error?: DqueueError): ConsumerStatus {
  return { state, waitingFor, since: Date.now(), error };
}
