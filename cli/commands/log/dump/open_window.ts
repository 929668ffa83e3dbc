/**
 * Opens files for reading in pieces.
 *
 * @module
 */

import { DenoFileSystem } from "../../../../storage/file_system/deno_file_system.ts";
import { FileWindow } from "../../../../storage/file_system/file_window.ts";

/** Calls `use` with an open file. */
export async function withWindow(
  path: string,
  use: (file: FileWindow) => Promise<void>,
): Promise<void> {
  const fs = new DenoFileSystem();
  const file = fs.openSync(path, "read");
  try {
    await use(new FileWindow(file, fs.statSync(path)!.size));
  } finally {
    file.close();
  }
}
