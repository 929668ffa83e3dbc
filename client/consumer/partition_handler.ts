/**
 * Reads one partition with a handler, outside the subscription.
 *
 * @module
 */

import { LinkedSignal } from "../../protocol/linked_signal.ts";
import type { ClientCore } from "../connection/client_core.ts";
import type {
  MessageHandler,
  ResolvedConsumerOptions,
  SubscribePartitionOptions,
} from "./consumer_options.ts";
import type { DqueueError } from "../errors.ts";
import type { Fetcher } from "./fetcher.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { resolveOffset } from "./offset_lookup.ts";
import { ensureNotBeyond } from "./offset_range.ts";
import { PartitionReader } from "./partition_reader.ts";
import { noPosition } from "./subscription.ts";
import { WakeSignal } from "../connection/wake_signal.ts";

/** What the reading needs from its consumer. */
export interface HandlerContext {
  readonly core: ClientCore;
  readonly options: ResolvedConsumerOptions;
  readonly fetcher: Fetcher;
  /** Aborted when the consumer is closed. */
  readonly closing: AbortSignal;
  /** Called for failures that are retried. */
  readonly onFailure: (error: DqueueError) => void;
  /** Called once the start offset is determined. */
  readonly onStarted: () => void;
}

/**
 * Calls `handler` with the messages of a partition, one at a time, until the signal is aborted or
 * the consumer is closed.
 */
export async function handlePartition(
  { core, options, fetcher, closing, onFailure, onStarted }: HandlerContext,
  { topic, partition }: TopicPartition,
  handler: MessageHandler,
  { signal, from }: SubscribePartitionOptions,
): Promise<void> {
  const news = new WakeSignal();
  const onNews = () => news.notify();
  using linked = new LinkedSignal(closing, signal);
  const ends = linked.signal;
  const start = from ?? options.autoOffsetReset;
  const { tracing } = core.options;
  const reader = new PartitionReader(topic, partition, options, onNews);
  ends.addEventListener("abort", onNews);
  try {
    if (start === "none") throw noPosition(reader);
    const { isolationLevel } = options;
    const waiting = { signal: ends, timeoutMs: core.options.patienceMs, onFailure };
    reader.seek(await resolveOffset(core, reader, start, isolationLevel, waiting));
    if (typeof start === "number") {
      await ensureNotBeyond(core, `read "${topic}-${partition}"`, reader, start, waiting);
    }
    fetcher.add(reader);
    onStarted();
    while (!ends.aborted) {
      const message = reader.next();
      if (message !== undefined) {
        const handling = tracing === undefined
          ? handler(message)
          : tracing.process(message, () => handler(message));
        if (handling instanceof Promise) await handling;
        fetcher.wakeFor(reader);
        continue;
      }
      const error = reader.takeError();
      if (error !== undefined) throw error;
      await news.wait();
    }
  } catch (error) {
    // Ending it while the start is looked up is not a failure.
    if (!ends.aborted || error !== ends.reason) throw error;
  } finally {
    ends.removeEventListener("abort", onNews);
    fetcher.remove(reader);
  }
}
