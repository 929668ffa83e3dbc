/**
 * What all streams share: how many there may be, and how many read the past at once.
 *
 * @module
 */

import type { Client, Consumer } from "../../../client/mod.ts";

/** Most streams at once. */
const MAX_STREAMS = 2000;
/** Streams that fetch records of the past at once; the others wait for their turn. */
const MAX_CATCHING_UP = 8;

/** Bounds streams. */
export class StreamLimits {
  readonly consumer: Consumer;
  #streams = 0;
  #turns = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(client: Client) {
    this.consumer = client.consumer();
  }

  /** Number of streams. */
  get streamCount(): number {
    return this.#streams;
  }

  /** Counts a stream until the result is disposed of; undefined if there are too many. */
  enter(): Disposable | undefined {
    if (this.#streams >= MAX_STREAMS) return undefined;
    this.#streams++;
    return once(() => this.#streams--);
  }

  /**
   * Waits for a turn to fetch, which lasts until the result is disposed of.
   *
   * @throws The signal's reason.
   */
  async turn(signal: AbortSignal): Promise<Disposable> {
    while (this.#turns >= MAX_CATCHING_UP) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#turns++;
    return once(() => {
      this.#turns--;
      this.#waiting.shift()?.();
    });
  }
}

function once(action: () => void): Disposable {
  let isDone = false;
  return {
    [Symbol.dispose]() {
      if (isDone) return;
      isDone = true;
      action();
    },
  };
}
