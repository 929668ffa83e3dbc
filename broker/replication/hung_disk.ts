/**
 * Has others lead what this broker leads, and not wait for it as a follower, while its disk does not answer.
 *
 * The network alone keeps a broker registered: one whose syncs hang would stay the leader, and acknowledge
 * nothing. It announces that it is about to stop, as in a controlled shutdown, and takes that back once the
 * disk answers. Whatever was not committed is then cut off, or copied again.
 *
 * @module
 */

import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";
import { pause } from "../time/pause.ts";

/** The cluster, as far as a broker with a hung disk changes it. */
export interface HungDiskCluster {
  readonly nodeId: number;
  /** 0 if this broker is not registered. */
  readonly brokerEpoch: number;
  isShuttingDown(broker: number): boolean;
  readonly membership: {
    stepBack(): Promise<void>;
    stepForward(): Promise<void>;
  };
}

/** Time that a sync may take. That during which this process stood still does not count. */
export const HUNG_MS = 10_000;
const CHECK_MS = 1000;

/** Watches the syncs of one broker. */
export class HungDisk {
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  /** When syncs under way began, as of `Clock.monotonic()`, the oldest first. */
  readonly #running: Set<{ readonly sinceMs: number }> = new Set();
  #cluster: HungDiskCluster | undefined;
  #logger: Logger | undefined;
  #timer: number | undefined;
  /** When the timer is due. */
  #dueMs = Infinity;
  /** Since when this process has not stood still. */
  #runningMs = -Infinity;
  #leaving: Promise<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins to watch: other brokers can take over. */
  start(cluster: HungDiskCluster, logger: Logger): void {
    this.#cluster = cluster;
    this.#logger = logger;
  }

  /** Stops watching; resolves when nothing is changed any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    await this.#leaving;
  }

  /** Notes that a sync has begun. */
  syncing(sync: Promise<unknown>): void {
    if (this.#cluster === undefined) return;
    const running = { sinceMs: this.#clock.monotonic() };
    this.#running.add(running);
    const end = () => void this.#running.delete(running);
    sync.then(end, end);
    this.#checkLater();
  }

  /** How much longer the oldest sync may take; undefined if none is under way. */
  get #leftMs(): number | undefined {
    for (const { sinceMs } of this.#running) {
      return Math.max(sinceMs, this.#runningMs) + HUNG_MS - this.#clock.monotonic();
    }
    return undefined;
  }

  get #isHung(): boolean {
    return (this.#leftMs ?? HUNG_MS) <= 0;
  }

  #checkLater(): void {
    if (this.#timer !== undefined || this.#leaving !== undefined) return;
    if (this.#closing.signal.aborted) return;
    this.#dueMs = this.#clock.monotonic() + CHECK_MS;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#noteStandstill();
      if (this.#running.size === 0) return;
      if (!this.#isHung) return this.#checkLater();
      this.#leaving = this.#leave(this.#cluster!, this.#logger!).finally(() => {
        this.#leaving = undefined;
        if (this.#running.size > 0) this.#checkLater();
      });
    }, CHECK_MS);
  }

  /** Whatever ended while this process stood still may be told only after this. */
  #noteStandstill(): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#dueMs > CHECK_MS) this.#runningMs = nowMs;
  }

  /** Announces that this broker stops, as long as the disk hangs. */
  async #leave(cluster: HungDiskCluster, logger: Logger): Promise<void> {
    const { nodeId, membership } = cluster;
    const { signal } = this.#closing;
    logger.warn("The disk does not answer: other brokers take over until it does", {
      seconds: HUNG_MS / 1000,
    });
    for (; this.#isHung; await pause(this.#clock, CHECK_MS, signal)) {
      if (signal.aborted) return;
      // The announcement goes with the registration, and has to be made again.
      if (cluster.brokerEpoch === 0 || cluster.isShuttingDown(nodeId)) continue;
      await membership.stepBack().catch((error) => {
        logger.warn("Cannot let others take over while the disk does not answer", { error });
      });
    }
    while (!signal.aborted && cluster.isShuttingDown(nodeId)) {
      try {
        await membership.stepForward();
        logger.info("The disk answers again");
        return;
      } catch (error) {
        logger.warn("Cannot return although the disk answers again", { error });
        await pause(this.#clock, CHECK_MS, signal);
      }
    }
  }
}
