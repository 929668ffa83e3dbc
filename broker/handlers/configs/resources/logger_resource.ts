/**
 * The loggers of a broker: a single one, `root`, whose level can be changed until the broker stops
 * (KIP-412). A broker with a silent logger has none.
 *
 * @module
 */

import { ErrorCode } from "../../../../protocol/errors.ts";
import {
  ConfigSource,
  ConfigType,
} from "../../../../protocol/messages/configs/describe_configs.ts";
import { ApiError } from "../../../api_error.ts";
import type { BrokerContext, RequestContext } from "../../../handler.ts";
import { LOG_LEVELS, type LogLevel } from "../../../logger.ts";
import { brief } from "../../../settings/unknown_setting.ts";
import type { ConfigEntry } from "./config_entries.ts";

const ROOT = "root";
const LEVELS = LOG_LEVELS.map((level) => level.toUpperCase()).sort();

/** Describes the loggers of a broker and their levels. */
export function describeLoggers(
  name: string,
  isRequested: (logger: string) => boolean,
  { broker }: RequestContext,
): ConfigEntry[] {
  ensureThisBroker(name, broker);
  const { level } = broker.logger;
  if (level === undefined || !isRequested(ROOT)) return [];
  return [{
    name: ROOT,
    value: level.toUpperCase(),
    readOnly: false,
    configSource: ConfigSource.dynamicBrokerLogger,
    isSensitive: false,
    synonyms: [],
    configType: ConfigType.unknown,
    documentation: `Least severe level that is logged: ${LEVELS.join(", ")}`,
  }];
}

/** A change of a logger. */
export interface LoggerChange {
  readonly name: string;
  /** One of IncrementalAlterConfigs' operations. */
  readonly configOperation: number;
  readonly value: string | null;
}

const SET = 0;
const DELETE = 1;

/**
 * Changes log levels.
 *
 * @throws {ApiError} If the broker id is another one, or the logger or level does not exist.
 */
export function alterLoggers(
  name: string,
  changes: readonly LoggerChange[],
  validateOnly: boolean,
  { broker }: RequestContext,
): void {
  ensureThisBroker(name, broker);
  const { logger } = broker;
  const levels = changes.map((change) => levelOf(change, logger.level !== undefined));
  const level = levels.at(-1);
  if (validateOnly || level === undefined) return;
  logger.level = level;
  logger.info("Changed log level", { level });
}

function levelOf({ name, configOperation, value }: LoggerChange, hasRoot: boolean): LogLevel {
  if (configOperation !== SET && configOperation !== DELETE) {
    const operation = configOperation === 2 ? "APPEND" : "SUBTRACT";
    throw new ApiError(
      ErrorCode.INVALID_REQUEST,
      `${operation} operation is not allowed for the BROKER_LOGGER resource`,
    );
  }
  if (name !== ROOT || !hasRoot) {
    throw new ApiError(ErrorCode.INVALID_CONFIG, `Logger ${brief(name)} does not exist!`);
  }
  if (configOperation === DELETE) {
    throw new ApiError(
      ErrorCode.INVALID_REQUEST,
      "Removing the log level of the root logger is not allowed",
    );
  }
  const level = LOG_LEVELS.find((each) => each.toUpperCase() === value);
  if (level !== undefined) return level;
  throw new ApiError(
    ErrorCode.INVALID_CONFIG,
    `Cannot set the log level of ${name} to ${
      brief(value ?? "null")
    } as it is not a supported log level. Valid log ` +
      `the levels are ${LEVELS.join(", ")}`,
  );
}

function ensureThisBroker(name: string, { nodeId }: BrokerContext): void {
  if (name === String(nodeId)) return;
  throw new ApiError(
    ErrorCode.INVALID_REQUEST,
    /^\d+$/.test(name)
      ? `Unexpected broker id, expected ${nodeId} but received ${brief(name)}`
      : `Broker id must be an integer, but it is: ${brief(name)}`,
  );
}
