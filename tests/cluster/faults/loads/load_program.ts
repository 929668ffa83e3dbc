/**
 * What the programs that put load on a cluster have in common: they write events to stdout, and take
 * two words from stdin.
 *
 * `drain` ends the sends; when the outcome of all is known, the program writes `drained`. Then a line
 * with the ends of all partitions lets it end when its group has read up to them.
 *
 * @module
 */

import { TextLineStream } from "@std/streams";
import type { HistoryEvent } from "../history.ts";

/** Arguments of a program. */
export interface LoadArguments {
  readonly addresses: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  /** The name of the client, which values begin with, and of its group. */
  readonly name: string;
  /** Pause between sends of one value to each partition. */
  readonly pauseMs: number;
}

const ENCODER = new TextEncoder();

/** The arguments of this program. */
export function loadArguments(): LoadArguments {
  const [addresses, topic, partitions, name, pauseMs] = Deno.args as string[];
  return {
    addresses: addresses!.split(","),
    topic: topic!,
    partitions: Number(partitions),
    name: name!,
    pauseMs: Number(pauseMs),
  };
}

/** Writes an event; it is complete when this returns. */
export function tell(event: HistoryEvent): void {
  writeLine(JSON.stringify(event));
}

/** Writes a line. */
export function writeLine(line: string): void {
  const bytes = ENCODER.encode(`${line}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** What the runner asks for. */
export class Orders {
  readonly #draining = Promise.withResolvers<void>();
  readonly #ends = Promise.withResolvers<readonly number[]>();
  #isDraining = false;

  constructor() {
    this.#read();
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Resolves with the ends of the partitions. */
  get ends(): Promise<readonly number[]> {
    return this.#ends.promise;
  }

  /** Resolves after a pause, or when the sends are to end. */
  async pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const passed = new Promise<void>((resolve) => timer = setTimeout(resolve, ms));
    await Promise.race([passed, this.#draining.promise]);
    clearTimeout(timer);
  }

  async #read(): Promise<void> {
    const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    for await (const line of lines) {
      if (line === "drain") {
        this.#isDraining = true;
        this.#draining.resolve();
      } else this.#ends.resolve(JSON.parse(line));
    }
    // The runner is gone.
    Deno.exit(1);
  }
}

/** How far a group has read. */
export class Progress {
  readonly #next: number[] = [];
  #ends: readonly number[] | undefined;
  readonly #done = Promise.withResolvers<void>();

  constructor(orders: Orders) {
    orders.ends.then((ends) => {
      this.#ends = ends;
      this.#check();
    });
  }

  /** Resolves when the group has read up to the ends. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  note(partition: number, offset: number): void {
    this.#next[partition] = Math.max(this.#next[partition] ?? 0, offset + 1);
    if (this.#ends !== undefined) this.#check();
  }

  #check(): void {
    const isDone = this.#ends!.every((end, partition) => (this.#next[partition] ?? 0) >= end);
    if (isDone) this.#done.resolve();
  }
}
