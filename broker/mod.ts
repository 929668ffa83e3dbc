/**
 * The broker: serves Kafka's protocol from a data folder, or from memory inside your own process.
 *
 * How the files work together. `broker.ts` opens everything in order and closes it in reverse.
 * `server.ts` accepts connections; `connection.ts` turns frames into calls of `handlers/` (one file
 * per API) and answers in order; `handler.ts` says what a handler is given. `topics/` holds the
 * topics and partitions that are here, `cluster/` what the whole cluster agrees on, `groups/` the
 * coordinator of consumer groups. `settings.ts` is the table of all settings and `config.ts` where
 * their values come from. `maintenance.ts` does what is due from time to time. Time comes from
 * `clock.ts` everywhere.
 *
 * @module
 */

export { Broker, type BrokerOptions } from "./broker.ts";
export { type Clock, ManualClock, systemClock } from "./time/clock.ts";
export { BrokerConfig, ConfigError, parseBrokerConfig } from "./settings/config.ts";
export type { HostPort } from "./settings/listener.ts";
export {
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from "./logger.ts";
export type { BrokerSettings, SettingName } from "./settings/settings.ts";
export { DataFolderLockedError } from "../storage/errors.ts";
