/**
 * Warms brokers up: until code is compiled and memory is allocated a broker is slower, a Java virtual machine
 * on one core for half a minute.
 *
 * @module
 */

import { cpuSecondsOf } from "../brokers/process_usage.ts";
import type { Target } from "./target.ts";

/** How often the rate is sampled. */
const LOOK_MS = 500;
/** Samples in each of two consecutive spans, over which a stable rate is compared. */
const SPAN_LOOKS = 6;
/** A rate is stable if it is at most this many times the rate of any earlier span… */
const GROWTH = 1.03;
/** …and at least this share of it; garbage collection lowers it for a while. */
const DIP = 0.9;

/** The work done up to a moment, and what it took; both only grow. */
interface Look {
  readonly work: number;
  readonly cost: number;
}

/** Decides whether a rate is stable. */
export class Steadiness {
  readonly #looks: Look[] = [{ work: 0, cost: 0 }];
  /** The highest rate of any span except the last. */
  #highest = 0;

  /** Adds a sample. */
  add(work: number, cost: number): void {
    const last = this.#looks.at(-1)!;
    this.#looks.push({ work: last.work + work, cost: last.cost + cost });
    const before = this.#rate(SPAN_LOOKS);
    if (before !== undefined) this.#highest = Math.max(this.#highest, before);
  }

  /** Whether the rate neither grows nor falls over at least two spans. */
  get isSteady(): boolean {
    const rate = this.#rate(0);
    if (rate === undefined || this.#highest === 0) return false;
    return rate <= this.#highest * GROWTH && rate >= this.#highest * DIP;
  }

  /** Returns the rate over the span that ends `ago` samples ago. */
  #rate(ago: number): number | undefined {
    const end = this.#looks.at(-1 - ago);
    const start = this.#looks.at(-1 - ago - SPAN_LOOKS);
    if (start === undefined || end === undefined || end.cost === start.cost) return undefined;
    return (end.work - start.work) / (end.cost - start.cost);
  }
}

/** Limits of a warm-up, over all its loads. */
export interface WarmUpBounds {
  /**
   * The minimum, even if the rate is stable, which it may be for a while before code is compiled. In the
   * broker's processor time, if known, because compilers wait for a busy core too.
   */
  readonly leastMs: number;
  readonly mostMs: number;
}

/**
 * A warm-up: the time before measuring. It lasts until the rate is stable, within limits.
 *
 * The rate is per processor time of the broker, which depends less on other work of the machine than the
 * rate per time; per time if the process is not known.
 */
export class WarmUp {
  readonly #pids: readonly number[];
  readonly #bounds: WarmUpBounds;
  readonly #startMs = performance.now();
  readonly #startCost: number;
  readonly #steadiness = new Steadiness();

  constructor({ pids }: Target, bounds: WarmUpBounds) {
    this.#pids = pids;
    this.#bounds = bounds;
    this.#startCost = this.#cost();
  }

  /** Whether the rate is stable or time is up. */
  get isOver(): boolean {
    const { leastMs, mostMs } = this.#bounds;
    if (this.elapsedMs >= mostMs) return true;
    return this.#steadiness.isSteady && this.#cost() - this.#startCost >= leastMs / 1000;
  }

  /** How long it has taken so far. */
  get elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  /** A note for the report: how long it took, and whether the rate became stable. */
  get note(): string {
    const seconds = `warmed up for ${Math.round(this.elapsedMs / 1000)} s`;
    return this.#steadiness.isSteady ? seconds : `${seconds} and not stable`;
  }

  /**
   * Watches a load until the warm-up is over, or the load reaches its limit.
   *
   * @param progress Returns the work done so far.
   * @param most The limit of the work.
   */
  async watch(progress: () => number, most = Infinity): Promise<void> {
    let before = progress();
    let costBefore = this.#cost();
    while (!this.isOver && before < most) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const now = progress();
      const cost = this.#cost();
      this.#steadiness.add(now - before, cost - costBefore);
      before = now;
      costBefore = cost;
    }
  }

  /** Returns the seconds of processor time, or of time. */
  #cost(): number {
    return cpuSecondsOf(this.#pids) ?? performance.now() / 1000;
  }
}
