/**
 * Takes messages from partitions in turn.
 *
 * @module
 */

import type { Fetcher } from "./fetcher.ts";
import type { Message } from "./message.ts";
import type { PartitionReader } from "./partition_reader.ts";

/** The number of messages an iterator takes from one partition before the next one's turn. */
const TURN = 64;

/** Partitions, and whose turn it is. */
export class ReaderRound {
  readonly #fetcher: Fetcher;
  #readers: readonly PartitionReader[] = [];
  /** The index in `#readers` of the current one. */
  #turn = 0;
  /** The number of messages it may still return in this turn. */
  #turnLeft = TURN;

  constructor(fetcher: Fetcher) {
    this.#fetcher = fetcher;
  }

  /** The partitions. */
  get readers(): readonly PartitionReader[] {
    return this.#readers;
  }

  set readers(readers: readonly PartitionReader[]) {
    this.#readers = readers;
    this.#turn = 0;
    this.#turnLeft = TURN;
  }

  /**
   * Returns up to `max` messages, from each partition its share.
   *
   * @throws {DqueueError} If there are none because a partition cannot be read.
   */
  take(max: number): Message[] {
    const messages: Message[] = [];
    const readers = this.#readers;
    for (;;) {
      let ready = 0;
      for (const reader of readers) if (reader.hasMessages) ready++;
      if (ready === 0) break;
      const share = Math.ceil((max - messages.length) / ready);
      for (let step = 0; step < readers.length && messages.length < max; step++) {
        const reader = readers[this.#turn]!;
        this.#turn = (this.#turn + 1) % readers.length;
        if (!reader.hasMessages) continue;
        reader.take(Math.min(share, max - messages.length), messages);
        this.#fetcher.wakeFor(reader);
      }
      if (messages.length >= max) break;
    }
    if (messages.length === 0) this.#throwFailure();
    return messages;
  }

  /**
   * Returns the next message; undefined if there is none. The turn passes to the next partition
   * after a few messages.
   *
   * @throws {DqueueError} If there is none because a partition cannot be read.
   */
  next(): Message | undefined {
    const readers = this.#readers;
    // The last step returns to the reader whose turn has just ended.
    for (let step = 0; step <= readers.length; step++) {
      const reader = readers[this.#turn];
      if (reader === undefined) break;
      const message = reader.hasMessages && this.#turnLeft > 0 ? reader.next() : undefined;
      if (message !== undefined) {
        this.#turnLeft--;
        this.#fetcher.wakeFor(reader);
        return message;
      }
      this.#turn = (this.#turn + 1) % readers.length;
      this.#turnLeft = TURN;
    }
    this.#throwFailure();
  }

  #throwFailure(): undefined {
    for (const reader of this.#readers) {
      const error = reader.takeError();
      if (error === undefined) continue;
      this.#fetcher.wake();
      throw error;
    }
  }
}
