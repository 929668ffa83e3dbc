/**
 * kafkajs without its log.
 *
 * @module
 */

// deno-lint-ignore no-import-prefix
import { Kafka, logLevel } from "npm:kafkajs@2.2.4";

export * from "npm:kafkajs@2.2.4";

/** Makes a client of the broker at `host:port`. */
export function kafkaJs(address: string): Kafka {
  return new Kafka({
    clientId: "kafkajs",
    brokers: [address],
    logLevel: logLevel.NOTHING,
    retry: { retries: 3 },
  });
}
