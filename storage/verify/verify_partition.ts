/**
 * Verifies the files of one log: every batch of every segment, and everything derived from them.
 *
 * @module
 */

import {
  CorruptRecordError,
  type EndTransactionMarker,
  readEndTransactionMarker,
} from "../../protocol/records/mod.ts";
import type { BatchCursor } from "../segment/batch_cursor.ts";
import { BatchWalk, type DamagedRange } from "../segment/batch_walk.ts";
import type { FileSystem } from "../file_system/file_system.ts";
import type { ClosedSegment } from "../segment/segment_checkpoint.ts";
import { hasBatch, OTHER_BATCHES } from "../segment/segment_comparison.ts";
import {
  fileNameOf,
  LOG_SUFFIX,
  offsetOf,
  PRODUCER_SNAPSHOT_SUFFIX,
  SEGMENT_SUFFIXES,
} from "../segment/segment_file_name.ts";
import { TimeSlice } from "../time_slice.ts";
import type { ExpectedLogs } from "./expected_logs.ts";
import { EpochCheck } from "./epoch_check.ts";
import { IndexCheck } from "./index_check.ts";
import { ProducerCheck } from "./producer_check.ts";
import type { Finding, Hole, PartitionReport, SegmentReport } from "./report.ts";
import { checkTopicId } from "./topic_id_check.ts";
import { TransactionCheck } from "./transaction_check.ts";

/** The log to verify, and what is known about it. */
export interface PartitionVerifyOptions {
  readonly fs: FileSystem;
  readonly name: string;
  readonly folder: string;
  /** Whether the last shutdown was clean. */
  readonly isClean: boolean;
  /** From the checkpoint of the data folder, if it has one. */
  readonly recoveryPoint: number | undefined;
  /** From the checkpoint of the data folder, if it has one. */
  readonly logStartOffset: number | undefined;
  /** The segments at the last clean shutdown; `undefined` if they are not known. */
  readonly closed?: readonly ClosedSegment[] | undefined;
  /** Whether the log is compacted, which leaves gaps. */
  readonly isCompacted: boolean;
  /** The expected logs; `undefined` if they are not known. */
  readonly expected?: ExpectedLogs | undefined;
  /** Whether to decode records too. */
  readonly withRecords: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of bytes checked since the last call. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** Verifies one log. */
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
  readonly #transactions: TransactionCheck;
  readonly #baseOffsets: readonly number[];
  readonly #strays: readonly string[];
  /** The segments at the last clean shutdown, by base offset. */
  readonly #closed: ReadonlyMap<number, ClosedSegment>;
  /** Offsets from here on are checked by recovery and not reported. */
  readonly #trustedOffset: number;
  #nextOffset: number;
  #batchCount = 0;
  #recordCount = 0;

  constructor(options: PartitionVerifyOptions) {
    const { fs, folder, isClean, recoveryPoint, isCompacted, logStartOffset = 0 } = options;
    this.#options = options;
    this.#trustedOffset = isClean ? Infinity : recoveryPoint ?? 0;
    const names = fs.readDirSync(folder).map(({ name }) => name);
    const found = offsetsOf(names, LOG_SUFFIX);
    const closed = options.closed?.filter(({ endOffset }) => endOffset > logStartOffset);
    this.#closed = new Map(closed?.map((segment) => [segment.baseOffset, segment]));
    const sizeOf = (base: number) => fs.statSync(`${folder}/${fileNameOf(base, LOG_SUFFIX)}`)?.size;
    // If a file is larger, others that were lost before may have been restored.
    const hasMore = options.closed?.some(({ baseOffset, sizeInBytes }) =>
      (sizeOf(baseOffset) ?? 0) > sizeInBytes
    );
    const known = new Set(
      hasMore ? found : options.closed?.map(({ baseOffset }) => baseOffset) ?? found,
    );
    const strays = found.filter((baseOffset) => !known.has(baseOffset));
    this.#strays = strays.flatMap((baseOffset) =>
      SEGMENT_SUFFIXES.map((suffix) => fileNameOf(baseOffset, suffix))
        .filter((name) => names.includes(name)).map((name) => `${folder}/${name}`)
    );
    const wanted = new Set([...found.filter((base) => known.has(base)), ...this.#closed.keys()]);
    // The log had records, and none of its segments is left.
    if (wanted.size === 0 && (recoveryPoint ?? 0) > logStartOffset) wanted.add(logStartOffset);
    this.#baseOffsets = [...wanted].sort((a, b) => a - b);
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
    const trustedOffset = this.#trustedOffset;
    this.#transactions = new TransactionCheck({ fs, folder, trustedOffset, isCompacted });
  }

  async verify(): Promise<PartitionReport> {
    const topicId = this.#checkTopicId();
    const segments: SegmentReport[] = [];
    for (const path of this.#strays) {
      if (!path.endsWith(LOG_SUFFIX)) continue;
      this.#findings.push({ path, problem: "the file did not exist at the last shutdown" });
    }
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
      strays: this.#strays,
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
    const info = fs.statSync(path);
    const sizeInBytes = info?.size ?? 0;
    const closed = this.#closed.get(baseOffset);
    if (info === undefined) {
      return this.#missingSegment(path, baseOffset, nextBaseOffset ?? recoveryPoint ?? baseOffset);
    }
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
      this.#transactions.damage();
    };
    this.#transactions.begin(baseOffset, nextBaseOffset ?? Infinity);
    this.#nextOffset = Math.max(this.#nextOffset, baseOffset);
    let hasLastBatch = true;
    const file = fs.openSync(path, "read");
    try {
      if (closed?.lastBatch !== undefined) hasLastBatch = hasBatch(file, closed.lastBatch);
      const walk = new BatchWalk(file, {
        position: 0,
        endPosition: sizeInBytes,
        nextOffset: baseOffset,
        endOffset: nextBaseOffset ?? Infinity,
      });
      while (await walk.nextInSlices(this.#slice)) {
        onProgress?.(walk.nextPosition - walk.position);
        let { nextOffset } = walk;
        if (walk.damage !== undefined) {
          const isLast = nextBaseOffset === undefined && walk.nextPosition === sizeInBytes;
          if (isLast) nextOffset = Math.max(nextOffset, recoveryPoint ?? 0);
          lose({ ...walk.damage, nextOffset });
        } else {
          const { header, position } = walk;
          if (header.baseOffset > this.#nextOffset) {
            this.#checkGap(header.baseOffset, position, lose);
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
      const isCut = closed !== undefined && sizeInBytes < closed.sizeInBytes;
      this.#checkGap(endOffset, sizeInBytes, lose, isCut);
      this.#nextOffset = endOffset;
    } else if (closed !== undefined && sizeInBytes !== closed.sizeInBytes && holes.length === 0) {
      const problem =
        `it has ${sizeInBytes} bytes, it had ${closed.sizeInBytes} at the last shutdown`;
      this.#findings.push({ path, problem });
    } else if (holes.length === 0 && !hasLastBatch) {
      this.#findings.push({ path, problem: OTHER_BATCHES });
    }
    indexes.end();
    this.#findings.push(...indexes.findings);
    const hasWrongIndex = indexes.findings.length > 0;
    const found = this.#transactions.end();
    this.#findings.push(...found);
    return {
      baseOffset,
      path,
      sizeInBytes,
      holes,
      hasWrongIndex,
      hasWrongTransactionIndex: found.length > 0,
      isMissing: false,
    };
  }

  /** The report of a segment whose file is missing. */
  #missingSegment(path: string, baseOffset: number, nextOffset: number): SegmentReport {
    const lost = nextOffset > baseOffset
      ? `, which had offsets ${baseOffset} to ${nextOffset - 1}`
      : "";
    this.#findings.push({ path, problem: `the file is missing${lost}` });
    this.#producers.damage();
    this.#transactions.damage();
    this.#nextOffset = Math.max(this.#nextOffset, nextOffset);
    const hole: Hole = {
      position: 0,
      endPosition: 0,
      firstOffset: baseOffset,
      nextOffset,
      problem: "missing",
      isTorn: false,
      leaderEpoch: this.#epochs.latest,
    };
    const holes = nextOffset > baseOffset ? [hole] : [];
    return {
      baseOffset,
      path,
      sizeInBytes: 0,
      holes,
      hasWrongIndex: false,
      hasWrongTransactionIndex: false,
      isMissing: true,
    };
  }

  #checkBatch(header: BatchCursor, position: number, path: string, walk: BatchWalk): void {
    const { recordCount, baseOffset, lastOffset } = header;
    if ((recordCount === 0 || header.isControl) && !header.hasProducerId) {
      // A repair writes such batches in place of damaged ones.
      this.#producers.damage();
      this.#transactions.damage();
    } else {
      this.#epochs.batch(header, path, position);
      const marker = header.isControl ? this.#markerIn(walk, path, position) : undefined;
      this.#producers.batch(header, marker);
      this.#transactions.batch(header, marker);
    }
    this.#batchCount++;
    this.#recordCount += recordCount;
    const most = lastOffset - baseOffset + 1;
    if (recordCount < 0 || recordCount > most) {
      this.#findings.push({
        path,
        position,
        problem: `batch of offsets ${baseOffset} to ${lastOffset} states ${recordCount} records`,
      });
    } else if (this.#options.withRecords) {
      const problem = recordsProblem(walk);
      if (problem !== undefined) this.#findings.push({ path, position, problem });
    }
  }

  /** The transaction marker in a control batch; what else is there is reported. */
  #markerIn(walk: BatchWalk, path: string, position: number): EndTransactionMarker | undefined {
    // What compaction may leave of one.
    if (walk.header.recordCount === 0) return undefined;
    try {
      const marker = readEndTransactionMarker(walk.batch());
      if (marker !== undefined) return marker;
      this.#findings.push({ path, position, problem: "control batch without transaction marker" });
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      this.#findings.push({ path, position, problem: error.message });
    }
    this.#producers.damage();
    this.#transactions.damage();
    return undefined;
  }

  /**
   * Reports a gap, unless compaction may have left it. Compaction leaves none in the last segment,
   * and after a crash the cleaned part is not known for certain.
   */
  #checkGap(
    nextOffset: number,
    position: number,
    lose: (range: DamagedRange) => void,
    isCut = false,
  ): void {
    const { isClean, isCompacted } = this.#options;
    const gapless = isCut || (isClean && !isCompacted) ? 0 : this.#baseOffsets.at(-1)!;
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

  /** Compares the checkpoints of the data folder with the batches. */
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
        problem: `"${name}" ends at offset ${end}, its log start offset is ${logStartOffset}`,
      });
    }
  }

  /** @returns The topic id that `partition.metadata` must have, if it has another. */
  #checkTopicId(): string | undefined {
    const { fs, name, folder, isClean, recoveryPoint = 0, expected } = this.#options;
    const isOnDisk = isClean || recoveryPoint > 0;
    const check = checkTopicId({ fs, name, folder, isOnDisk, expected });
    if (check.finding !== undefined) this.#findings.push(check.finding);
    if (check.isWrong) this.#wrongFiles.push(check.finding!.path);
    return check.topicId;
  }

  /** Passes a batch of the log that lists the expected logs on to them. */
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
    : `${endPosition - position} bytes are no valid batch, ${offsets}: ${problem}`;
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
