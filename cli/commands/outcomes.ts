/**
 * Outcomes of commands that change several things: a failure does not stop the others, and the
 * command reports the outcome of each.
 *
 * @module
 */

import type { Context } from "../terminal/context.ts";
import { ExitCode, messageOf } from "../errors.ts";
import { printFailure } from "../program/failure.ts";
import { type Json, writeJsonDocument } from "../records/json.ts";
import { type Column, printTable } from "../terminal/table.ts";

/** Outcome of one change. */
export interface Outcome {
  /** Name of the thing. */
  readonly name: string;
  /** What was done, such as `created`. */
  readonly status: string;
  /** Why it failed; undefined on success. */
  readonly error?: unknown;
  /** Further properties to print. */
  readonly details?: { readonly [name: string]: Json };
}

/** Layout of the table of outcomes. */
interface OutcomeTable {
  /** Heading of the names, in capitals. Default: `TOPIC`. */
  readonly heading?: string;
  /** Names of the details to print. Default: none. */
  readonly details?: readonly string[];
}

/** Runs an action for each thing concurrently. */
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
 * Prints each outcome: in text, errors as messages and the others as a table; in JSON all of them.
 * If one failed, the command exits with 1.
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

/** Reports a failure and lets the command continue; it then exits with 1. */
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
      heading: name.toUpperCase().replaceAll("_", " "),
      cell: (outcome) => outcome.details?.[name] as string | number | null | undefined,
    })),
  ];
}
