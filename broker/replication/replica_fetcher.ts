/**
 * Copies partitions from one leader: fetches, appends all, flushes all, and fetches again. The next
 * fetch says what is on disk, so the rounds are the followers' group commit.
 *
 * @module
 */

import { ErrorCode, errorInfo } from "../../protocol/errors.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import type { RequestTo, ResponseOf } from "../../protocol/schema/schema.ts";
import type { BrokerInfo, ClusterState } from "../cluster/cluster_state.ts";
import type { Peers } from "../peers/peers.ts";
import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import { FetchedPartition, FetcherSession, MIN_RETRY_MS } from "./fetcher_session.ts";
import { inParallel } from "./in_parallel.ts";
import { CommittedRecordsError, type Following } from "../roles/following.ts";
import { ReplicationThrottle } from "./replication_throttle.ts";

type PartitionResponse = ResponseOf<typeof fetch>["responses"][number]["partitions"][number];

/** What fetchers share. */
export interface FetcherOptions {
  readonly cluster: ClusterState;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Limits what this broker copies for reassignments. */
  readonly throttle: ReplicationThrottle;
  /** The rate, in bytes per second, at which a leader lets each other broker do so. */
  leaderRate(leaderId: number): number;
}

const VERSION = 18;
/** How long the leader waits for news. */
const MAX_WAIT_MS = 500;
/** How long an answer may take beyond that. */
const GRACE_MS = 1500;
const MAX_RETRY_MS = 1000;
const SIDES = ["leader", "follower"] as const;

/** The answer to a request. */
interface Answer {
  readonly number: number;
  readonly answer: ResponseOf<typeof fetch>;
}

/** The fetches from one leader. */
export class ReplicaFetcher {
  readonly #leaderId: number;
  readonly #options: FetcherOptions;
  readonly #throttles: Readonly<Record<"leader" | "follower", ReplicationThrottle>>;
  readonly #partitions: Map<Following, FetchedPartition> = new Map();
  readonly #session: FetcherSession = new FetcherSession();
  #running: Promise<void> | undefined;
  /** The leader, as it was last registered. */
  #leader: BrokerInfo | undefined;
  #isClosed = false;
  #retryMs = MIN_RETRY_MS;
  /** Called when a partition should be fetched without waiting for the answer under way. */
  #onDue: () => void = () => {};
  /** Ends a pause. */
  #wake: () => void = () => {};

  constructor(leaderId: number, options: FetcherOptions) {
    this.#leaderId = leaderId;
    this.#options = options;
    const { clock, throttle } = options;
    const leaderRate = () => options.leaderRate(leaderId);
    this.#throttles = { leader: new ReplicationThrottle(clock, leaderRate), follower: throttle };
  }

  /** Number of partitions. */
  get size(): number {
    return this.#partitions.size;
  }

  /** Begins to fetch a partition. */
  add(following: Following): void {
    const partition = new FetchedPartition(following);
    this.#partitions.set(following, partition);
    this.#due(partition);
    this.#running ??= this.#run();
  }

  /** Stops fetching a partition. */
  remove(following: Following): void {
    const partition = this.#partitions.get(following);
    if (partition === undefined) return;
    this.#partitions.delete(following);
    this.#session.forget(partition);
    this.#clearTimer(partition);
  }

  /** Tries again at once: the leader may have become reachable. */
  retry(): void {
    this.#wake();
  }

  /** Stops after what is being appended is on disk. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const following of [...this.#partitions.keys()]) this.remove(following);
    this.#wake();
    this.#onDue();
    await this.#running;
  }

  async #run(): Promise<void> {
    // Partitions that are added together are fetched together.
    await undefined;
    while (!this.#isClosed && this.#partitions.size > 0) {
      try {
        await this.#round();
        this.#retryMs = MIN_RETRY_MS;
      } catch (error) {
        this.#session.reset();
        // One that lost an answer may lose all that follow.
        this.#options.peers.disconnect(this.#leaderId);
        if (this.#isClosed) break;
        if (this.#retryMs === MAX_RETRY_MS / 2) {
          const { logger } = this.#options;
          logger.warn("Cannot fetch from a leader for the moment", {
            leader: this.#leaderId,
            error,
          });
        }
        await this.#pause(this.#retryMs);
        this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
      }
    }
    // At once: a partition that is added from now on must start another run.
    this.#running = undefined;
  }

  async #round(): Promise<void> {
    await this.#prepare();
    // Until the session is open, nothing else can be sent.
    const isOpen = this.#session.isOpen;
    const first = this.#send(isOpen ? MAX_WAIT_MS : 0);
    if (!isOpen) return await this.#apply(await first);
    const due = new Promise<void>((resolve) => {
      this.#onDue = resolve;
      // Some were added while others were flushed.
      if (this.#session.due.size > 0) resolve();
    });
    const isDue = await Promise.race([first.then(() => false), due.then(() => true)]);
    this.#onDue = () => {};
    let second: Promise<Answer> | undefined;
    if (isDue && !this.#isClosed) {
      // The leader answers the first as soon as it sees the second.
      await this.#prepare();
      second = this.#send(0);
      second.catch(() => {});
    }
    await this.#apply(await first);
    if (second !== undefined) await this.#apply(await second);
  }

  /** Flushes what is due: the position that a fetch tells must be on disk. */
  async #prepare(): Promise<void> {
    await inParallel([...this.#session.due], async (partition) => {
      const { following } = partition;
      try {
        // Before the leader knows of anything in this epoch that may be cut.
        const isFirst = partition.firstRequest === Infinity;
        if (isFirst && following.partition.log.firstLostOffset !== undefined) {
          await following.dropDamaged(this.#options.clock.now());
        }
        await following.flush();
        partition.isFlushed = true;
      } catch (error) {
        this.#fail(partition, error);
      }
    });
  }

  /** Sends a request with all that is due, and returns its number and answer. */
  async #send(maxWaitMs: number): Promise<Answer> {
    const { cluster, peers } = this.#options;
    // A registration that has ended may be about to return, with the same process.
    const leader = this.#leader = cluster.broker(this.#leaderId) ?? this.#leader;
    const { lastBrokerEpoch: brokerEpoch, nodeId } = cluster;
    if (leader === undefined) throw new Error(`Broker ${this.#leaderId} is not registered`);
    if (brokerEpoch === 0) throw new Error("This broker is not registered");
    const { number, ...changes } = this.#session.next(brokerEpoch);
    const request: RequestTo<typeof fetch> = {
      replicaState: { replicaId: nodeId, replicaEpoch: brokerEpoch },
      maxWaitMs,
      minBytes: 1,
      ...changes,
    };
    const answer = await peers.request(leader, fetch, VERSION, request, maxWaitMs + GRACE_MS);
    if (answer.errorCode !== ErrorCode.NONE) {
      throw new Error(`Broker ${this.#leaderId} answered ${errorInfo(answer.errorCode).name}`);
    }
    this.#session.opened(answer.sessionId);
    return { number, answer };
  }

  /** Applies an answer: cuts, appends, flushes, then follows the leader's high watermark. */
  async #apply({ number, answer }: Answer): Promise<void> {
    const found: [FetchedPartition, PartitionResponse][] = [];
    for (const { topicId, partitions } of answer.responses) {
      for (const response of partitions) {
        const partition = this.#session.find(topicId, response.partitionIndex);
        // The answer to a request of an earlier epoch, or of an earlier position.
        if (partition === undefined || partition.firstRequest > number) continue;
        if (partition.isDue || partition.following.isEnded) continue;
        found.push([partition, response]);
      }
    }
    await inParallel(found, ([partition, response]) => this.#applyTo(partition, response));
  }

  async #applyTo(partition: FetchedPartition, response: PartitionResponse): Promise<void> {
    const { following } = partition;
    const nowMs = this.#options.clock.now();
    try {
      // The log changes: until it is flushed, its position must not be told.
      partition.isDue = true;
      if (response.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
        await following.restart(response.logStartOffset, nowMs);
        await following.flush();
      } else if (response.errorCode !== ErrorCode.NONE) {
        return this.#fail(partition, new Error(errorInfo(response.errorCode).name));
      } else if (response.divergingEpoch.endOffset >= 0 || response.divergingEpoch.epoch >= 0) {
        await following.cut(response.divergingEpoch, nowMs);
        await following.flush();
      } else {
        if (response.records !== null && response.records.length > 0) {
          await following.append(response.records, response.logStartOffset, nowMs);
          for (const throttle of this.#throttlesOf(following)) {
            throttle.count(response.records.length);
          }
          await following.flush();
        }
        await following.follow(response);
      }
      partition.retryMs = MIN_RETRY_MS;
      this.#dueOnceFree(partition);
    } catch (error) {
      this.#fail(partition, error);
    }
  }

  #throttlesOf({ partition }: Following): ReplicationThrottle[] {
    return SIDES.filter((side) => partition.isThrottled(side)).map((side) => this.#throttles[side]);
  }

  /** Leaves a partition out of requests while its copy is above a limit. */
  #dueOnceFree(partition: FetchedPartition): void {
    const { following } = partition;
    const waitMs = Math.max(0, ...this.#throttlesOf(following).map((throttle) => throttle.waitMs));
    if (waitMs === 0) return this.#due(partition);
    this.#session.forget(partition);
    if (following.isEnded || this.#isClosed) return;
    partition.timer = this.#options.clock.setTimeout(() => {
      partition.timer = undefined;
      this.#dueOnceFree(partition);
    }, waitMs);
  }

  #due(partition: FetchedPartition): void {
    if (partition.following.isEnded || !this.#partitions.has(partition.following)) return;
    this.#session.add(partition);
    this.#onDue();
  }

  /** Leaves a partition out of the next requests. */
  #fail(partition: FetchedPartition, error: unknown): void {
    const { following } = partition;
    this.#session.forget(partition);
    if (following.isEnded || this.#isClosed) return;
    const { clock, logger } = this.#options;
    const details = { partition: `${following.partition}`, leader: this.#leaderId, error };
    if (error instanceof CommittedRecordsError) {
      // Spreading the loss is the worst answer. The copy is kept, for an operator to decide.
      logger.error("Stopped following a leader that lacks committed records", details);
      return;
    }
    if (partition.retryMs === MAX_RETRY_MS / 2) logger.warn("Cannot follow a leader", details);
    partition.timer = clock.setTimeout(() => {
      partition.timer = undefined;
      this.#due(partition);
    }, partition.retryMs);
    partition.retryMs = Math.min(partition.retryMs * 2, MAX_RETRY_MS);
  }

  #clearTimer(partition: FetchedPartition): void {
    if (partition.timer !== undefined) this.#options.clock.clearTimeout(partition.timer);
    partition.timer = undefined;
  }

  async #pause(ms: number): Promise<void> {
    const { clock } = this.#options;
    let timer: number | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = clock.setTimeout(resolve, ms);
    });
    this.#wake = () => {};
    clock.clearTimeout(timer!);
  }
}
