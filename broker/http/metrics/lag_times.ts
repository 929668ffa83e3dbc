/**
 * Timestamps of the first records that groups have not committed, read once for each commit.
 *
 * @module
 */

import { RecordBatch } from "../../../protocol/records/mod.ts";
import { IsolationLevel } from "../../../protocol/messages/records/fetch.ts";
import type { Partition } from "../../topics/partition.ts";

/** Reads for one scrape: each may load a batch from disk. The others follow with later scrapes. */
const MAX_READS = 100;

interface Time {
  readonly partition: Partition;
  readonly offset: number;
  readonly timestamp: number;
  /** The scrape that used it last. */
  scrape: number;
}

/** The timestamps, by any key. */
export class LagTimes {
  readonly #times: Map<string, Time> = new Map();
  #scrape = 0;
  #reads = 0;

  /** Begins a scrape. */
  begin(): void {
    this.#scrape++;
    this.#reads = 0;
  }

  /** Ends a scrape: what it did not use is forgotten. */
  end(): void {
    for (const [key, { scrape }] of this.#times) {
      if (scrape !== this.#scrape) this.#times.delete(key);
    }
  }

  /** The timestamp read before, if the commit has not changed. */
  cached(partition: Partition, offset: number, key: string): number | undefined {
    const time = this.#times.get(key);
    if (time === undefined || time.partition !== partition || time.offset !== offset) {
      return undefined;
    }
    time.scrape = this.#scrape;
    return time.timestamp;
  }

  /** Reads the timestamp, in milliseconds since the epoch; undefined if that is not possible now. */
  async look(partition: Partition, offset: number, key: string): Promise<number | undefined> {
    if (this.#reads >= MAX_READS) return undefined;
    this.#reads++;
    try {
      const from = Math.max(offset, partition.logStartOffset);
      const read = await partition.read(from, {
        maxBytes: 0,
        minOneBatch: true,
        isolationLevel: IsolationLevel.readUncommitted,
      });
      const first = read.chunks[0];
      const timestamp = first === undefined ? undefined : new RecordBatch(first).baseTimestamp;
      read.release?.();
      if (timestamp === undefined || timestamp < 0) return undefined;
      this.#times.set(key, { partition, offset, timestamp, scrape: this.#scrape });
      return timestamp;
    } catch {
      // The partition moved, or its records are damaged or were deleted: the next scrape tries again.
      return undefined;
    }
  }
}
