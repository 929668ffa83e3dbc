/**
 * Encodes the texts of a list of messages. A call of the encoder costs more than encoding a text of
 * usual size, so several consecutive texts are encoded per call.
 *
 * @module
 */

import type { TopicMessage } from "./producer_options.ts";

/** Shorter texts are encoded by a loop, which is cheaper. */
const MIN_SIZE = 49;

/** The maximum encoded per call. */
const MAX_COUNT = 32;
const MAX_SIZE = 8 * 1024;

const TEXT_ENCODER = new TextEncoder();
const scratch = new Uint8Array(MAX_SIZE);

/** Consecutive texts of a list. */
export class TextRun {
  readonly #messages: readonly TopicMessage[];
  #start = 0;
  /** The end in `scratch` of each text from `#start` on; empty if they are not available. */
  #ends: number[] = [];
  /** The index of the first text not examined yet. */
  #end = 0;

  /** The list must not change while this is in use. */
  constructor(messages: readonly TopicMessage[]) {
    this.#messages = messages;
  }

  /**
   * The bytes of the text at an index, if available. They are valid until the next call. Indexes
   * must be ascending.
   */
  at(place: number, text: string): Uint8Array | string {
    if (text.length < MIN_SIZE || text.length > MAX_SIZE) return text;
    if (place >= this.#end) this.#encode(place);
    const index = place - this.#start;
    const end = this.#ends[index];
    return end === undefined ? text : scratch.subarray(end - text.length, end);
  }

  #encode(start: number): void {
    const messages = this.#messages;
    const ends: number[] = [];
    let joined = "";
    let place = start;
    for (; place < messages.length && ends.length < MAX_COUNT; place++) {
      const { value } = messages[place]!;
      if (typeof value !== "string" || joined.length + value.length > MAX_SIZE) break;
      joined += value;
      ends.push(joined.length);
    }
    this.#start = start;
    this.#end = place;
    const { read, written } = TEXT_ENCODER.encodeInto(joined, scratch);
    // If a code unit takes more than one byte, text lengths do not give the boundaries.
    this.#ends = read === joined.length && written === read ? ends : [];
  }
}
