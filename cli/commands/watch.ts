/**
 * `--watch`: looks again and again until Ctrl-C, and shows each time what it saw.
 *
 * @module
 */

import { delay } from "../../client/connection/waiting.ts";
import type { Context } from "../terminal/context.ts";
import { isInterruption, messageOf, UsageError } from "../errors.ts";
import type { Flags } from "../program/flag.ts";
import { type Json, writeJsonLine } from "../records/json.ts";
import { Screen } from "../terminal/screen.ts";
import { formatDuration } from "../values/duration.ts";

/** Flags of commands that can watch what they describe. */
export const watchFlags = {
  watch: {
    alias: "w",
    type: "boolean",
    env: false,
    doc: "Look again and again until Ctrl-C: a table is drawn over, JSON is a line each time",
  },
  interval: { type: "duration", min: 10, default: "1s", env: false, doc: "Wait so long between" },
} as const satisfies Flags;

/** What to look at, and how to show it. */
export interface Watched<T> {
  readonly output: "table" | "json";
  /** The wait between looks, in milliseconds. */
  readonly interval: number;
  look(): Promise<T>;
  /** Lines for people. */
  text(seen: T): string;
  json(seen: T): Json;
}

/**
 * Watches until the signal aborts. The first look has to succeed; a broker that is away for a while
 * later does not end it.
 *
 * @throws {UsageError} if a table cannot be drawn over
 */
export async function watch<T>(context: Context, watched: Watched<T>): Promise<void> {
  const { signal, stdout } = context;
  const isJson = watched.output === "json";
  if (!isJson && !stdout.isTerminal) {
    throw new UsageError(
      "Cannot draw a table again and again without a terminal; leave out --watch, or give --output json",
    );
  }
  await using screen = new Screen(stdout);
  const heading = (problem?: string) => {
    const { dim, red } = stdout.style;
    const time = new Date(context.now()).toISOString().slice(11, 19);
    const rhythm = `every ${formatDuration(watched.interval)}, Ctrl-C ends it`;
    return problem === undefined ? dim(`${time} UTC, ${rhythm}`) : red(`${time} UTC, ${problem}`);
  };
  let seen: T | undefined;
  try {
    for (;;) {
      let problem: string | undefined;
      try {
        seen = await watched.look();
      } catch (error) {
        if (seen === undefined || !isPassing(error)) throw error;
        problem = messageOf(error);
      }
      if (!isJson) await screen.draw(watched.text(seen), heading(problem));
      else if (problem === undefined) writeJsonLine(stdout, watched.json(seen));
      else context.stderr.line(`${context.stderr.style.yellow("Warning:")} ${problem}`);
      await Promise.all([stdout.flush(), context.stderr.flush()]);
      await delay(watched.interval, signal);
    }
  } catch (error) {
    // There is no other way to end it.
    if (!isInterruption(error, signal)) throw error;
  }
}

/** Whether the SDK says that it may be better later. */
function isPassing(error: unknown): boolean {
  return error instanceof Error && "retriable" in error && error.retriable === true;
}
