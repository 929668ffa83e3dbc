/**
 * Checks the files of one log: every batch of every segment, and what was derived from them.
 *
 * @module
 */

import { CorruptRecordError } from "../../protocol/records/mod.ts";
import type { BatchCursor } from "../batch_cursor.ts";
import { BatchWalk, type DamagedRange } from "../batch_walk.ts";
import type { FileSystem } from "../file_system.ts";
import {
  fileNameOf,
  LOG_SUFFIX,
  offsetOf,
  PRODUCER_SNAPSHOT_SUFFIX,
} from "../segment_file_name.ts";
import { TimeSlice } from "../time_slice.ts";
import type { ExpectedLogs } from "./expected_logs.ts";
import { EpochCheck } from "./epoch_check.ts";
import { IndexCheck } from "./index_check.ts";
import { ProducerCheck } from "./producer_check.ts";
import type { Finding, Hole, PartitionReport, SegmentReport } from "./report.ts";
import { checkTopicId } from "./topic_id_check.ts";

/** What to check, and what is known of it. */
export interface PartitionVerifyOptions {
  readonly fs: FileSystem;
  readonly name: string;
  readonly folder: string;
  /** Whether the log was closed in good order. */
  readonly isClean: boolean;
  /** From the checkpoint of the data folder, if it has one. */
  readonly recoveryPoint: number | undefined;
  /** Likewise. */
  readonly logStartOffset: number | undefined;
  /** Whether the log is compacted, which leaves gaps. */
  readonly isCompacted: boolean;
  /** What logs there should be; nothing if that is not known. */
  readonly expected?: ExpectedLogs | undefined;
  /** Whether to decode the records too. */
  readonly withRecords: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Is told how many more bytes were checked. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** Checks one log. */
export function verifyPartition(options: PartitionVerifyOptions): Promise<PartitionReport> {
  return new PartitionVerifier(options).verify();
}

class PartitionVerifier {
  readonly #options: PartitionVerifyOptions;
  readonly #findings: Finding[] = [];
  readonly #wrongFiles: string[] = [];
  readonly #slice = new TimeSlice();
  readonly #epochs: EpochCheck;
  readonly #producers: ProducerCheck;
  readonly #baseOffsets: readonly number[];
  /** What lies before is not for recovery to check. */
  readonly #trustedOffset: number;
  #nextOffset: number;
  #batchCount = 0;
  #recordCount = 0;

  constructor(options: PartitionVerifyOptions) {
    const { fs, folder, isClean, recoveryPoint, isCompacted, logStartOffset = 0 } = options;
    this.#options = options;
    this.#trustedOffset = isClean ? Infinity : recoveryPoint ?? 0;
    const names = fs.readDirSync(folder).map(({ name }) => name);
    this.#baseOffsets = offsetsOf(names, LOG_SUFFIX);
    this.#nextOffset = this.#baseOffsets[0] ?? 0;
    this.#epochs = new EpochCheck({
      fs,
      folder,
      trustedOffset: this.#trustedOffset,
      logStartOffset: isClean ? logStartOffset : Infinity,
    });
    this.#producers = new ProducerCheck({
      fs,
      folder,
      offsets: offsetsOf(names, PRODUCER_SNAPSHOT_SUFFIX),
      isClean,
      isCompacted,
    });
  }

  async verify(): Promise<PartitionReport> {
    const topicId = this.#checkTopicId();
    const segments: SegmentReport[] = [];
    for (const slot of this.#baseOffsets.keys()) segments.push(await this.#checkSegment(slot));
    const { name, folder, isClean } = this.#options;
    if (isClean) this.#producers.end(this.#nextOffset);
    this.#checkOffsets();
    this.#epochs.end();
    this.#findings.push(...this.#epochs.findings, ...this.#producers.findings);
    if (this.#epochs.isFileWrong) this.#wrongFiles.push(this.#epochs.path);
    for (const { path } of this.#producers.findings) this.#wrongFiles.push(path);
    return {
      name,
      folder,
      findings: this.#findings,
      segments,
      batchCount: this.#batchCount,
      recordCount: this.#recordCount,
      logEndOffset: this.#nextOffset,
      wrongEpochs: this.#epochs.wrong,
      topicId,
      wrongFiles: [...new Set(this.#wrongFiles)],
      epochs: this.#epochs.isFileWrong ? this.#epochs.seen : undefined,
    };
  }

  async #checkSegment(slot: number): Promise<SegmentReport> {
    const { fs, folder, isClean, recoveryPoint, onProgress, signal } = this.#options;
    const baseOffset = this.#baseOffsets[slot]!;
    const nextBaseOffset = this.#baseOffsets[slot + 1];
    const path = `${folder}/${fileNameOf(baseOffset, LOG_SUFFIX)}`;
    const sizeInBytes = fs.statSync(path)?.size ?? 0;
    const holes: Hole[] = [];
    const indexes = new IndexCheck({
      fs,
      folder,
      baseOffset,
      sizeInBytes,
      trustedOffset: this.#trustedOffset,
      isComplete: sizeInBytes > 0 &&
        (isClean || (nextBaseOffset ?? Infinity) <= this.#trustedOffset),
    });
    const lose = (range: DamagedRange) => {
      if (range.firstOffset >= this.#trustedOffset) return;
      holes.push({ ...range, leaderEpoch: this.#epochs.latest });
      this.#findings.push({ path, position: range.position, problem: describe(range) });
      indexes.damage();
      this.#producers.damage();
    };
    this.#nextOffset = Math.max(this.#nextOffset, baseOffset);
    const file = fs.openSync(path, "read");
    try {
      const walk = new BatchWalk(file, {
        position: 0,
        endPosition: sizeInBytes,
        nextOffset: baseOffset,
        endOffset: nextBaseOffset ?? Infinity,
      });
      while (walk.next()) {
        onProgress?.(walk.nextPosition - walk.position);
        let { nextOffset } = walk;
        if (walk.damage !== undefined) {
          const isLast = nextBaseOffset === undefined && walk.nextPosition === sizeInBytes;
          if (isLast) nextOffset = Math.max(nextOffset, recoveryPoint ?? 0);
          lose({ ...walk.damage, nextOffset });
        } else {
          const { header, position } = walk;
          if (header.baseOffset > this.#nextOffset) {
            this.#lookForGap(header.baseOffset, position, lose);
          }
          this.#checkBatch(header, position, path, walk);
          indexes.batch(header, position);
          this.#follow(walk);
        }
        this.#nextOffset = nextOffset;
        if (!this.#slice.isOver) continue;
        await this.#slice.pause();
        signal?.throwIfAborted();
      }
    } finally {
      file.close();
    }
    const endOffset = nextBaseOffset ?? recoveryPoint ?? 0;
    if (endOffset > this.#nextOffset) {
      this.#lookForGap(endOffset, sizeInBytes, lose);
      this.#nextOffset = endOffset;
    }
    indexes.end();
    this.#findings.push(...indexes.findings);
    const hasWrongIndex = indexes.findings.length > 0;
    return { baseOffset, path, sizeInBytes, holes, hasWrongIndex };
  }

  #checkBatch(header: BatchCursor, position: number, path: string, walk: BatchWalk): void {
    const { recordCount, baseOffset, lastOffset } = header;
    if (recordCount === 0 && !header.hasProducerId) {
      // Such as a repair puts in the place of others.
      this.#producers.damage();
    } else {
      this.#epochs.batch(header, path, position);
      this.#producers.batch(header);
    }
    this.#batchCount++;
    this.#recordCount += recordCount;
    const most = lastOffset - baseOffset + 1;
    if (recordCount < 0 || recordCount > most) {
      this.#findings.push({
        path,
        position,
        problem:
          `batch of offsets ${baseOffset} to ${lastOffset} says it has ${recordCount} records`,
      });
    } else if (this.#options.withRecords) {
      const problem = recordsProblem(walk);
      if (problem !== undefined) this.#findings.push({ path, position, problem });
    }
  }

  /**
   * Only compaction leaves gaps, and never in the last segment. After a crash it is not known for
   * certain where it has been.
   */
  #lookForGap(nextOffset: number, position: number, lose: (range: DamagedRange) => void): void {
    const { isClean, isCompacted } = this.#options;
    const gapless = isClean && !isCompacted ? 0 : this.#baseOffsets.at(-1)!;
    const firstOffset = Math.max(this.#nextOffset, gapless);
    if (firstOffset >= nextOffset) return;
    lose({
      position,
      endPosition: position,
      firstOffset,
      nextOffset,
      problem: "missing",
      isTorn: false,
    });
  }

  /** Holds the checkpoints of the data folder against the batches. */
  #checkOffsets(): void {
    const { isClean, recoveryPoint, logStartOffset, folder, name } = this.#options;
    const end = this.#nextOffset;
    if (recoveryPoint !== undefined && (isClean ? end !== recoveryPoint : end < recoveryPoint)) {
      this.#findings.push({
        path: folder,
        problem: `"${name}" ends at offset ${end}, its recovery point is ${recoveryPoint}`,
      });
    }
    if (logStartOffset !== undefined && logStartOffset > end) {
      this.#findings.push({
        path: folder,
        problem: `"${name}" ends at offset ${end}, it is said to start at ${logStartOffset}`,
      });
    }
  }

  /** @returns What `partition.metadata` must say, if it does not. */
  #checkTopicId(): string | undefined {
    const { fs, name, folder, isClean, recoveryPoint = 0, expected } = this.#options;
    const isOnDisk = isClean || recoveryPoint > 0;
    const check = checkTopicId({ fs, name, folder, isOnDisk, expected });
    if (check.finding !== undefined) this.#findings.push(check.finding);
    if (check.isWrong) this.#wrongFiles.push(check.finding!.path);
    return check.topicId;
  }

  /** Shows a batch to what is said by this log of others. */
  #follow(walk: BatchWalk): void {
    const { expected, name, logStartOffset = 0 } = this.#options;
    if (expected?.source === name) expected.batch(walk.batch(), logStartOffset);
  }
}

function offsetsOf(names: readonly string[], suffix: string): number[] {
  return names.map((name) => offsetOf(name, suffix))
    .filter((offset) => offset !== undefined)
    .toSorted((a, b) => a - b);
}

function describe(
  { position, endPosition, firstOffset, nextOffset, problem }: DamagedRange,
): string {
  const offsets = nextOffset > firstOffset
    ? `offsets ${firstOffset} to ${nextOffset - 1}`
    : "no offsets";
  return endPosition === position
    ? `${offsets} are missing`
    : `${endPosition - position} bytes are no sound batch, ${offsets}: ${problem}`;
}

function recordsProblem(walk: BatchWalk): string | undefined {
  try {
    for (const record of walk.batch().records()) record.headers.length;
    return undefined;
  } catch (error) {
    if (error instanceof CorruptRecordError) return error.message;
    throw error;
  }
}
