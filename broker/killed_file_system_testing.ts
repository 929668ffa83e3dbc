/**
 * A file system for tests of what a crash leaves.
 *
 * @module
 */

import { WatchedFileSystem } from "../storage/file_system/watched_file_system_testing.ts";
import type { MemoryFileSystem } from "../storage/mod.ts";

/** Records the state that a kill or power failure would leave before each change on disk. */
export class KilledFileSystem extends WatchedFileSystem {
  readonly left: MemoryFileSystem[] = [];
  readonly #disk: MemoryFileSystem;

  constructor(disk: MemoryFileSystem) {
    super(disk);
    this.#disk = disk;
    const keep = () => this.keep();
    this.onAppend = keep;
    this.onCreate = keep;
    this.onRename = keep;
    this.onRemove = keep;
    this.onSync = keep;
  }

  keep(): void {
    for (const unsynced of ["kept", "lost"] as const) {
      this.left.push(this.#disk.clone({ unsynced }));
    }
  }

  override mkdirSync(path: string): void {
    this.keep();
    super.mkdirSync(path);
    this.keep();
  }
}
