/**
 * A file system that writes only the first block of large appends: the rest becomes a hole, which reads as
 * zeros. A log of batches whose records are zeros is then sound, and takes hardly any disk.
 *
 * @module
 */

import { DenoFileSystem } from "../../../storage/file_system/deno_file_system.ts";
import type { File, FileMode, OpenOptions } from "../../../storage/file_system/file_system.ts";

const WRITTEN_BYTES = 4096;

/** Files with holes. */
export class SparseFileSystem extends DenoFileSystem {
  override openSync(path: string, mode: FileMode, options: OpenOptions = {}): File {
    const file = super.openSync(path, mode, options);
    if (mode !== "append") return file;
    return {
      appendSync: (bytes) => {
        if (bytes.length <= WRITTEN_BYTES) return file.appendSync(bytes);
        const { size } = Deno.statSync(path);
        const count = file.appendSync(bytes.subarray(0, WRITTEN_BYTES));
        if (count === WRITTEN_BYTES) Deno.truncateSync(path, size + bytes.length);
        return count === WRITTEN_BYTES ? bytes.length : count;
      },
      readSync: (into, position) => file.readSync(into, position),
      read: (into, position) => file.read(into, position),
      writeSync: (bytes, position) => file.writeSync(bytes, position),
      truncateSync: (size) => file.truncateSync(size),
      syncData: () => file.syncData(),
      close: () => file.close(),
    };
  }
}
