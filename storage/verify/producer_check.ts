/**
 * Compares the producer snapshots of a log with its batches.
 *
 * @module
 */

import type { BatchHeader } from "../segment/batch_cursor.ts";
import { CorruptFileError } from "../errors.ts";
import type { FileSystem } from "../file_system/file_system.ts";
import {
  decodeProducerSnapshot,
  type ProducerSnapshotEntry,
} from "../log/producers/producer_snapshot.ts";
import { fileNameOf, PRODUCER_SNAPSHOT_SUFFIX } from "../segment/segment_file_name.ts";
import type { Finding } from "./report.ts";

/** The last batch of a producer. */
interface LastBatch {
  readonly epoch: number;
  readonly lastSequence: number;
  readonly lastOffset: number;
}

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

  /** Checks the next batch. */
  batch(header: BatchHeader): void {
    this.#upTo(header.baseOffset);
    if (!header.hasProducerId) return;
    // The effect of markers on a producer is not tracked here.
    if (header.isControl) this.#isSound = false;
    const { producerId, producerEpoch: epoch, lastSequence, lastOffset } = header;
    this.#producers.set(producerId, { epoch, lastSequence, lastOffset });
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
    for (const { producerId, producerEpoch, lastSequence, lastOffset } of entries) {
      const last = this.#producers.get(producerId);
      let problem: string | undefined;
      if (lastOffset >= offset) {
        problem =
          `producer ${producerId} has last offset ${lastOffset}, the snapshot has offset ${offset}`;
      } else if (this.#isSound && last !== undefined) {
        const { epoch } = last;
        const isAhead = this.#isCompacted && last.lastOffset < lastOffset;
        const isSame = epoch === producerEpoch && last.lastSequence === lastSequence &&
          last.lastOffset === lastOffset;
        if (!isAhead && !isSame) {
          problem =
            `producer ${producerId} has epoch ${producerEpoch} and sequence ${lastSequence} ` +
            `at offset ${lastOffset}, its last batch has ${epoch} and ${last.lastSequence} ` +
            `at offset ${last.lastOffset}`;
        }
      }
      if (problem === undefined) continue;
      this.findings.push({ path, problem });
      return;
    }
  }
}
