/**
 * Asks for confirmation before a destructive change.
 *
 * @module
 */

import type { Context } from "./context.ts";
import { CommandError, UsageError } from "../errors.ts";

/**
 * Returns if the user agrees: with `--yes`, or by answering on the terminal.
 *
 * @param question Such as `Delete topic "orders" and its 3 partitions?`.
 * @param isAgreed Whether `--yes` was given.
 * @throws {UsageError} If there is no terminal to ask on.
 * @throws {CommandError} If the answer is not yes.
 */
export async function ensureConfirmed(
  context: Context,
  question: string,
  isAgreed: boolean,
): Promise<void> {
  if (isAgreed) return;
  if (!context.stdinIsTerminal) {
    throw new UsageError(`Cannot ask without a terminal: "${question}" Use --yes to confirm`);
  }
  context.stderr.write(`${question} [y/N] `);
  await context.stderr.flush();
  const answer = (await readLine(context)).trim().toLowerCase();
  if (answer !== "y" && answer !== "yes") {
    throw new CommandError("Not confirmed, nothing was changed");
  }
}

/** Reads one line from the terminal; anything after it is discarded. */
async function readLine(context: Context): Promise<string> {
  context.signal.throwIfAborted();
  const reader = context.stdin.getReader();
  const stop = () => void reader.cancel(context.signal.reason).catch(() => {});
  context.signal.addEventListener("abort", stop, { once: true });
  const decoder = new TextDecoder();
  let line = "";
  try {
    while (!line.includes("\n")) {
      const { value, done } = await reader.read();
      context.signal.throwIfAborted();
      if (done) break;
      line += decoder.decode(value, { stream: true });
    }
    return line.split("\n")[0]!;
  } finally {
    context.signal.removeEventListener("abort", stop);
    reader.releaseLock();
  }
}
