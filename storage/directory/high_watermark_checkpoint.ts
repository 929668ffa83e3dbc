/**
 * The high watermarks of the replicas in a data folder: `replication-offset-checkpoint`, in Kafka's
 * format.
 *
 *     0                    version of the format
 *     1                    number of entries
 *     orders 3 4711        topic, partition and high watermark
 *
 * What is below a high watermark was on the disk of every in-sync replica, this one included: a high
 * watermark is recorded as far as it was flushed here. So a log that ends below it after a start has
 * lost committed records, and what is noted here is the evidence, which is why `raise` never lowers an
 * offset.
 *
 * A partition that is not in the file has the high watermark 0. That the whole file is missing is
 * something else: the folder may have lost more (`isLost`). The file is replaced as a whole and synced
 * before it replaces the old one.
 *
 * A broker without replicas has no use for the file: whatever is in its logs is committed.
 *
 * @module
 */

import { formatOffsetCheckpoint } from "../file_system/checkpoint_file.ts";
import { type FileSystem, syncFile } from "../file_system/file_system.ts";
import { GroupCommit } from "../log/group_commit.ts";
import { HIGH_WATERMARK_FILE_NAME } from "./data_folder.ts";
import { offsetCheckpoint } from "./data_folder_opening.ts";

/** What the checkpoint is read from and written to. */
export interface HighWatermarkCheckpointOptions {
  readonly fs: FileSystem;
  /** Path of the data folder. */
  readonly path: string;
  /** Whether there must be a file, because there was one. */
  readonly wasThere: boolean;
  /** Called after the file was replaced; resolves when the names in the folder are on disk. */
  readonly written: () => Promise<void>;
}

/** The checkpointed high watermarks of one data folder. */
export class HighWatermarkCheckpoint {
  readonly #options: HighWatermarkCheckpointOptions;
  readonly #writes = new GroupCommit(() => this.#replace());
  readonly #offsets: Map<string, number>;
  #isDirty: boolean;

  /** Whether the file of an earlier process is missing or damaged. */
  readonly isLost: boolean;

  constructor(options: HighWatermarkCheckpointOptions) {
    this.#options = options;
    const found = offsetCheckpoint(options.fs, options.path, HIGH_WATERMARK_FILE_NAME);
    this.#offsets = found ?? new Map();
    this.isLost = found === undefined && options.wasThere;
    // A file without entries is not a missing one.
    this.#isDirty = found === undefined;
  }

  /** The high watermark of a log by its name, as read from the file and raised since; 0 without one. */
  get(name: string): number {
    return this.#offsets.get(name) ?? 0;
  }

  /** Whether there is an entry for a log. */
  has(name: string): boolean {
    return this.#offsets.has(name);
  }

  /**
   * Notes a high watermark for the next `write`, unless a higher one is noted.
   *
   * @param offset Everything below it must be on disk.
   */
  raise(name: string, offset: number): void {
    const before = this.#offsets.get(name);
    if (before !== undefined && offset <= before) return;
    this.#offsets.set(name, offset);
    this.#isDirty = true;
  }

  /**
   * Notes a high watermark for the next `write`, also if a higher one is noted: after an unclean
   * election, or when a replica that lost records is in sync again. It must be written before the
   * replica counts as one that lacks nothing.
   */
  replace(name: string, offset: number): void {
    if (this.#offsets.get(name) === offset) return;
    this.#offsets.set(name, offset);
    this.#isDirty = true;
  }

  /** Removes the entries of logs for which `isThere` returns false. */
  retain(isThere: (name: string) => boolean): void {
    for (const name of [...this.#offsets.keys()]) {
      if (isThere(name)) continue;
      this.#offsets.delete(name);
      this.#isDirty = true;
    }
  }

  /**
   * Writes the file if anything has changed since it was written; resolves when everything noted before
   * the call is on disk. Concurrent calls share a write.
   */
  async write(): Promise<void> {
    await (this.#isDirty ? this.#writes.request() : this.#writes.current);
  }

  async #replace(): Promise<void> {
    if (!this.#isDirty) return;
    const { fs, path, written } = this.#options;
    const file = `${path}/${HIGH_WATERMARK_FILE_NAME}`;
    this.#isDirty = false;
    try {
      fs.writeFileSync(`${file}.tmp`, formatOffsetCheckpoint(this.#offsets));
      await syncFile(fs, `${file}.tmp`);
      fs.renameSync(`${file}.tmp`, file);
      await written();
    } catch (error) {
      this.#isDirty = true;
      throw error;
    }
  }
}
