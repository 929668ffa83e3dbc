/**
 * A folder for a benchmark's files, gone when it is disposed of.
 *
 * @module
 */

import { join } from "@std/path";

/** Makes one; `await using` removes it with all it holds. */
export async function temporaryFolder(): Promise<
  AsyncDisposable & { join(...names: string[]): string }
> {
  const path = await Deno.makeTempDir({ prefix: "dqueue-bench-" });
  return {
    join: (...names) => join(path, ...names),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
