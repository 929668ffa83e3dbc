/**
 * Until code is compiled and memory is there, a broker is slower than it will be: a virtual machine of
 * Java that has one core is so for half a minute.
 *
 * @module
 */

import { cpuSeconds } from "../brokers/process_usage.ts";
import type { Target } from "./target.ts";

/** How often a rate is looked at. */
const LOOK_MS = 500;
/** Looks in each of two spans that follow each other: the rate is stable over both of them. */
const SPAN_LOOKS = 6;
/** A rate is stable that is no more than so many times as high as in any span before… */
const GROWTH = 1.03;
/** …and no lower than this part of it, as it is for a while when garbage is collected. */
const DIP = 0.9;

/** What was done by a moment, and what it took: both only ever grow. */
interface Look {
  readonly work: number;
  readonly cost: number;
}

/** Tells from work done and what it took whether the rate is stable. */
export class Steadiness {
  readonly #looks: Look[] = [{ work: 0, cost: 0 }];
  /** The highest rate of any span but the last. */
  #highest = 0;

  /** Adds what was done since the last look. */
  add(work: number, cost: number): void {
    const last = this.#looks.at(-1)!;
    this.#looks.push({ work: last.work + work, cost: last.cost + cost });
    const before = this.#rate(SPAN_LOOKS);
    if (before !== undefined) this.#highest = Math.max(this.#highest, before);
  }

  /** Whether the rate neither grows nor falls, over two spans at least. */
  get isSteady(): boolean {
    const rate = this.#rate(0);
    if (rate === undefined || this.#highest === 0) return false;
    return rate <= this.#highest * GROWTH && rate >= this.#highest * DIP;
  }

  /** The rate over the span that ends so many looks ago. */
  #rate(ago: number): number | undefined {
    const end = this.#looks.at(-1 - ago);
    const start = this.#looks.at(-1 - ago - SPAN_LOOKS);
    if (start === undefined || end === undefined || end.cost === start.cost) return undefined;
    return (end.work - start.work) / (end.cost - start.cost);
  }
}

/** How long warming up may take, over everything that is watched. */
export interface WarmUpBounds {
  /**
   * At least, even if the rate is stable, as it may be for a while before code is compiled. Of the broker's
   * processor time, where that is known: compilers wait for a busy core, too.
   */
  readonly leastMs: number;
  readonly mostMs: number;
}

/**
 * The time before it counts: lasts until the rate is stable, within bounds.
 *
 * The rate is that by processor time of the broker, which depends less on what else the machine does
 * than that by time; by time where the process is not known.
 */
export class WarmUp {
  readonly #pid: number | undefined;
  readonly #bounds: WarmUpBounds;
  readonly #startMs = performance.now();
  readonly #startCost: number;
  readonly #steadiness = new Steadiness();

  constructor({ pid }: Target, bounds: WarmUpBounds) {
    this.#pid = pid;
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

  /** How long it took, and whether it was enough, for people. */
  get note(): string {
    const seconds = `warmed up for ${Math.round(this.elapsedMs / 1000)} s`;
    return this.#steadiness.isSteady ? seconds : `${seconds} and not stable`;
  }

  /**
   * Looks at work until warming up is over, or as long as the work may last.
   *
   * @param progress How much of it has been done so far.
   * @param most How much of it may be done.
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

  /** Seconds of processor time, or of time. */
  #cost(): number {
    return (this.#pid === undefined ? undefined : cpuSeconds(this.#pid)) ??
      performance.now() / 1000;
  }
}
