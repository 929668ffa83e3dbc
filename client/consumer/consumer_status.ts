/**
 * The status of a consumer, as reported to the program.
 *
 * Without `onStatus`, warnings are logged on the console instead: a consumer does not stall or skip
 * messages silently.
 *
 * @module
 */

import type { DqueueError } from "../errors.ts";

/**
 * The state of a consumer.
 *
 * - `idle`: it is not subscribed yet
 * - `reading`: it reads its partitions
 * - `retrying`: a broker could not be reached or refused temporarily, and it retries
 */
export type ConsumerState = "idle" | "reading" | "retrying";

/** The status of a consumer. */
export interface ConsumerStatus {
  /** The state. */
  readonly state: ConsumerState;
  /** A description of what it is waiting for. */
  readonly waitingFor: string;
  /** The time of the last change, in milliseconds since 1970. */
  readonly since: number;
  /**
   * Why it retries. With `OFFSET_OUT_OF_RANGE`: where it continues in a partition whose position
   * was out of range.
   */
  readonly error: DqueueError | undefined;
}

/** The delay before a warning, since most outages are short. */
const PATIENCE_MS = 3000;

/** Logs warnings for a program without `onStatus`. */
export class ConsoleWarnings {
  readonly #name: string;
  #failingSince: number | undefined;
  #hasWarned = false;

  /** @param name The name of the consumer in warnings. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Warns once of each outage that lasts. */
  onStatus({ waitingFor, error }: Pick<ConsumerStatus, "waitingFor" | "error">): void {
    const now = performance.now();
    if (error === undefined) {
      this.#failingSince = undefined;
      this.#hasWarned = false;
      return;
    }
    this.#failingSince ??= now;
    if (this.#hasWarned || now - this.#failingSince < PATIENCE_MS) return;
    this.#hasWarned = true;
    console.warn(`Warning: ${this.#name} waits for ${waitingFor}: ${error.message}`);
  }

  /** Warns that reading continues at another offset. */
  onReset(error: DqueueError): void {
    console.warn(`Warning: ${this.#name}: ${error.message}`);
  }
}

/** Holds the status of a consumer, and reports changes. */
export class StatusReporter {
  readonly #onStatus: ((status: ConsumerStatus) => void) | undefined;
  readonly #warnings = new ConsoleWarnings("Consumer");
  #status: ConsumerStatus = newStatus("idle", "subscribe()");

  /** @param onStatus The program's callback. */
  constructor(onStatus: ((status: ConsumerStatus) => void) | undefined) {
    this.#onStatus = onStatus;
  }

  /** The current status. */
  get status(): ConsumerStatus {
    return this.#status;
  }

  /** Changes the status. */
  set(state: ConsumerState, waitingFor: string, error?: DqueueError): void {
    const now = this.#status;
    if (state === now.state && waitingFor === now.waitingFor && error === now.error) return;
    this.#status = newStatus(state, waitingFor, error);
    if (this.#onStatus === undefined) this.#warnings.onStatus(this.#status);
    else this.#onStatus(this.#status);
  }

  /** Reports that reading of a partition continues at another offset. */
  onReset(error: DqueueError): void {
    if (this.#onStatus === undefined) this.#warnings.onReset(error);
    else this.#onStatus({ ...this.#status, error });
  }
}

function newStatus(state: ConsumerState, waitingFor: string, error?: DqueueError): ConsumerStatus {
  return { state, waitingFor, since: Date.now(), error };
}
