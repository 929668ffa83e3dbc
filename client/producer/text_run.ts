/**
 * Texts of a list of messages as bytes. A call of the encoder costs more than what it does for a text of
 * usual size, so it is given several that follow each other at a time.
 *
 * @module
 */

import type { TopicMessage } from "./producer_options.ts";

/** What is shorter is written by a loop, which costs less. */
const MIN_SIZE = 49;

/** What is encoded at a time, at most. */
const MAX_COUNT = 32;
const MAX_SIZE = 8 * 1024;

const TEXT_ENCODER = new TextEncoder();
const scratch = new Uint8Array(MAX_SIZE);

/** Texts that follow each other in a list. */
export class TextRun {
  readonly #messages: readonly TopicMessage[];
  #start = 0;
  /** Where in `scratch` each text ends, from that at `#start` on; none if they are not to be had there. */
  #ends: number[] = [];
  /** The place of the first that was not looked at. */
  #end = 0;

  /** The list must not change as long as this is used. */
  constructor(messages: readonly TopicMessage[]) {
    this.#messages = messages;
  }

  /**
   * The text at a place of the list, as bytes if that is of use. They are gone once another is asked for.
   * Places have to be asked for in their order.
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
    // Where a unit takes more than one byte, lengths do not tell where texts end.
    this.#ends = read === joined.length && written === read ? ends : [];
  }
}
