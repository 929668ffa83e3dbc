/**
 * How a command fails, and the exit code each way leads to: 0 only if all of it worked, 1 if
 * something failed, 2 for wrong usage.
 *
 * @module
 */

/** Exit codes of the program. */
export const ExitCode = {
  /** All of it worked. */
  success: 0,
  /** Something failed. */
  failure: 1,
  /** The command line, a variable or the config file is wrong. */
  usage: 2,
  /** Stopped by the user, as every shell tool: 128 + SIGINT. */
  interrupted: 130,
  /** Whoever reads our output went away: 128 + SIGPIPE. */
  brokenPipe: 141,
} as const;

/** The command line, a variable or the config file is wrong: exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}

/** The command was understood and did not work: exit code 1. */
export class CommandError extends Error {
  override name = "CommandError";
}

/** The reader of our output is gone (`dqueue consume … | head -1`): nothing is left to say. */
export class OutputClosedError extends Error {
  override name = "OutputClosedError";
}

/**
 * The exit code an error leads to.
 *
 * @param error what a command threw
 * @param signal the signal that tells the command to stop
 */
export function exitCodeOf(error: unknown, signal: AbortSignal): number {
  if (error instanceof UsageError) return ExitCode.usage;
  if (error instanceof OutputClosedError) return ExitCode.brokenPipe;
  if (isInterruption(error, signal)) return ExitCode.interrupted;
  return ExitCode.failure;
}

/** Whether `error` only says that the user stopped the command through `signal`. */
export function isInterruption(error: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return error === signal.reason || (error instanceof Error && error.name === "AbortError");
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
