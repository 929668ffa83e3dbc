/**
 * `--watch`: repeats a query until Ctrl-C and shows each result.
 *
 * @module
 */

import { delay } from "../../client/connection/waiting.ts";
import type { Context } from "../terminal/context.ts";
import { isInterruption, messageOf, UsageError } from "../errors.ts";
import type { Flags } from "../program/flag.ts";
import { type Json, writeJsonLine } from "../records/json.ts";
import { Screen } from "../terminal/screen.ts";
import { formatDuration } from "../../client/text/duration.ts";

/** Flags of commands with `--watch`. */
export const watchFlags = {
  watch: {
    alias: "w",
    type: "boolean",
    env: false,
    doc: "Repeat until Ctrl-C: redraw the table, or print a line of JSON each time",
  },
  interval: { type: "duration", min: 10, default: "1s", env: false, doc: "Time between updates" },
} as const satisfies Flags;

/** What to query, and how to show it. */
export interface Watched<T> {
  readonly output: "table" | "json";
  /** Pause between queries, in milliseconds. */
  readonly intervalMs: number;
  look(): Promise<T>;
  /** Text for people. */
  text(seen: T): string;
  json(seen: T): Json;
}

/**
 * Repeats the query until the signal aborts. The first query must succeed; later ones may fail
 * while a broker is unavailable.
 *
 * @throws {UsageError} If a table cannot be redrawn.
 */
export async function watch<T>(context: Context, watched: Watched<T>): Promise<void> {
  const { signal, stdout } = context;
  const isJson = watched.output === "json";
  if (!isJson && !stdout.isTerminal) {
    throw new UsageError(
      "Cannot redraw a table without a terminal; omit --watch, or use --output json",
    );
  }
  await using screen = new Screen(stdout);
  const heading = (problem?: string) => {
    const { dim, red } = stdout.style;
    const time = new Date(context.now()).toISOString().slice(11, 19);
    const rhythm = `every ${formatDuration(watched.intervalMs)}, press Ctrl-C to stop`;
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
      await delay(watched.intervalMs, signal);
    }
  } catch (error) {
    // An interruption is the only way to end it.
    if (!isInterruption(error, signal)) throw error;
  }
}

/** Whether the SDK considers an error temporary. */
function isPassing(error: unknown): boolean {
  return error instanceof Error && "retriable" in error && error.retriable === true;
}
