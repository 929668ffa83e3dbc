/**
 * Log lines: time, level, message, and fields, one line each.
 *
 *     2026-11-20T08:15:30.123Z INFO  Created topic topic=orders partitions=3
 *
 * @module
 */

import type { Clock } from "./time/clock.ts";
import { systemClock } from "./time/clock.ts";

/** Log levels, most severe first. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;

/** The level of a log line. */
export type LogLevel = typeof LOG_LEVELS[number];

/**
 * Fields of a log line. An `Error` is written with its causes, and with its stack at level `error`.
 */
export type LogFields = Readonly<Record<string, unknown>>;

/** Receives log lines. */
export interface Logger {
  /**
   * The least severe level that is written. It can be changed. `undefined` for a logger without
   * levels.
   */
  level?: LogLevel;
  /** A failure that needs attention. */
  error(message: string, fields?: LogFields): void;
  /** A problem that the broker could handle. */
  warn(message: string, fields?: LogFields): void;
  /** A change that operators want to know about. */
  info(message: string, fields?: LogFields): void;
  /** Details for troubleshooting. */
  debug(message: string, fields?: LogFields): void;
}

/** Options of {@linkcode createLogger}. */
export interface LoggerOptions {
  /** The least severe level to write. Default: `info`. */
  readonly level?: LogLevel;
  /** Receives each line, without its line end. Default: writes to stderr. */
  readonly sink?: (line: string) => void;
  /** Time of log lines. Default: the system clock. */
  readonly clock?: Clock;
}

/** Creates a logger that writes one line per event. */
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

/** A logger that discards everything, the default of an embedded broker. */
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
    // Stderr is closed; the broker keeps serving.
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

/** Quotes text from the network so that it cannot forge log lines. */
function quote(text: string): string {
  return /^[\w.:/@+,-]+$/.test(text) ? text : JSON.stringify(text);
}

function escapeControl(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f]/g, (char) => JSON.stringify(char).slice(1, -1));
}
