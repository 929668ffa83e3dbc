/**
 * Compares the producer snapshots of a log with its batches.
 *
 * @module
 */

import type { EndTransactionMarker } from "../../protocol/records/mod.ts";
import type { BatchHeader } from "../segment/batch_cursor.ts";
import { CorruptFileError } from "../errors.ts";
import type { FileSystem } from "../file_system/file_system.ts";
import {
  decodeProducerSnapshot,
  type ProducerSnapshotEntry,
} from "../log/producers/producer_snapshot.ts";
import { fileNameOf, PRODUCER_SNAPSHOT_SUFFIX } from "../segment/segment_file_name.ts";
import type { Finding } from "./report.ts";

/** The last batch of a producer, and its transaction. */
interface LastBatch {
  readonly epoch: number;
  readonly lastSequence: number;
  readonly lastOffset: number;
  /** First offset of the open transaction, or -1. */
  readonly firstOffset: number;
  /** Of the last marker, or -1. */
  readonly coordinatorEpoch: number;
}

const NONE: LastBatch = {
  epoch: -1,
  lastSequence: -1,
  lastOffset: -1,
  firstOffset: -1,
  coordinatorEpoch: -1,
};

interface Snapshot {
  readonly path: string;
  readonly offset: number;
  readonly entries: readonly ProducerSnapshotEntry[];
}

/** The log to check, and what is known about it. */
export interface ProducerCheckOptions {
  readonly fs: FileSystem;
  readonly folder: string;
  /** Offsets of the snapshots, ascending. */
  readonly offsets: readonly number[];
  /** Whether the last shutdown was clean. */
  readonly isClean: boolean;
  /** Whether the log is compacted, and only the last batch of a producer is certain to be there. */
  readonly isCompacted: boolean;
}

/** Checks the snapshots of a log, batch by batch. */
export class ProducerCheck {
  readonly findings: Finding[] = [];
  readonly #producers = new Map<number, LastBatch>();
  readonly #snapshots: Snapshot[] = [];
  #isSound = true;
  #firstOffset: number | undefined;
  readonly #isCompacted: boolean;

  constructor({ fs, folder, offsets, isClean, isCompacted }: ProducerCheckOptions) {
    this.#isCompacted = isCompacted;
    for (const offset of offsets) {
      const path = `${folder}/${fileNameOf(offset, PRODUCER_SNAPSHOT_SUFFIX)}`;
      try {
        const bytes = fs.readFileSync(path);
        // A crash may leave an empty snapshot; the next start removes it.
        if (bytes.length === 0 && !isClean) continue;
        const entries = decodeProducerSnapshot(path, bytes);
        this.#snapshots.push({ path, offset, entries });
      } catch (error) {
        if (!(error instanceof CorruptFileError)) throw error;
        this.findings.push({ path, problem: error.problem });
      }
    }
  }

  /** Checks the next batch, with the marker in it if it is a control batch. */
  batch(header: BatchHeader, marker?: EndTransactionMarker): void {
    this.#firstOffset ??= header.baseOffset;
    this.#upTo(header.baseOffset);
    if (!header.hasProducerId) return;
    const { producerId, producerEpoch: epoch, lastSequence, lastOffset } = header;
    const before = this.#producers.get(producerId) ?? NONE;
    if (marker !== undefined) {
      const { coordinatorEpoch } = marker;
      const batches = before.epoch === epoch ? before : NONE;
      this.#producers.set(producerId, { ...batches, epoch, firstOffset: -1, coordinatorEpoch });
    } else if (!header.isControl) {
      const isOpening = header.isTransactional && before.firstOffset < 0;
      const firstOffset = isOpening ? header.baseOffset : before.firstOffset;
      this.#producers.set(producerId, { ...before, epoch, lastSequence, lastOffset, firstOffset });
    }
  }

  /** Records that batches are missing or damaged. */
  damage(): void {
    this.#isSound = false;
  }

  /** Ends the check at the log end offset. */
  end(logEndOffset: number): void {
    this.#upTo(logEndOffset);
    for (const { path, offset } of this.#snapshots) {
      this.findings.push({ path, problem: `offset is ${offset}, the log ends at ${logEndOffset}` });
    }
  }

  #upTo(offset: number): void {
    while (this.#snapshots.length > 0 && this.#snapshots[0]!.offset <= offset) {
      this.#check(this.#snapshots.shift()!);
    }
  }

  #check({ path, offset, entries }: Snapshot): void {
    for (const entry of entries) {
      const problem = entry.lastOffset >= offset
        ? `producer ${entry.producerId} has last offset ${entry.lastOffset}, the snapshot has offset ${offset}`
        : this.#isSound
        ? this.#problemOf(entry)
        : undefined;
      if (problem === undefined) continue;
      this.findings.push({ path, problem });
      return;
    }
  }

  #problemOf(entry: ProducerSnapshotEntry): string | undefined {
    const { producerId, producerEpoch, lastSequence, lastOffset } = entry;
    const last = this.#producers.get(producerId);
    if (last === undefined) return undefined;
    // Its markers may have been removed, and later batches kept.
    if (this.#isCompacted && (entry.coordinatorEpoch >= 0 || last.lastOffset < lastOffset)) {
      return undefined;
    }
    // Its last batch may be in a segment that is deleted, and only the marker be left.
    const isTrimmed = last.lastOffset < 0 && lastOffset < this.#firstOffset!;
    const isSame = last.lastSequence === lastSequence && last.lastOffset === lastOffset;
    if (last.epoch !== producerEpoch || !(isSame || isTrimmed)) {
      return `producer ${producerId} has epoch ${producerEpoch} and sequence ${lastSequence} ` +
        `at offset ${lastOffset}, its last batch has ${last.epoch} and ${last.lastSequence} ` +
        `at offset ${last.lastOffset}`;
    }
    const { currentTransactionFirstOffset: firstOffset, coordinatorEpoch } = entry;
    // It may have begun in a segment that is deleted, or compaction may have removed its first records.
    const isEarlier = firstOffset >= 0 && last.firstOffset > firstOffset &&
      (this.#isCompacted || firstOffset < this.#firstOffset!);
    if (firstOffset !== last.firstOffset && !isEarlier) {
      return `producer ${producerId} has a transaction since offset ${firstOffset}, ` +
        `according to its batches it is ${last.firstOffset}`;
    }
    if (coordinatorEpoch === last.coordinatorEpoch || last.coordinatorEpoch < 0) return undefined;
    return `producer ${producerId} has coordinator epoch ${coordinatorEpoch}, ` +
      `its last marker has ${last.coordinatorEpoch}`;
  }
}
