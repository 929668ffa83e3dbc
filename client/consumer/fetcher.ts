/**
 * Prefetches for the partitions of a consumer.
 *
 * A partition is fetched while few of its messages are buffered, and is in at most one request at a
 * time. A request waits at the broker until there is data; to keep one for idle partitions from
 * delaying a busy one, there may be two in flight per broker, on separate connections and for
 * different partitions. In effect one serves the idle partitions and the other the busy ones.
 *
 * @module
 */

import { ErrorCode, errorInfo } from "../../protocol/errors.ts";
import { backoffMs } from "../connection/backoff.ts";
import type { ClientCore } from "../connection/client_core.ts";
import type { BrokerNode } from "../connection/cluster_metadata.ts";
import type { ConnectionLane } from "../connection/connection_lane.ts";
import type { ResolvedConsumerOptions } from "./consumer_options.ts";
import {
  ConnectionError,
  describeError,
  DqueueError,
  isRetriable,
  KafkaError,
  ProtocolError,
  refreshesMetadata,
  TimeoutError,
} from "../errors.ts";
import {
  type FetchedPartition,
  fetchError,
  type FetchTarget,
  isDamage,
  requestFetch,
} from "./fetch_request.ts";
import { fetchedBatches } from "./fetched_batches.ts";
import { lookUpOffsets } from "./offset_lookup.ts";
import { resetNotice } from "./offset_range.ts";
import type { PartitionReader } from "./partition_reader.ts";
import { Timer } from "../connection/timer.ts";

/** The number of requests in flight per broker. */
const LANES = 2;

/**
 * How long a request may wait at the broker when it omits partitions with enough buffered messages:
 * if both requests are for idle partitions, the omitted ones get their turn soon.
 */
const SHORT_WAIT_MS = 50;

/** A partition in a fetch in flight. */
interface PendingFetch extends FetchTarget {
  readonly reader: PartitionReader;
  readonly generation: number;
  /** The node id of the broker. */
  readonly leaderId: number;
}

/** Receives the outcomes of fetches. */
export interface FetchObserver {
  /** A fetch has failed and will be retried. */
  onRetry(waitingFor: string, error: DqueueError): void;
  /** All earlier failures are resolved. */
  onRecovered(): void;
  /** A partition continues at another offset than requested. */
  onReset(notice: DqueueError): void;
}

/** Prefetches for partitions. */
export class Fetcher {
  readonly #core: ClientCore;
  readonly #options: ResolvedConsumerOptions;
  readonly #observer: FetchObserver;
  /** Partitions and topics whose last fetch or description failed. */
  readonly #failing = new Set<PartitionReader | string>();
  readonly #lanes: readonly ConnectionLane[];
  readonly #readers = new Set<PartitionReader>();
  /** The fetches in flight on each lane, by node id. */
  readonly #busy: readonly Map<number, readonly PendingFetch[]>[];
  readonly #refreshing = new Set<string>();
  readonly #pauses = new Set<Timer>();
  #isScheduled = false;
  #isClosed = false;
  #isResetting = false;
  #timer: Timer | undefined;
  #timerAt = Infinity;

  constructor(core: ClientCore, options: ResolvedConsumerOptions, observer: FetchObserver) {
    this.#core = core;
    this.#options = options;
    this.#observer = observer;
    this.#lanes = Array.from({ length: LANES }, () => core.openLane());
    this.#busy = this.#lanes.map(() => new Map());
  }

  /** Starts fetching a partition. */
  add(reader: PartitionReader): void {
    this.#readers.add(reader);
    this.wake();
  }

  /** Stops fetching a partition. */
  remove(reader: PartitionReader): void {
    this.#readers.delete(reader);
    this.#onDone(reader);
    // Its buffered messages may have exhausted the buffer.
    this.wake();
  }

  /** Schedules a round at the end of this turn. */
  wake(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (!this.#isClosed) this.#run();
    });
  }

  /** Schedules a round if more of the partition may be fetched after some of it was read. */
  wakeFor(reader: PartitionReader): void {
    if (!reader.isFetching && reader.bufferedBytes < this.#options.maxPartitionBytes) this.wake();
  }

  /** Stops fetching and closes the connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.clear();
    for (const timer of this.#pauses) timer.clear();
    await Promise.all(this.#lanes.map((lane) => this.#core.closeLane(lane)));
  }

  #run(): void {
    const now = performance.now();
    const groups = new Map<BrokerNode, PartitionReader[]>();
    const crowded = new Set<number>();
    let bufferedBytes = 0;
    let wakeAt = Infinity;
    for (const reader of this.#readers) {
      // Buffered messages of paused partitions must not keep others from being fetched.
      if (!reader.isPaused) bufferedBytes += reader.bufferedBytes;
      if (reader.hasFailed) continue;
      if (!this.#core.metadata.isFresh(reader.topic)) this.#refresh(reader.topic);
      if (reader.isPaused || reader.isFetching) continue;
      if (reader.resetTo !== undefined) {
        this.#reset();
        continue;
      }
      if (reader.position < 0) continue;
      const leader = this.#core.metadata.leader(reader.topic, reader.partition);
      // A new leader need not be spared for what the old one has refused.
      if (reader.retryAt > now && (leader?.id ?? reader.failedAt) === reader.failedAt) {
        wakeAt = Math.min(wakeAt, reader.retryAt);
        continue;
      }
      if (leader === undefined) {
        this.#onLeaderless(reader);
        continue;
      }
      if (reader.bufferedBytes >= this.#options.maxPartitionBytes) {
        crowded.add(leader.id);
        continue;
      }
      const group = groups.get(leader);
      if (group === undefined) groups.set(leader, [reader]);
      else group.push(reader);
    }
    if (bufferedBytes < this.#options.prefetchBytes) {
      for (const [leader, group] of groups) this.#fetch(leader, group, crowded.has(leader.id));
    }
    this.#wakeAt(wakeAt, now);
  }

  #wakeAt(at: number, now: number): void {
    if (at === this.#timerAt) return;
    this.#timer?.clear();
    this.#timerAt = at;
    if (at === Infinity) return;
    this.#timer = new Timer(() => {
      this.#timerAt = Infinity;
      this.wake();
    }, Math.ceil(at - now));
  }

  #fetch(leader: BrokerNode, readers: readonly PartitionReader[], isCrowded: boolean): void {
    const index = this.#busy.findIndex((busy) => !busy.has(leader.id));
    const lane = this.#lanes[index];
    if (lane === undefined) return this.#giveUpStale(leader);
    const targets = readers.map((reader): PendingFetch => {
      reader.isFetching = true;
      return {
        reader,
        generation: reader.generation,
        leaderId: leader.id,
        topic: reader.topic,
        partition: reader.partition,
        offset: reader.fetchOffset,
      };
    });
    this.#busy[index]!.set(leader.id, targets);
    const { maxWaitMs } = this.#options;
    const options = {
      ...this.#options,
      maxWaitMs: isCrowded ? Math.min(maxWaitMs, SHORT_WAIT_MS) : maxWaitMs,
    };
    lane.connection(leader)
      .then((connection) => requestFetch(connection, this.#core, targets, options))
      .then(
        (partitions) => this.#settle(targets, partitions),
        (error) => this.#onError(targets, error),
      )
      .finally(() => {
        this.#busy[index]!.delete(leader.id);
        for (const { reader, generation } of targets) {
          if (reader.generation === generation) reader.isFetching = false;
        }
        this.wake();
      });
  }

  /**
   * Closes a connection whose fetch nothing waits for any more since its partitions were moved by
   * seek: it would delay the next fetch.
   */
  #giveUpStale(leader: BrokerNode): void {
    for (let index = 0; index < LANES; index++) {
      const targets = this.#busy[index]!.get(leader.id)!;
      if (targets.some((target) => this.#isWanted(target))) continue;
      const connection = this.#lanes[index]!.existing(leader);
      connection?.abort(new ConnectionError(`Fetch from ${connection.peer} was aborted`));
      return;
    }
  }

  #isWanted({ reader, generation }: PendingFetch): boolean {
    return reader.generation === generation && this.#readers.has(reader);
  }

  #settle(
    targets: readonly PendingFetch[],
    partitions: readonly (FetchedPartition | undefined)[],
  ): void {
    for (let i = 0; i < targets.length; i++) {
      const { reader, offset } = targets[i]!;
      const partition = partitions[i];
      // A partition missing in the response has no new data; one that was moved or removed ignores
      // it.
      if (partition === undefined || !this.#isWanted(targets[i]!)) continue;
      if (partition.errorCode !== ErrorCode.NONE) {
        this.#onErrorCode(targets[i]!, partition);
        continue;
      }
      this.#onDone(reader);
      const isCommitted = this.#options.isolationLevel === "read_committed";
      reader.highWatermark = partition.highWatermark;
      reader.endOffset = isCommitted && partition.lastStableOffset >= 0
        ? partition.lastStableOffset
        : partition.highWatermark;
      try {
        const aborted = isCommitted ? partition.abortedTransactions : null;
        reader.accept(fetchedBatches(partition.records, offset, aborted));
      } catch (error) {
        reader.fail(
          new ProtocolError(
            `Cannot read "${reader.topic}-${reader.partition}" at offset ${offset}: ` +
              describeError(error),
            { cause: error },
          ),
        );
      }
      if (partition.records.length > 0) {
        // Brokers fill requests in order, so partitions that got data move to the end.
        this.#readers.delete(reader);
        this.#readers.add(reader);
      }
    }
  }

  #onErrorCode(target: PendingFetch, partition: FetchedPartition): void {
    const { reader } = target;
    const { topic, partition: index } = reader;
    const { errorCode } = partition;
    const error = fetchError(topic, index, reader.fetchOffset, errorCode);
    if (isDamage(errorCode)) {
      // Buffered messages are returned first.
      if (reader.bufferedBytes > 0) this.#retryLater(target);
      else reader.fail(error);
      return;
    }
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      const { autoOffsetReset } = this.#options;
      // Buffered messages are returned first.
      if (reader.bufferedBytes > 0) this.#retryLater(target);
      else if (autoOffsetReset === "none") reader.fail(error);
      else reader.reset(autoOffsetReset, reader.fetchOffset);
      return;
    }
    const { metadata } = this.#core;
    const knowsLeader = metadata.updateLeader(topic, index, partition.leader, partition.nodes);
    if (!knowsLeader && errorInfo(errorCode).refreshesMetadata) {
      metadata.invalidate(topic);
      this.#refresh(topic);
    }
    if (!knowsLeader) this.#retryOrFail(target, error);
  }

  #onError(targets: readonly PendingFetch[], error: unknown): void {
    for (const target of targets) {
      if (!this.#isWanted(target)) continue;
      const { reader } = target;
      if (refreshesMetadata(error)) {
        this.#core.metadata.invalidate(reader.topic);
        this.#refresh(reader.topic);
      }
      this.#retryOrFail(target, error);
    }
  }

  #retryLater({ reader, leaderId }: PendingFetch): void {
    const { initialBackoffMs, maxBackoffMs } = this.#core.options;
    const now = performance.now();
    if (reader.failures++ === 0) reader.failingSince = now;
    reader.failedAt = leaderId;
    reader.retryAt = now + backoffMs(reader.failures, initialBackoffMs, maxBackoffMs);
  }

  #retryOrFail(target: PendingFetch, error: unknown): void {
    const { reader } = target;
    this.#retryLater(target);
    const { patienceMs } = this.#core.options;
    const what = `Cannot fetch from "${reader.topic}-${reader.partition}"`;
    if (!isRetriable(error)) {
      reader.fail(
        error instanceof DqueueError
          ? error
          : new ProtocolError(`${what}: ${describeError(error)}`, { cause: error }),
      );
    } else if (performance.now() - reader.failingSince >= patienceMs) {
      const text = `${what} for ${patienceMs} ms: ${describeError(error)}`;
      reader.fail(new TimeoutError(text, { cause: error }));
    } else {
      this.#onRetry(reader, `the leader of "${reader.topic}-${reader.partition}"`, error);
    }
  }

  #onRetry(what: PartitionReader | string, waitingFor: string, error: unknown): void {
    if (this.#isClosed) return;
    this.#failing.add(what);
    this.#observer.onRetry(waitingFor, error as DqueueError);
  }

  /** Waits until a partition has a leader. */
  #onLeaderless(reader: PartitionReader): void {
    const { topic, partition } = reader;
    this.#refresh(topic);
    if (this.#failing.has(reader)) return;
    const error = new KafkaError(
      `fetch from "${topic}-${partition}"`,
      ErrorCode.LEADER_NOT_AVAILABLE,
    );
    this.#onRetry(reader, `the leader of "${topic}-${partition}"`, error);
  }

  #onDone(what: PartitionReader | string): void {
    if (this.#failing.delete(what) && this.#failing.size === 0) this.#observer.onRecovered();
  }

  /** Refreshes a topic whose metadata are old or outdated. */
  #refresh(topic: string): void {
    if (this.#refreshing.has(topic)) return;
    this.#refreshing.add(topic);
    this.#core.metadata.invalidate(topic);
    this.#core.topic(topic, {
      timeoutMs: this.#core.options.patienceMs,
      onFailure: (error) => this.#onRetry(topic, `a broker that knows "${topic}"`, error),
    })
      .then(() => this.#onDone(topic), (error) => {
        if (this.#isClosed) return;
        for (const reader of this.#readers) if (reader.topic === topic) reader.fail(error);
      })
      .finally(() => {
        if (this.#isClosed) return;
        this.wake();
        // Delays the next refresh of the topic, since the metadata may not have changed yet.
        const timer = new Timer(() => {
          this.#pauses.delete(timer);
          this.#refreshing.delete(topic);
          this.wake();
        }, this.#core.options.initialBackoffMs);
        this.#pauses.add(timer);
      });
  }

  /** Looks up the positions of all partitions without one. */
  #reset(): void {
    if (this.#isResetting) return;
    this.#isResetting = true;
    const lost = [...this.#readers]
      .filter(({ resetTo }) => resetTo !== undefined)
      .map((reader) => ({ reader, generation: reader.generation }));
    const queries = lost.map(({ reader: { topic, partition, resetTo } }) => ({
      topic,
      partition,
      at: resetTo!,
    }));
    lookUpOffsets(this.#core, queries, this.#options.isolationLevel, {
      timeoutMs: this.#core.options.patienceMs,
      onFailure: (error) => this.#onRetry("", "a broker that returns offsets", error),
    })
      .then(
        (offsets) => {
          this.#onDone("");
          for (let i = 0; i < lost.length; i++) {
            const { reader, generation } = lost[i]!;
            if (reader.generation === generation) this.#endReset(reader, offsets[i]!.offset);
          }
        },
        (error) => {
          for (const { reader } of lost) reader.fail(error);
        },
      )
      .finally(() => {
        this.#isResetting = false;
        this.wake();
      });
  }

  #endReset(reader: PartitionReader, offset: number): void {
    const { resetTo, lostOffset } = reader;
    reader.seek(offset);
    if (lostOffset === undefined) return;
    this.#observer.onReset(resetNotice(reader, lostOffset, offset, resetTo!));
  }
}
