/**
 * Commands that change several things: one that fails does not keep the others from success, and the
 * command tells what became of each.
 *
 * @module
 */

import type { Context } from "../terminal/context.ts";
import { ExitCode, messageOf } from "../errors.ts";
import { printFailure } from "../program/failure.ts";
import { type Json, writeJsonDocument } from "../records/json.ts";
import { type Column, printTable } from "../terminal/table.ts";

/** What became of one thing. */
export interface Outcome {
  /** What it is called. */
  readonly name: string;
  /** What was done, such as `created`. */
  readonly status: string;
  /** Why it failed; undefined if it did not. */
  readonly error?: unknown;
  /** What else there is to tell of it. */
  readonly details?: { readonly [name: string]: Json };
}

/** What the table of outcomes looks like. */
export interface OutcomeTable {
  /** What the things are, in capitals. Default: `TOPIC`. */
  readonly heading?: string;
  /** Names of details to show. Default: none. */
  readonly details?: readonly string[];
}

/** Does something to each, all at once. */
export function outcomesOf(
  context: Context,
  names: readonly string[],
  status: string,
  change: (name: string) => Promise<void>,
): Promise<Outcome[]> {
  return Promise.all(
    [...new Set(names)].map(async (name) => {
      try {
        await change(name);
        return { name, status };
      } catch (error) {
        context.signal.throwIfAborted();
        return { name, status: "failed", error };
      }
    }),
  );
}

/**
 * Prints what became of each: errors as such, the others as a table; as JSON all of them. If one has
 * failed, the command exits with 1.
 */
export function printOutcomes(
  context: Context,
  output: "table" | "json",
  outcomes: readonly Outcome[],
  table: OutcomeTable = {},
): void {
  for (const { error } of outcomes) if (error !== undefined) reportFailure(context, error);
  if (output === "json") return writeJsonDocument(context.stdout, outcomes.map(outcomeToJson));
  const done = outcomes.filter(({ error }) => error === undefined);
  if (done.length > 0) printTable(context, tableColumns(table), done, "");
}

/** Tells of a failure and lets the command go on; it exits with 1 in the end. */
export function reportFailure(context: Context, error: unknown): void {
  printFailure(context.stderr, error);
  context.exitCode = ExitCode.failure;
}

/** An error in JSON output; null if there is none. */
export function errorToJson(error: unknown): Json {
  if (error === undefined) return null;
  const code = error instanceof Error && "code" in error ? String(error.code) : null;
  return { code, message: messageOf(error) };
}

function outcomeToJson({ name, status, error, details }: Outcome): Json {
  return { name, status, ...details, error: errorToJson(error) };
}

function tableColumns({ heading = "TOPIC", details = [] }: OutcomeTable): Column<Outcome>[] {
  return [
    { heading, cell: ({ name }) => name },
    { heading: "STATUS", cell: ({ status }) => status, paint: ({ green }) => green },
    ...details.map((name): Column<Outcome> => ({
      heading: name.toUpperCase(),
      cell: (outcome) => outcome.details?.[name] as string | number | null | undefined,
    })),
  ];
}
