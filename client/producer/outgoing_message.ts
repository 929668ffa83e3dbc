/**
 * What may be given as a message to send, as far as its shape goes.
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
 * Checks that something is an object, as messages are.
 *
 * @param index Where it is in its list, if it is in one.
 * @throws {UsageError} If it is null, or no object.
 */
export function ensureMessage(message: unknown, index?: number): void {
  if (typeof message === "object" && message !== null) return;
  const what = index === undefined ? "message" : `message ${index} of the list`;
  throw new UsageError(
    `Cannot send ${what}: it is ${describeValue(message)}`,
    "Give an object with topic and value; for a tombstone the value is null",
  );
}

/**
 * Checks that a message has no property that is nearly one of those that are sent. Others it may have.
 *
 * @throws {UsageError} If it has.
 */
export function ensureNoTypo(message: object): void {
  const names = Object.keys(MESSAGE_NAMES);
  for (const name of Object.keys(message)) {
    if (Object.hasOwn(MESSAGE_NAMES, name)) continue;
    const hint = didYouMean(name, names.filter((known) => !Object.hasOwn(message, known)));
    if (hint === "") continue;
    throw new UsageError(`Cannot send message with "${name}": it is not sent${hint}`);
  }
}
