/**
 * Reads topics as a member of a group, for `consume --group`.
 *
 * @module
 */

import type {
  Client,
  ConsumerOptions,
  GroupConsumer,
  GroupConsumerStatus,
  IsolationLevel,
  Message,
  TopicPartition,
} from "../../../client/mod.ts";
import type { Context } from "../../terminal/context.ts";
import { UsageError } from "../../errors.ts";
import type { OffsetSpec } from "../../../client/text/offset_spec.ts";
import type { Output } from "../../terminal/output.ts";
import { endOffsets } from "../end_offsets.ts";
import { OutageNotice, warnOfReset } from "./outage_notice.ts";
import { partitionKey, partitionsText } from "../topic_partitions.ts";

/** Maximum number of messages yielded together. */
const MAX_BATCH_COUNT = 2000;
/** How long to wait for messages before checking for the end. */
const END_CHECK_MS = 200;
const IDLE_MS = 60_000;
const COMMIT_INTERVAL_MS = 1000;
/** Waits longer than this are reported. */
const PATIENCE_MS = 1000;
/** Maximum wait after Ctrl-C. */
const LAST_COMMIT_MS = 5000;

/** What to read, and how much. */
interface GroupReadOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly isolation: IsolationLevel;
  /** Where to start in partitions without a committed offset. */
  readonly autoOffsetReset: "earliest" | "latest";
  /** Maximum number of messages to read in total. */
  readonly limit: number;
  /** Whether to stop at the end of all partitions of this member, or if it has none. */
  readonly stopsAtEnd: boolean;
  /** Called for corrupt batches, which are then skipped. */
  readonly onCorruptBatch: ConsumerOptions["onCorruptBatch"];
}

/**
 * Reads as a member of a group. Messages are committed when the next ones are requested, and when
 * reading ends or is interrupted, so none is skipped if printing fails.
 *
 * @returns Non-empty arrays of messages.
 * @throws The reason of the context's signal.
 */
export async function* readGroup(
  context: Context,
  client: Client,
  { limit, stopsAtEnd, ...options }: GroupReadOptions,
): AsyncGenerator<Message[], void, void> {
  const { signal } = context;
  using teller = new StatusReporter(context, options.groupId);
  await using consumer: GroupConsumer = client.groupConsumer({
    ...options,
    autoCommitIntervalMs: COMMIT_INTERVAL_MS,
    onStatus: (status) => teller.onStatus(status, consumer.assignment),
  });
  await consumer.joinGroup({ signal });
  const timeoutMs = stopsAtEnd ? END_CHECK_MS : IDLE_MS;
  try {
    for (let count = 0; count < limit;) {
      const max = Math.min(MAX_BATCH_COUNT, limit - count);
      const messages = await consumer.poll(max, { timeoutMs, signal });
      count += messages.length;
      if (messages.length > 0) yield messages;
      else if (stopsAtEnd && await isAtEnd(context, client, consumer, options.isolation)) break;
    }
  } catch (error) {
    // Reading ends without an error only after the last messages have been printed.
    if (signal.aborted) await consumer.commit({ timeoutMs: LAST_COMMIT_MS });
    throw error;
  }
  await consumer.commit({ signal });
}

/**
 * Converts `--offset` for a group, where it only applies to partitions without a committed offset.
 *
 * @throws {UsageError} If it is not the start or the end.
 */
export function autoOffsetResetOf({ from, to }: OffsetSpec): "earliest" | "latest" {
  if (to === undefined && from.type === "start" && from.plus === 0) return "earliest";
  if (to === undefined && from.type === "end" && from.minus === 0) return "latest";
  throw new UsageError(
    "Cannot use --offset with --group, except start and end, which apply if nothing is committed; " +
      '"dqueue group reset-offsets" changes the offsets of a group',
  );
}

/** Whether this member has nothing left to read. */
async function isAtEnd(
  context: Context,
  client: Client,
  consumer: GroupConsumer,
  isolation: IsolationLevel,
): Promise<boolean> {
  const { state } = consumer.status;
  if (state !== "reading" && state !== "standby") return false;
  const places = consumer.assignment;
  const ends = await endOffsets(context, client.admin(), places, isolation);
  return places.every((place) => {
    const end = ends.get(partitionKey(place));
    const position = consumer.position(place.topic, place.partition);
    return end !== undefined && position !== undefined && position >= end;
  });
}

/**
 * Reports the state of the membership on standard error: on a terminal every change, and elsewhere
 * only problems that last.
 */
class StatusReporter implements Disposable {
  readonly #stderr: Output;
  readonly #subject: string;
  readonly #outage: OutageNotice;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reported = "";

  constructor(context: Context, groupId: string) {
    this.#stderr = context.stderr;
    this.#subject = `Group "${groupId}"`;
    this.#outage = new OutageNotice(context, this.#subject);
  }

  /** Handles a status; a transitional one is reported only if it lasts. */
  onStatus(
    { state, waitingFor, error }: GroupConsumerStatus,
    assignment: readonly TopicPartition[],
  ): void {
    clearTimeout(this.#timer);
    // The command reports leaving and failures itself.
    if (state === "left" || state === "failed") return;
    if (error?.code === "OFFSET_OUT_OF_RANGE") return warnOfReset(this.#stderr, error);
    if (error !== undefined) return this.#outage.begin(`${waitingFor}: ${error.message}`);
    // A transitional state does not end an outage.
    if (state === "reading" || state === "standby") this.#outage.end();
    if (!this.#stderr.isTerminal) return;
    else if (state === "reading") this.#report(`reading ${partitionsText(assignment)}`);
    else if (state === "standby") {
      this.#report("standing by, all partitions are assigned to other members");
    } else this.#timer = setTimeout(() => this.#report(`waiting for ${waitingFor}`), PATIENCE_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outage[Symbol.dispose]();
  }

  #report(what: string): void {
    const text = `${this.#subject}: ${what}`;
    if (text === this.#reported) return;
    this.#reported = text;
    this.#stderr.line(this.#stderr.style.dim(text));
    // A failure surfaces at the next flush.
    this.#stderr.flush().catch(() => {});
  }
}
