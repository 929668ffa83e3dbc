/**
 * Tracks the messages that `produce` has sent: where they were written, and which failed.
 *
 * @module
 */

import type { DqueueError, RecordMetadata } from "../../../client/mod.ts";
import type { Context } from "../../terminal/context.ts";
import { writeJsonLine } from "../../records/json.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { errorToJson, reportFailure } from "../outcomes.ts";
import { OutageNotice } from "./outage_notice.ts";
import { CommandError } from "../../errors.ts";

/** Maximum number of batches in flight; the input waits beyond that. */
const MAX_PENDING = 8;
/** Slower responses are reported. */
const PATIENCE_MS = 5000;
const WAITING = "the broker to accept messages; retrying within --delivery-timeout";
/** Errors that concern a single message, so the next one may succeed. */
const ERRORS_OF_ONE = [
  "INVALID_RECORD",
  "INVALID_TIMESTAMP",
  "MESSAGE_TOO_LARGE",
  "RECORD_LIST_TOO_LARGE",
  "SERIALIZATION",
  "USAGE",
];

/** Messages written to a partition. */
interface Written {
  readonly topic: string;
  readonly partition: number;
  count: number;
  /** −1 if the broker did not return it. */
  firstOffset: number;
  lastOffset: number;
}

interface Failed {
  /** The first of the errors. */
  readonly error: DqueueError;
  count: number;
}

/** The part of `SendBatchError` used here; the SDK is loaded on demand. */
interface BatchFailure {
  readonly results: readonly (RecordMetadata | undefined)[];
  readonly errors: readonly (DqueueError | undefined)[];
}

const COLUMNS: readonly Column<Written>[] = [
  { heading: "TOPIC", cell: ({ topic }) => topic },
  { heading: "PARTITION", cell: ({ partition }) => partition },
  { heading: "MESSAGES", cell: ({ count }) => count },
  { heading: "FIRST OFFSET", cell: ({ firstOffset }) => knownOffset(firstOffset) },
  { heading: "LAST OFFSET", cell: ({ lastOffset }) => knownOffset(lastOffset) },
];

/** Deliveries of all messages sent. */
export class Deliveries implements Disposable {
  readonly #outage: OutageNotice;
  readonly #context: Context;
  readonly #output: "table" | "json";
  readonly #onSettled: (count: number) => void;
  readonly #written = new Map<string, Written>();
  /** What is written in a transaction that has not ended; undefined without transactions. */
  readonly #staged: Map<string, Written> | undefined;
  /** Failures by error code. */
  readonly #failed = new Map<string, Failed>();
  /** Batches in flight, oldest first; each settles after the previous ones. */
  readonly #pending: Promise<void>[] = [];
  #last: Promise<void> = Promise.resolve();
  #total = 0;
  #settledCount = 0;

  /**
   * @param onSettled Called with the number of messages that were written or failed.
   * @param isTransactional Whether messages count as written only once they are committed.
   */
  constructor(
    context: Context,
    output: "table" | "json",
    onSettled: (count: number) => void,
    isTransactional = false,
  ) {
    this.#staged = isTransactional ? new Map() : undefined;
    this.#context = context;
    this.#output = output;
    this.#onSettled = onSettled;
    this.#outage = new OutageNotice(context, "Producer", PATIENCE_MS);
  }

  /** Whether to stop reading: the failure does not concern a single message, or a transaction has failed. */
  get isHopeless(): boolean {
    if (this.#staged !== undefined && this.#failed.size > 0) return true;
    for (const code of this.#failed.keys()) if (!ERRORS_OF_ONE.includes(code)) return true;
    return false;
  }

  /** Adds messages in flight. Waits if there are too many. */
  async add(count: number, results: Promise<readonly RecordMetadata[]>): Promise<void> {
    this.#total += count;
    this.#outage.begin(WAITING);
    const settled = results.then(
      (written) => ({ results: written, errors: [] }),
      (error) =>
        "errors" in error ? error as BatchFailure : { results: [], errors: all(error, count) },
    );
    // In the order of the input, whichever batch the broker answers first.
    this.#last = Promise.all([settled, this.#last]).then(async ([batch]) => {
      this.#settle(count, batch);
      await this.#context.stdout.flush();
    });
    // The error is reported to callers of `finish()`.
    this.#last.catch(() => {});
    this.#pending.push(this.#last);
    if (this.#pending.length >= MAX_PENDING) await this.#pending.shift();
  }

  /** Waits until all messages have been written or have failed. */
  async finish(): Promise<void> {
    await this.#last;
  }

  /** Counts what was written since the last commit. */
  commit(): void {
    for (const [key, { count, lastOffset, ...written }] of this.#staged!) {
      const known = this.#written.get(key);
      if (known === undefined) this.#written.set(key, { ...written, count, lastOffset });
      else {
        known.count += count;
        known.lastOffset = lastOffset;
      }
    }
    this.#staged!.clear();
  }

  /** Forgets what was written since the last commit. */
  abort(): void {
    this.#staged!.clear();
  }

  [Symbol.dispose](): void {
    this.#outage[Symbol.dispose]();
  }

  /** Prints where messages were written, and the failures. */
  report(): void {
    let failed = 0;
    for (const { count, error } of this.#failed.values()) {
      failed += count;
      reportFailure(this.#context, error);
    }
    if (this.#output === "table" && this.#written.size > 0) {
      const rows = [...this.#written.values()];
      rows.sort((a, b) => compare(a.topic, b.topic) || a.partition - b.partition);
      printTable(this.#context, COLUMNS, rows, "");
    }
    if (failed === 0) return;
    const rest = this.isHopeless ? "; the rest of the input was not read" : "";
    const message = `${failed} of ${this.#total} messages were not written${rest}`;
    reportFailure(this.#context, new CommandError(message));
  }

  #settle(count: number, { results, errors }: BatchFailure): void {
    for (let i = 0; i < count; i++) {
      const metadata = results[i];
      const error = errors[i];
      if (metadata !== undefined) this.#note(metadata);
      else if (error !== undefined) this.#noteFailure(error);
      if (this.#output === "json") this.#writeJson(metadata, error);
    }
    this.#onSettled(count);
    this.#settledCount += count;
    this.#outage.end();
    if (this.#settledCount < this.#total) this.#outage.begin(WAITING);
  }

  #note({ topic, partition, offset }: RecordMetadata): void {
    const key = `${topic}-${partition}`;
    const all = this.#staged ?? this.#written;
    const written = all.get(key);
    if (written === undefined) {
      const place = { topic, partition, firstOffset: offset, lastOffset: offset };
      all.set(key, { ...place, count: 1 });
    } else {
      written.count++;
      written.lastOffset = offset;
    }
  }

  #noteFailure(error: DqueueError): void {
    const failed = this.#failed.get(error.code);
    if (failed === undefined) this.#failed.set(error.code, { error, count: 1 });
    else failed.count++;
  }

  #writeJson(metadata: RecordMetadata | undefined, error: DqueueError | undefined): void {
    const { stdout } = this.#context;
    if (metadata === undefined) return writeJsonLine(stdout, { error: errorToJson(error) });
    const { topic, partition, offset, timestamp } = metadata;
    writeJsonLine(stdout, { topic, partition, offset: knownOffset(offset), timestamp });
  }
}

function all(error: DqueueError, count: number): DqueueError[] {
  return new Array(count).fill(error);
}

function knownOffset(offset: number): number | null {
  return offset < 0 ? null : offset;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
