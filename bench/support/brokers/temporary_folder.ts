/**
 * A temporary folder for a benchmark.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { join } from "@std/path";

/** Linux's file system in memory. */
const MEMORY = "/dev/shm";

/** A temporary folder. */
export interface TemporaryFolder extends AsyncDisposable {
  /** Whether it is in memory. */
  readonly isInMemory: boolean;
  /** Returns the path of a file in it. */
  join(...names: string[]): string;
}

/**
 * Creates a folder; `await using` removes it with its contents.
 *
 * @param memoryBytes Creates it in memory if this many bytes are free there. Default: on disk.
 */
export async function temporaryFolder(memoryBytes = Infinity): Promise<TemporaryFolder> {
  const isInMemory = memoryBytes <= await freeMemory();
  const path = await Deno.makeTempDir({
    prefix: "dqueue-bench-",
    ...(isInMemory ? { dir: MEMORY } : {}),
  });
  return {
    isInMemory,
    join: (...names) => join(path, ...names),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

/** Returns the bytes free in memory; 0 if there is no such file system. */
async function freeMemory(): Promise<number> {
  if (Deno.build.os !== "linux") return 0;
  try {
    const { bavail, bsize } = await statfs(MEMORY);
    return bavail * bsize;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return 0;
    throw error;
  }
}
