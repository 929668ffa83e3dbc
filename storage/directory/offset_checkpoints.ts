/**
 * Writes the offset checkpoints of a data folder: recovery points, log start offsets and first dirty
 * offsets of all logs, each file as a whole. `../log_directory.ts` says what they promise.
 *
 * @module
 */

import { formatOffsetCheckpoint } from "../file_system/checkpoint_file.ts";
import { type FileSystem, syncFile } from "../file_system/file_system.ts";
import { GroupCommit } from "../log/group_commit.ts";
import type { CheckpointedOffsets } from "../log/log_checkpointer.ts";
import type { LogConfig } from "../log/log_config.ts";
import { CLEANER_FILE_NAME, LOG_START_FILE_NAME, RECOVERY_POINT_FILE_NAME } from "./data_folder.ts";

/** The part of a log that is in the checkpoints. */
export interface CheckpointedLog {
  readonly name: string;
  readonly config: LogConfig;
  readonly checkpointedOffsets: CheckpointedOffsets;
}

/** What the checkpoints of a folder are written from. */
export interface OffsetCheckpointsOptions {
  readonly fs: FileSystem;
  /** Path of the data folder. */
  readonly path: string;
  /** Returns all logs of the folder. */
  readonly logs: () => Iterable<CheckpointedLog>;
  /** Resolves when the names in the folder are on disk. */
  readonly syncFolder: () => Promise<void>;
}

/** The offset checkpoints of one data folder. */
export class OffsetCheckpoints {
  readonly #options: OffsetCheckpointsOptions;
  readonly #writes = new GroupCommit(() => this.#replace());
  /** Counts changes that make checkpoints being written out of date. */
  #version = 0;
  /** Names of the logs in the checkpoints, as last written. */
  #names: ReadonlySet<string> = new Set();

  constructor(options: OffsetCheckpointsOptions) {
    this.#options = options;
  }

  /** Whether the checkpoints, as last written or read, list a log of this name. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  /** Sets the names of the logs in the checkpoints, as read from disk. */
  setNames(names: Iterable<string>): void {
    this.#names = new Set(names);
  }

  /** Writes the checkpoints, so that they survive a kill of this process; `write` syncs them. */
  writeNow(): void {
    const { fs, path } = this.#options;
    this.#version++;
    for (const [name, bytes] of this.#contents()) {
      fs.writeFileSync(`${path}/${name}.now.tmp`, bytes);
      fs.renameSync(`${path}/${name}.now.tmp`, `${path}/${name}`);
    }
  }

  /** Writes the checkpoints and resolves when they are on disk. Concurrent calls share a write. */
  write(): Promise<void> {
    return this.#writes.request();
  }

  async #replace(): Promise<void> {
    const { fs, path, syncFolder } = this.#options;
    let version: number;
    const names = [RECOVERY_POINT_FILE_NAME, LOG_START_FILE_NAME, CLEANER_FILE_NAME];
    do {
      version = this.#version;
      for (const [name, bytes] of this.#contents()) fs.writeFileSync(`${path}/${name}.tmp`, bytes);
      for (const name of names) await syncFile(fs, `${path}/${name}.tmp`);
    } while (version !== this.#version);
    for (const name of names) fs.renameSync(`${path}/${name}.tmp`, `${path}/${name}`);
    await syncFolder();
  }

  #contents(): [name: string, bytes: Uint8Array][] {
    const recoveryPoints = new Map<string, number>();
    const logStartOffsets = new Map<string, number>();
    const firstDirtyOffsets = new Map<string, number>();
    for (const log of this.#options.logs()) {
      const { name, config } = log;
      const { recoveryPoint, logStartOffset, firstDirtyOffset } = log.checkpointedOffsets;
      recoveryPoints.set(name, recoveryPoint);
      if (logStartOffset > 0) logStartOffsets.set(name, logStartOffset);
      // A listed log may have gaps, even before its first pass is recorded here.
      const isCompacted = firstDirtyOffset > 0 || config.cleanupPolicy.includes("compact");
      if (isCompacted) firstDirtyOffsets.set(name, firstDirtyOffset);
    }
    this.#names = new Set(recoveryPoints.keys());
    return [
      [RECOVERY_POINT_FILE_NAME, formatOffsetCheckpoint(recoveryPoints)],
      [LOG_START_FILE_NAME, formatOffsetCheckpoint(logStartOffsets)],
      [CLEANER_FILE_NAME, formatOffsetCheckpoint(firstDirtyOffsets)],
    ];
  }
}
