/**
 * Checks of the shape of messages to send.
 *
 * @module
 */

import { describeValue } from "../describe_value.ts";
import type { Names } from "../ensure_known.ts";
import { didYouMean } from "../../protocol/suggest.ts";
import { UsageError } from "../errors.ts";
import type { OutgoingMessage } from "./producer_options.ts";

const MESSAGE_NAMES: Names<OutgoingMessage> = {
  topic: true,
  value: true,
  key: true,
  partition: true,
  headers: true,
  timestamp: true,
};

/**
 * Checks that a message is an object.
 *
 * @param index Its index, if it is in a list.
 * @throws {UsageError} If it is not an object.
 */
export function ensureMessage(message: unknown, index?: number): void {
  if (typeof message === "object" && message !== null) return;
  const what = index === undefined ? "message" : `message ${index} of the list`;
  throw new UsageError(
    `Cannot send ${what}: it is ${describeValue(message)}`,
    "Pass an object with topic and value; a tombstone has the value null",
  );
}

/**
 * Checks that no property is a misspelling of a known one. Unrelated properties are ignored.
 *
 * @throws {UsageError} If a property looks like a misspelling.
 */
export function ensureNoTypo(message: object): void {
  const names = Object.keys(MESSAGE_NAMES);
  for (const name of Object.keys(message)) {
    if (Object.hasOwn(MESSAGE_NAMES, name)) continue;
    const hint = didYouMean(name, names.filter((known) => !Object.hasOwn(message, known)));
    if (hint === "") continue;
    throw new UsageError(`Cannot send message with "${name}": there is no such property${hint}`);
  }
}
