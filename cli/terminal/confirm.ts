/**
 * Asking before something is destroyed.
 *
 * @module
 */

import type { Context } from "./context.ts";
import { CommandError, UsageError } from "../errors.ts";

/**
 * Returns if the user agrees: by `--yes`, or by answering on the terminal.
 *
 * @param question such as `Delete topic "orders" and its 3 partitions?`
 * @param isAgreed whether `--yes` was given
 * @throws {UsageError} if there is nobody to ask
 * @throws {CommandError} if the answer is not yes
 */
export async function ensureConfirmed(
  context: Context,
  question: string,
  isAgreed: boolean,
): Promise<void> {
  if (isAgreed) return;
  if (!context.stdinIsTerminal) {
    throw new UsageError(`Cannot ask without a terminal: "${question}" Give --yes to agree`);
  }
  context.stderr.write(`${question} [y/N] `);
  await context.stderr.flush();
  const answer = (await readLine(context)).trim().toLowerCase();
  if (answer !== "y" && answer !== "yes") throw new CommandError("Not agreed, nothing was changed");
}

/** A terminal gives a line at a time; what comes after the line is not for us. */
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
