/**
 * Reads the log of a coordinator's partition.
 *
 * @module
 */

import { type RecordBatch, recordBatches } from "../../protocol/records/mod.ts";
import type { Clock } from "../time/clock.ts";
import type { Partition } from "../topics/partition.ts";
import { whenCommitted } from "../topics/when_committed.ts";

const READ_BYTES = 1024 * 1024;

/**
 * Calls `visit` with all batches of a partition in order, in slices, and waits until they are committed:
 * nothing that an earlier leader has answered may be missing, and nothing shown that may still be lost.
 *
 * @throws {Error} If the log cannot be read, or the signal's reason.
 */
export async function replayPartition(
  partition: Partition,
  visit: (batch: RecordBatch) => void,
  clock: Pick<Clock, "yield">,
  signal: AbortSignal,
): Promise<void> {
  const end = partition.logEndOffset;
  let offset = partition.logStartOffset;
  while (offset < end) {
    signal.throwIfAborted();
    const read = await partition.log.read(offset, { maxBytes: READ_BYTES });
    for (const chunk of read.chunks) {
      for (const batch of recordBatches(chunk)) visit(batch);
    }
    // The end of a compacted log may have no records.
    if (read.nextOffset === offset) break;
    offset = read.nextOffset;
    await clock.yield();
  }
  await whenCommitted(partition, end, signal);
}
