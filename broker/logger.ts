/**
 * Log lines: when, how bad, what happened, and the values that matter, one line each.
 *
 *     2026-11-20T08:15:30.123Z INFO  Created topic topic=orders partitions=3
 *
 * @module
 */

import type { Clock } from "./time/clock.ts";
import { systemClock } from "./time/clock.ts";

/** How bad it is, worst first. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;

/** One of the levels a line can have. */
export type LogLevel = typeof LOG_LEVELS[number];

/** Values that belong to a line. An `Error` is written with its causes, and its stack at "error". */
export type LogFields = Readonly<Record<string, unknown>>;

/** Takes log lines. */
export interface Logger {
  /** The least bad lines that are written, which can be changed; none for a logger without levels. */
  level?: LogLevel;
  /** Something failed that must not; somebody has to act. */
  error(message: string, fields?: LogFields): void;
  /** Something is wrong that the broker could deal with. */
  warn(message: string, fields?: LogFields): void;
  /** Something changed that an operator wants to know. */
  info(message: string, fields?: LogFields): void;
  /** Details for whoever looks for a fault. */
  debug(message: string, fields?: LogFields): void;
}

/** How a logger made by {@linkcode createLogger} works. */
export interface LoggerOptions {
  /** The least bad lines to write. Default: info. */
  readonly level?: LogLevel;
  /** Where lines go, each without its line end. Default: stderr. */
  readonly sink?: (line: string) => void;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
}

/** A logger that writes lines. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { sink = writeToStderr, clock = systemClock } = options;
  const write = (lineLevel: LogLevel) => {
    const label = lineLevel.toUpperCase().padEnd(5);
    const rank = LOG_LEVELS.indexOf(lineLevel);
    return (message: string, fields: LogFields = {}) => {
      if (rank > LOG_LEVELS.indexOf(logger.level!)) return;
      const time = new Date(clock.now()).toISOString();
      sink(`${time} ${label} ${escapeControl(message)}${formatFields(fields, lineLevel)}`);
    };
  };
  const logger: Logger = {
    level: options.level ?? "info",
    error: write("error"),
    warn: write("warn"),
    info: write("info"),
    debug: write("debug"),
  };
  return logger;
}

/** A logger that drops everything: what an embedded broker has unless it is given another. */
export const silentLogger: Logger = {
  error: () => {},
  warn: () => {},
  info: () => {},
  debug: () => {},
};

const ENCODER = new TextEncoder();

function writeToStderr(line: string): void {
  const bytes = ENCODER.encode(`${line}\n`);
  try {
    for (let written = 0; written < bytes.length;) {
      written += Deno.stderr.writeSync(bytes.subarray(written));
    }
  } catch {
    // Nobody reads stderr any more. That is no reason to stop serving.
  }
}

function formatFields(fields: LogFields, level: LogLevel): string {
  let text = "";
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) text += ` ${name}=${formatValue(value, level)}`;
  }
  return text;
}

function formatValue(value: unknown, level: LogLevel): string {
  if (value instanceof Error) return quote(describeError(value, level));
  if (typeof value === "string") return quote(value);
  if (typeof value === "object" && value !== null) return quote(JSON.stringify(value));
  return String(value);
}

function describeError(error: Error, level: LogLevel): string {
  let text = level === "error" && error.stack !== undefined
    ? error.stack
    : `${error.name}: ${error.message}`;
  let cause = error.cause;
  for (let depth = 0; cause instanceof Error && depth < 5; depth++) {
    text += `; caused by ${cause.name}: ${cause.message}`;
    cause = cause.cause;
  }
  return text;
}

/** Text that came over the network must not be able to forge lines. */
function quote(text: string): string {
  return /^[\w.:/@+,-]+$/.test(text) ? text : JSON.stringify(text);
}

function escapeControl(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f]/g, (char) => JSON.stringify(char).slice(1, -1));
}
