/**
 * How long partitions accepted no writes because of a fault.
 *
 * @module
 */

import type { HistoryEvent } from "./history.ts";

/** Acknowledgements of the partitions of a topic. */
export class Availability {
  readonly #times: number[][];
  readonly #last: number[];

  constructor(partitions: number) {
    this.#times = Array.from({ length: partitions }, () => []);
    this.#last = Array.from({ length: partitions }, () => -Infinity);
  }

  /** Notes an acknowledgement, in milliseconds since 1970. Those of one client come in order. */
  note(partition: number, timeMs: number): void {
    this.#times[partition]!.push(timeMs);
    this.#last[partition] = Math.max(this.#last[partition]!, timeMs);
  }

  /** Whether all partitions have had an acknowledgement since a time. */
  isBackSince(timeMs: number): boolean {
    return this.#last.every((last) => last > timeMs);
  }

  /**
   * The longest time without an acknowledgement of each partition that ended within a period; a
   * partition without any has the length of the period.
   */
  gaps(fromMs: number, toMs: number): number[] {
    return this.#times.map((times) => {
      const sorted = times.toSorted((a, b) => a - b);
      let before = fromMs;
      let longest = 0;
      for (const time of sorted) {
        if (time > toMs) break;
        if (time > fromMs) longest = Math.max(longest, time - before);
        before = Math.max(before, time);
      }
      return Math.max(longest, toMs - before);
    });
  }
}

/** How long sends took from the call to the acknowledgement. */
export class SendTimes {
  readonly #begun: Map<string, number> = new Map();
  /** Of those that began and ended since the last reset, by client. */
  #tookMs: Map<string, number[]> = new Map();
  /** Of the others that ended since. */
  #earlierMs: number[] = [];
  /** Those that began since the last reset. */
  readonly #recent: Set<string> = new Set();
  #failures = 0;

  /** Notes an event. */
  add(event: HistoryEvent): void {
    switch (event.type) {
      case "send":
        this.#begun.set(event.value, event.time);
        this.#recent.add(event.value);
        break;
      case "sent": {
        const begun = this.#begun.get(event.value);
        if (begun !== undefined) this.#note(event.value, event.time - begun);
        this.#begun.delete(event.value);
        break;
      }
      case "failed":
        this.#begun.delete(event.value);
        this.#failures++;
    }
  }

  /** Sends that have failed since the last reset. */
  get failures(): number {
    return this.#failures;
  }

  /** How long those took that began and ended since the last reset, by client. */
  get byClient(): ReadonlyMap<string, readonly number[]> {
    return this.#tookMs;
  }

  /** How long a part of the sends took at most that ended since the last reset; 0 if there are none. */
  percentile(part: number): number {
    return percentile([...this.#tookMs.values(), this.#earlierMs].flat(), part) ?? 0;
  }

  #note(value: string, tookMs: number): void {
    if (!this.#recent.delete(value)) {
      this.#earlierMs.push(tookMs);
      return;
    }
    const [client] = value.split("/") as [string];
    const known = this.#tookMs.get(client);
    if (known === undefined) this.#tookMs.set(client, [tookMs]);
    else known.push(tookMs);
  }

  /** Forgets what has ended; sends in flight count when they end. */
  reset(): void {
    this.#tookMs = new Map();
    this.#earlierMs = [];
    this.#recent.clear();
    this.#failures = 0;
  }
}

/** What a part of the values is at most; undefined if there are none. */
export function percentile(values: readonly number[], part: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

/** Unavailability by fault, as rows of text. */
export function formatTable(gaps: ReadonlyMap<string, readonly number[]>): string[] {
  const width = Math.max(...Array.from(gaps.keys(), (name) => name.length), 5);
  const row = (name: string, cells: readonly string[]) =>
    `${name.padEnd(width)}  ${cells.map((cell) => cell.padStart(8)).join("")}`;
  const rows = [row("fault", ["times", "p50", "p99", "worst"])];
  for (const [name, all] of gaps) {
    const seconds = [0.5, 0.99, 1].map((part) => `${(percentile(all, part)! / 1000).toFixed(2)} s`);
    rows.push(row(name, [`${all.length}`, ...seconds]));
  }
  return rows;
}
