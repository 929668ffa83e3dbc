/**
 * Values as JSON, for messages to send; `message.json()` reads them.
 *
 * @module
 */

import { describeError, SerializationError } from "./errors.ts";
import { describeValue } from "./describe_value.ts";

/**
 * Encodes a value as JSON, for the key, the value or a header of a message.
 *
 * `json(null)` is the JSON text `null`; a message whose value is the null itself is a tombstone.
 *
 * @param value The value.
 * @returns The JSON text.
 * @throws {SerializationError} If the value has no JSON form: undefined, a function, a bigint, or an
 * object that contains itself.
 *
 * @example Sending objects
 * ```ts
 * import { Broker } from "@dqueue/dqueue/broker";
 * import { Client, json } from "@dqueue/dqueue/client";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = await Broker.start({ storage: "memory" });
 * await using client = new Client({ broker });
 * await client.admin().createTopic({ name: "orders" });
 * await client.producer().send({ topic: "orders", key: "7", value: json({ total: 12.5 }) });
 *
 * const consumer = client.consumer();
 * await consumer.subscribe("orders");
 * const [message] = await consumer.poll(1);
 * assertEquals(message?.json(), { total: 12.5 });
 * ```
 */
export function json(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new SerializationError(
      `Cannot encode ${describeValue(value)} as JSON: ${describeError(error)}`,
      { cause: error },
    );
  }
  if (text === undefined) {
    throw new SerializationError(
      `Cannot encode ${describeValue(value)} as JSON: it has no JSON form`,
    );
  }
  return text;
}
