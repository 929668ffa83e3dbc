/**
 * What all streams share: how many there may be, and how many read the past at once.
 *
 * @module
 */

import type { Client, Consumer } from "../../../client/mod.ts";
import type { StreamCounters } from "../http_counters.ts";

/** Most streams at once of one address, unless it is this machine's. */
const MAX_STREAMS_OF_ADDRESS = 64;
/** Streams that fetch records of the past at once; the others wait for their turn. */
const MAX_CATCHING_UP = 8;

/** The forms of streams. */
export type StreamKind = keyof StreamCounters["readers"];

/** Where streams get their places. */
export interface StreamPlaces {
  /** Takes one until the result is disposed of; undefined if there is none left. */
  take(): Disposable | undefined;
}

/** Bounds streams. */
export class StreamLimits {
  readonly consumer: Consumer;
  readonly counters: StreamCounters;
  readonly #places: StreamPlaces;
  readonly #maxOfAddress: number;
  /** Streams by the address of their reader, without those of this machine. */
  readonly #byAddress: Map<string, number> = new Map();
  #streams = 0;
  #turns = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    client: Client,
    counters: StreamCounters,
    places: StreamPlaces,
    maxOfAddress: number = MAX_STREAMS_OF_ADDRESS,
  ) {
    this.consumer = client.consumer();
    this.counters = counters;
    this.#places = places;
    this.#maxOfAddress = maxOfAddress;
  }

  /** Number of streams. */
  get streamCount(): number {
    return this.#streams;
  }

  /**
   * Counts a stream until the result is disposed of; undefined if there are too many.
   *
   * @param address The IP address of the reader.
   */
  enter(kind: StreamKind, address: string): Disposable | undefined {
    const ofAddress = this.#byAddress.get(address) ?? 0;
    const place = ofAddress < this.#maxOfAddress ? this.#places.take() : undefined;
    if (place === undefined) {
      this.counters.closed.limit++;
      return undefined;
    }
    const { readers } = this.counters;
    this.#streams++;
    readers[kind]++;
    const isRemote = !isLoopback(address);
    if (isRemote) this.#byAddress.set(address, ofAddress + 1);
    return once(() => {
      this.#streams--;
      place[Symbol.dispose]();
      readers[kind]--;
      if (isRemote) this.#leave(address);
    });
  }

  #leave(address: string): void {
    const count = this.#byAddress.get(address)! - 1;
    if (count === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, count);
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

/** Whether an IP address is this machine's: a proxy there may serve many readers. */
function isLoopback(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\./i.test(address);
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
