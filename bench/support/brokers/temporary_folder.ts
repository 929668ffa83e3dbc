/**
 * A folder for a benchmark's files, gone when it is disposed of.
 *
 * @module
 */

import { statfs } from "node:fs/promises";
import { join } from "@std/path";

/** A file system in memory, where Linux has one. */
const MEMORY = "/dev/shm";

/** A folder of a benchmark. */
export interface TemporaryFolder extends AsyncDisposable {
  /** Whether it is in memory, with no disk to wait for. */
  readonly isInMemory: boolean;
  /** The path of something in it. */
  join(...names: string[]): string;
}

/**
 * Makes one; `await using` removes it with all it holds.
 *
 * @param memoryBytes Makes it in memory if so much is free there. Default: on the disk.
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

/** Bytes free in memory, 0 where no file system is there. */
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
