/**
 * Errors of commands and their exit codes: 0 if everything succeeded, 1 for a failure, 2 for wrong
 * usage.
 *
 * @module
 */

/** Exit codes of the program. */
export const ExitCode = {
  /** Everything succeeded. */
  success: 0,
  /** Something failed. */
  failure: 1,
  /** The command line, a variable or the config file is invalid. */
  usage: 2,
  /** Stopped by the user, as in a shell: 128 + SIGINT. */
  interrupted: 130,
  /** The reader of the output is gone: 128 + SIGPIPE. */
  brokenPipe: 141,
} as const;

/** Thrown if the command line, a variable or the config file is invalid: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** Thrown if a valid command fails: exit code 1. */
export class CommandError extends Error {
  override name = "CommandError";
}

/**
 * Thrown if the reader of the output is gone (`dqueue consume … | head -1`): nothing is reported.
 */
export class OutputClosedError extends Error {
  override name = "OutputClosedError";
}

/** Thrown if the user presses Ctrl-C where keys are read as they are typed: nothing is reported. */
export class InterruptedError extends Error {
  override name = "InterruptedError";
}

/**
 * Returns the exit code for an error.
 *
 * @param error The error that a command threw.
 * @param signal The signal that stops the command.
 */
export function exitCodeOf(error: unknown, signal: AbortSignal): number {
  if (error instanceof UsageError) return ExitCode.usage;
  if (error instanceof OutputClosedError) return ExitCode.brokenPipe;
  if (isInterruption(error, signal)) return ExitCode.interrupted;
  return ExitCode.failure;
}

/** Whether `error` only means that the user stopped the command through `signal`. */
export function isInterruption(error: unknown, signal: AbortSignal): boolean {
  if (error instanceof InterruptedError) return true;
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === "AbortError");
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
