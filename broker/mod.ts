/**
 * The broker: serves Kafka's protocol from a data folder, or from memory inside your own process.
 *
 * How the rooms work together. `broker.ts` opens everything in order and closes it in reverse.
 * `network/` accepts connections, turns frames into calls of `handlers/` (one file per API) and answers in
 * order; `handler.ts` says what a handler is given. `topics/` holds the topics and partitions that are
 * here, `cluster/` what the whole cluster agrees on, `groups/` the coordinator of consumer groups.
 * `settings/` is the table of all settings and where their values come from. `maintenance.ts` does what is
 * due from time to time. Time comes from the clock of `time/` everywhere.
 *
 * @module
 */

export { Broker, type BrokerOptions } from "./broker.ts";
export * from "./settings/mod.ts";
export * from "./time/mod.ts";
export {
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from "./logger.ts";
export { DataFolderLockedError } from "../storage/errors.ts";
