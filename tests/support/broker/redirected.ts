/**
 * The program with its outputs redirected by a shell.
 *
 * @module
 */

import { attempt, dqueue, fromSource, type RunOptions, type RunResult } from "./dqueue.ts";

/** Runs a command to its end in a shell, followed by `redirection`. */
export async function attemptInShell(
  args: readonly string[],
  redirection: string,
  { program, ...options }: RunOptions = {},
): Promise<RunResult> {
  const { path, args: first } = program ?? await fromSource();
  const shell = { path: "/bin/sh", args: ["-c", `"$@" ${redirection}`, "sh", path, ...first] };
  return await attempt(args, { ...options, program: shell });
}

/** Returns the sum of a group's committed offsets. */
export async function committedOffset(group: string, options: RunOptions): Promise<number> {
  const described = JSON.parse(
    await dqueue(["group", "describe", group, "--output", "json"], options),
  );
  const [{ partitions }] = described;
  return partitions.reduce(
    (sum: number, { committed_offset }: { committed_offset: number | null }) => {
      return sum + (committed_offset ?? 0);
    },
    0,
  );
}
