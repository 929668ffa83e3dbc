/**
 * Compares the leader epochs in a log's file with its batches, in which they never decrease. If the
 * epoch of a batch does not fit those around it, the batch is wrong: the CRC does not cover the
 * epoch. Otherwise the file is wrong.
 *
 * @module
 */

import type { BatchHeader } from "../segment/batch_cursor.ts";
import { CorruptFileError } from "../errors.ts";
import type { FileSystem } from "../file_system/file_system.ts";
import {
  type EpochAndOffset,
  LEADER_EPOCH_FILE_NAME,
  LeaderEpochCache,
} from "../log/leader_epoch_cache.ts";
import type { Finding, WrongEpoch } from "./report.ts";

interface EpochOfBatch {
  readonly epoch: number;
  readonly baseOffset: number;
  readonly path: string;
  readonly position: number;
}

/** The log to check, and what is known about it. */
export interface EpochCheckOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  /** Epochs that begin at this offset or later are restored by recovery. */
  readonly trustedOffset: number;
  /** The file need not have epochs that end before this offset; `Infinity` if it is not known. */
  readonly logStartOffset: number;
}

/** Checks the leader epochs of a log, batch by batch. */
export class EpochCheck {
  readonly findings: Finding[] = [];
  /** Batches with a wrong epoch. */
  readonly wrong: WrongEpoch[] = [];
  /** Path of the file. */
  readonly path: string;
  /** Whether the file is wrong. */
  isFileWrong = false;
  readonly #trustedOffset: number;
  readonly #seen = new LeaderEpochCache();
  #cache: LeaderEpochCache | undefined;
  /** The last batch, which is accepted or rejected once the next one is known. */
  #pending: EpochOfBatch | undefined;

  readonly #logStartOffset: number;

  constructor({ fs, folder, trustedOffset, logStartOffset }: EpochCheckOptions) {
    this.#trustedOffset = trustedOffset;
    this.#logStartOffset = logStartOffset;
    this.path = `${folder}/${LEADER_EPOCH_FILE_NAME}`;
    try {
      this.#cache = LeaderEpochCache.read(fs, this.path);
    } catch (error) {
      if (!(error instanceof CorruptFileError)) throw error;
      this.#distrust(error.problem);
    }
  }

  /** The epochs of the batches. */
  get seen(): readonly EpochAndOffset[] {
    return this.#seen.entries;
  }

  /** The latest epoch of the batches so far, or -1. */
  get latest(): number {
    return this.#seen.latestEpoch;
  }

  /** Checks the next batch. */
  batch({ partitionLeaderEpoch, baseOffset }: BatchHeader, path: string, position: number): void {
    const batch = { epoch: partitionLeaderEpoch, baseOffset, path, position };
    const last = this.#pending;
    if (last !== undefined) {
      if (batch.epoch >= this.latest && batch.epoch < last.epoch) this.#refuse(last, batch.epoch);
      else this.#accept(last);
    }
    this.#pending = batch;
    if (batch.epoch >= this.latest) return;
    this.#refuse(batch);
    this.#pending = undefined;
  }

  /** Ends the check after the last batch. */
  end(): void {
    const last = this.#pending;
    if (last === undefined) return;
    const isBeside = this.#fileEpoch(last) === this.latest && last.epoch !== this.latest;
    if (isBeside && this.latest >= 0) this.#refuse(last);
    else this.#accept(last);
  }

  #accept(batch: EpochOfBatch): void {
    const { epoch, baseOffset } = batch;
    if (epoch !== this.latest) this.#seen.assign(epoch, baseOffset);
    const inFile = this.#fileEpoch(batch);
    if (inFile === undefined || inFile === epoch || this.#isTrimmed(batch)) return;
    this.#distrust(`leader epoch at offset ${baseOffset} is ${inFile}, the batch has ${epoch}`);
  }

  /**
   * Whether a batch begins before all epochs of the file, which was shortened by a deletion of
   * records.
   */
  #isTrimmed({ baseOffset }: EpochOfBatch): boolean {
    const first = this.#cache?.entries[0];
    return first !== undefined && baseOffset < first.offset && first.offset <= this.#logStartOffset;
  }

  /** @param nextEpoch Epoch of the batch after it. */
  #refuse(batch: EpochOfBatch, nextEpoch = this.latest): void {
    const { path, position, epoch } = batch;
    const inFile = this.#fileEpoch(batch) ?? -1;
    const otherwise = this.latest >= 0 ? this.latest : nextEpoch;
    const leaderEpoch = inFile >= Math.max(0, this.latest) && inFile <= nextEpoch
      ? inFile
      : otherwise;
    this.wrong.push({ path, position, leaderEpoch });
    this.findings.push({
      path,
      position,
      problem: `batch has leader epoch ${epoch}, those around it have ${leaderEpoch}`,
    });
  }

  /** The epoch in the file, if it is trusted there. */
  #fileEpoch({ baseOffset }: EpochOfBatch): number | undefined {
    return baseOffset < this.#trustedOffset ? this.#cache?.epochFor(baseOffset) : undefined;
  }

  #distrust(problem: string): void {
    if (!this.isFileWrong) this.findings.push({ path: this.path, problem });
    this.isFileWrong = true;
  }
}
