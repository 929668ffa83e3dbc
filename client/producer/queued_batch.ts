import type { PartitionQueue } from "./partition_queue.ts";
import type { ProducerBatch } from "./producer_batch.ts";

/** A batch to send, with the queue it belongs to. */
export interface QueuedBatch {
  readonly queue: PartitionQueue;
  readonly batch: ProducerBatch;
}
