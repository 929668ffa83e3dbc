/**
 * A single fetch from one partition.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { ClientCore } from "../connection/client_core.ts";
import { isUnknownTopic } from "../connection/client_core.ts";
import type { ConnectionLane } from "../connection/connection_lane.ts";
import type {
  FetchFromOptions,
  FetchFromResult,
  ResolvedConsumerOptions,
} from "./consumer_options.ts";
import { KafkaError, refreshesMetadata } from "../errors.ts";
import { fetchError, type FetchTarget, isDamage, requestFetch } from "./fetch_request.ts";
import { fetchedBatches } from "./fetched_batches.ts";
import type { Message } from "./message.ts";
import { resolveIsolation } from "./offset_lookup.ts";
import { offsetRange, outOfRange } from "./offset_range.ts";
import { PartitionReader } from "./partition_reader.ts";

/** The maximum number of lanes; more fetches share them and may wait for each other. */
const MAX_LANES = 8;

/** Lanes for concurrent fetches, so that one that waits for data blocks no other. */
export class LanePool {
  readonly #core: ClientCore;
  readonly #idle: ConnectionLane[] = [];
  readonly #all: ConnectionLane[] = [];
  #next = 0;

  constructor(core: ClientCore) {
    this.#core = core;
  }

  /** Runs `use` with an unused lane, if one is left. */
  async use<T>(use: (lane: ConnectionLane) => Promise<T>): Promise<T> {
    const lane = this.#idle.pop() ?? (this.#all.length < MAX_LANES ? this.#open() : undefined);
    if (lane === undefined) return await use(this.#all[this.#next++ % MAX_LANES]!);
    try {
      return await use(lane);
    } finally {
      this.#idle.push(lane);
    }
  }

  /** Closes all lanes. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((lane) => this.#core.closeLane(lane)));
  }

  #open(): ConnectionLane {
    const lane = this.#core.openLane();
    this.#all.push(lane);
    return lane;
  }
}

/** Fetches from an offset. */
export async function fetchOnce(
  core: ClientCore,
  lanes: LanePool,
  defaults: ResolvedConsumerOptions,
  target: FetchTarget,
  options: FetchFromOptions,
): Promise<FetchFromResult> {
  const { topic, partition, offset } = target;
  const isolationLevel = resolveIsolation(options, defaults.isolationLevel);
  const maxBytes = options.maxBytes ?? defaults.maxPartitionBytes;
  const action = `fetch from "${topic}-${partition}" at offset ${offset}`;
  const fetched = await core.retry(action, options, async (signal) => {
    try {
      const leader = await core.leader(action, target);
      return await lanes.use(async (lane) => {
        const connection = await lane.connection(leader, signal);
        const [result] = await requestFetch(connection, core, [target], {
          maxWaitMs: options.maxWaitMs ?? defaults.maxWaitMs,
          minBytes: options.minBytes ?? defaults.minBytes,
          maxBytes,
          maxPartitionBytes: maxBytes,
          isolationLevel,
          signal,
        });
        const errorCode = result?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
        if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
          throw outOfRange(action, offset, await offsetRange(core, target, { signal }));
        }
        if (errorCode !== ErrorCode.NONE) throw fetchError(topic, partition, offset, errorCode);
        return result!;
      });
    } catch (error) {
      if (refreshesMetadata(error)) core.metadata.invalidate(topic);
      throw error;
    }
  }, (error) => isUnknownTopic(error) || error instanceof KafkaError && isDamage(error.errorCode));

  const reader = new PartitionReader(topic, partition, defaults, () => {});
  reader.seek(offset);
  const aborted = isolationLevel === "read_committed" ? fetched.abortedTransactions : null;
  reader.accept(fetchedBatches(fetched.records, offset, aborted));
  const messages: Message[] = [];
  reader.take(options.maxMessages ?? Infinity, messages);
  const error = reader.takeError();
  if (error !== undefined && messages.length === 0) throw error;
  const { highWatermark, logStartOffset } = fetched;
  return { messages, nextOffset: reader.position, highWatermark, logStartOffset };
}
