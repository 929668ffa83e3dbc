/**
 * Sends the markers of transactions that end to the leaders of their partitions, until all are written.
 *
 * All markers for a broker that are due at the same time go in one request, and one request is under way
 * to each broker. What could not be written is sent again, to the leader that the partition has then; a
 * deleted partition needs no marker. What was not committed in time is sent again in requests of its own,
 * so that the markers of other partitions wait only once for one that cannot commit. A marker that a partition refuses for good (another coordinator, or another
 * producer epoch, was there first) is tried again slowly: its transaction stays as it is until an operator
 * has looked at the partition, and readers with read_committed wait.
 *
 * @module
 */

import { ErrorCode, errorInfo } from "../../../protocol/errors.ts";
import type { Logger } from "../../logger.ts";
import type { TransactionCounters } from "../../metrics/transaction_counters.ts";
import { RareWarnings } from "../../rare_warnings.ts";
import type { Clock } from "../../time/clock.ts";
import { turnEnd } from "../../time/turn_end.ts";
import {
  eachPartition,
  type TopicPartition,
  type TransactionPartitions,
} from "../model/transaction_partitions.ts";

/** The markers of one transaction. */
export interface TransactionMarkers {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly isCommit: boolean;
  readonly coordinatorEpoch: number;
  /** 2 if the producer epoch is the one after that of the transaction's records. */
  readonly transactionVersion: number;
  readonly partitions: TransactionPartitions;
  /** Whether they are still to be sent from here. */
  isCurrent(): boolean;
  /**
   * Called when all are written.
   *
   * @throws {Error} To be called again later.
   */
  onWritten(): void;
}

/** The part of a transaction's markers that goes to one broker. */
export interface MarkersForBroker extends Omit<TransactionMarkers, "partitions" | "onWritten"> {
  readonly partitions: readonly TopicPartition[];
}

/** What the markers are sent over. */
export interface MarkerTransport {
  /** The leader of a partition: −1 if there is none, undefined if there is no such partition. */
  leaderOf(partition: TopicPartition): number | undefined;
  /**
   * Writes markers on a broker. Returns an error code for each partition of each, in order.
   *
   * @throws {Error} If it is not known whether any was written.
   */
  write(brokerId: number, markers: readonly MarkersForBroker[]): Promise<number[][]>;
}

/** Options of a sender. */
export interface MarkerSenderOptions {
  readonly transport: MarkerTransport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: TransactionCounters;
}

/** Delays before sending again, of which the last repeats. */
const RETRY_MS = [20, 50, 100, 200, 500, 1000] as const;
/** Delay before sending a marker again that was refused. */
const REFUSED_RETRY_MS = 30_000;
/** Most partitions in one request. */
const MAX_PARTITIONS = 1000;
/** Stands for no leader. */
const NO_BROKER = -1;

/** Markers that are not all written. */
interface Job {
  readonly markers: TransactionMarkers;
  /** Partitions whose marker is not written. */
  left: number;
  /** Times that something was sent again. */
  attempts: number;
  /** Partitions that refuse their marker. */
  readonly refused: Set<string>;
}

/** Partitions of a job that wait for the same broker. */
interface Part {
  readonly job: Job;
  /** Whether they were not committed in time. */
  readonly isSlow: boolean;
  partitions: TopicPartition[];
}

/** A broker that markers are sent to: those of slow partitions, or those of others. */
interface Destination {
  readonly brokerId: number;
  parts: Part[];
  isSending: boolean;
}

/** Sends markers. */
export class MarkerSender {
  readonly #options: MarkerSenderOptions;
  readonly #destinations: Map<string, Destination> = new Map();
  readonly #jobs: Set<Job> = new Set();
  readonly #timers: Set<number> = new Set();
  readonly #failures: RareWarnings;
  #isClosed = false;

  constructor(options: MarkerSenderOptions) {
    this.#options = options;
    this.#failures = new RareWarnings(options.logger, options.clock);
  }

  /** Number of markers that are not written. */
  get waitingCount(): number {
    let count = 0;
    for (const { left } of this.#jobs) count += left;
    return count;
  }

  /** Number of transactions that cannot end because a partition refuses their marker. */
  get refusedCount(): number {
    let count = 0;
    for (const { refused } of this.#jobs) if (refused.size > 0) count++;
    return count;
  }

  /** Sends the markers of a transaction; calls `onWritten` when all are written. */
  send(markers: TransactionMarkers): void {
    if (this.#isClosed) return;
    const partitions = [...eachPartition(markers.partitions)];
    const job: Job = { markers, left: partitions.length, attempts: 0, refused: new Set() };
    this.#jobs.add(job);
    if (job.left === 0) this.#finish(job);
    else this.#place({ job, isSlow: false, partitions });
  }

  /** Stops sending. What is under way is not waited for. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) this.#options.clock.clearTimeout(timer);
    this.#timers.clear();
    this.#jobs.clear();
    this.#destinations.clear();
  }

  /** Queues partitions for their leaders. */
  #place({ job, isSlow, partitions }: Part): void {
    if (!this.#isWanted(job)) return;
    const { transport } = this.#options;
    const byLeader = new Map<number, TopicPartition[]>();
    for (const partition of partitions) {
      const leaderId = transport.leaderOf(partition);
      if (leaderId === undefined) {
        // It was deleted.
        job.left--;
        job.refused.delete(nameOf(partition));
        continue;
      }
      const same = byLeader.get(leaderId);
      if (same === undefined) byLeader.set(leaderId, [partition]);
      else same.push(partition);
    }
    if (job.left === 0) return this.#finish(job);
    for (const [leaderId, led] of byLeader) {
      const part = { job, isSlow, partitions: led };
      if (leaderId === NO_BROKER) this.#later(part);
      else this.#queue(leaderId, part);
    }
  }

  #queue(brokerId: number, part: Part): void {
    const key = `${brokerId} ${part.isSlow}`;
    let destination = this.#destinations.get(key);
    if (destination === undefined) {
      destination = { brokerId, parts: [], isSending: false };
      this.#destinations.set(key, destination);
    }
    destination.parts.push(part);
    if (destination.isSending) return;
    destination.isSending = true;
    // Transactions that end in the same turn share a request.
    turnEnd().then(() => this.#sendAll(key, destination));
  }

  async #sendAll(key: string, destination: Destination): Promise<void> {
    while (destination.parts.length > 0 && !this.#isClosed) {
      await this.#sendSome(destination.brokerId, takeParts(destination));
    }
    destination.isSending = false;
    if (this.#destinations.get(key) === destination) this.#destinations.delete(key);
  }

  async #sendSome(brokerId: number, taken: readonly Part[]): Promise<void> {
    // A transaction may have ended, or its coordinator changed, while they waited.
    const parts = taken.filter(({ job }) => this.#isWanted(job));
    if (parts.length === 0) return;
    let results: number[][] | undefined;
    try {
      const markers = parts.map(({ job, partitions }) => ({ ...job.markers, partitions }));
      results = await this.#options.transport.write(brokerId, markers);
    } catch (error) {
      this.#options.logger.debug("Cannot send markers of transactions", {
        broker: brokerId,
        error,
      });
    }
    if (this.#isClosed) return;
    for (const [i, part] of parts.entries()) this.#answered(brokerId, part, results?.[i]);
  }

  #answered(brokerId: number, { job, partitions }: Part, codes: number[] | undefined): void {
    if (!this.#isWanted(job)) return;
    const again: TopicPartition[] = [];
    const slow: TopicPartition[] = [];
    const refused: TopicPartition[] = [];
    for (const [i, partition] of partitions.entries()) {
      const code = codes?.[i];
      const name = nameOf(partition);
      if (code === ErrorCode.NONE) {
        job.left--;
        job.refused.delete(name);
        this.#options.counters.markersWritten++;
      } else if (code !== undefined && REFUSALS.has(code)) {
        refused.push(partition);
        this.#noteRefusal(job, name, brokerId, code);
      } else if (code === ErrorCode.REQUEST_TIMED_OUT) slow.push(partition);
      else again.push(partition);
    }
    if (job.left === 0) return this.#finish(job);
    if (again.length > 0) this.#later({ job, isSlow: false, partitions: again });
    if (slow.length > 0) this.#later({ job, isSlow: true, partitions: slow });
    if (refused.length > 0) {
      const part = { job, isSlow: false, partitions: refused };
      this.#after(REFUSED_RETRY_MS, () => this.#place(part));
    }
  }

  #noteRefusal(job: Job, partition: string, brokerId: number, code: number): void {
    if (job.refused.has(partition)) return;
    job.refused.add(partition);
    const { transactionalId, producerId, producerEpoch, coordinatorEpoch } = job.markers;
    this.#options.logger.error(
      "A partition refuses the marker that ends a transaction, which stays open there: readers with " +
        "read_committed wait for it. It is tried again every 30 s; see who wrote to the partition with " +
        "this producer id",
      {
        transactionalId,
        producerId,
        producerEpoch,
        coordinatorEpoch,
        partition,
        broker: brokerId,
        error: errorInfo(code).name,
      },
    );
  }

  /** All markers are written, or nothing is left that needs one. */
  #finish(job: Job): void {
    if (!this.#isWanted(job)) return;
    try {
      job.markers.onWritten();
      this.#jobs.delete(job);
    } catch (error) {
      const { transactionalId } = job.markers;
      this.#failures.warn("Cannot write that a transaction is complete, trying again", {
        transactionalId,
        error,
      });
      this.#after(delayOf(job), () => this.#finish(job));
    }
  }

  #later(part: Part): void {
    this.#after(delayOf(part.job), () => this.#place(part));
  }

  #after(ms: number, act: () => void): void {
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  #isWanted(job: Job): boolean {
    if (this.#jobs.has(job) && job.markers.isCurrent()) return true;
    this.#jobs.delete(job);
    return false;
  }
}

/** Answers that another attempt does not change by itself. */
const REFUSALS: ReadonlySet<number> = new Set([
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.TRANSACTION_COORDINATOR_FENCED,
]);

function nameOf({ topic, index }: TopicPartition): string {
  return `${topic}-${index}`;
}

function delayOf(job: Job): number {
  return RETRY_MS[Math.min(job.attempts++, RETRY_MS.length - 1)]!;
}

/** Takes as many partitions as a request may have. */
function takeParts(destination: Destination): Part[] {
  const taken: Part[] = [];
  let room = MAX_PARTITIONS;
  let at = 0;
  for (; at < destination.parts.length && room > 0; at++) {
    const part = destination.parts[at]!;
    if (part.partitions.length > room) {
      taken.push({ ...part, partitions: part.partitions.slice(0, room) });
      part.partitions = part.partitions.slice(room);
      break;
    }
    taken.push(part);
    room -= part.partitions.length;
  }
  destination.parts.splice(0, at);
  return taken;
}
