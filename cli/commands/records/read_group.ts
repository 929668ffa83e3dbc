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
import type { OffsetSpec } from "../../records/offset_spec.ts";
import type { Output } from "../../terminal/output.ts";
import { endOffsets } from "../end_offsets.ts";
import { OutageNotice, warnOfReset } from "./outage_notice.ts";
import { partitionKey, placesText } from "../places.ts";

/** Messages handed out at once. */
const MAX_BATCH_COUNT = 2000;
/** How long to wait for messages before looking whether the end has come. */
const END_CHECK_MS = 200;
const IDLE_MS = 60_000;
const COMMIT_INTERVAL_MS = 1000;
/** How long a wait may last before it is told. */
const PATIENCE_MS = 1000;
/** How long somebody who has pressed Ctrl-C may have to wait. */
const LAST_COMMIT_MS = 5000;

/** What to read, and how much of it. */
export interface GroupReadOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly isolationLevel: IsolationLevel;
  /** Where to begin in partitions without a committed offset. */
  readonly autoOffsetReset: "earliest" | "latest";
  /** The most messages to read in all. */
  readonly limit: number;
  /** Whether to stop where all partitions that this member holds end, or when it holds none. */
  readonly stopsAtEnd: boolean;
  /** Is told of batches that cannot be read, which are left out then. */
  readonly onCorruptBatch: ConsumerOptions["onCorruptBatch"];
}

/**
 * Reads as a member of a group. Messages are committed once the next ones are asked for, and when reading
 * ends or is interrupted, so none is skipped if printing them fails.
 *
 * @returns arrays of messages, none of them empty
 * @throws the reason of the context's signal
 */
export async function* readGroup(
  context: Context,
  client: Client,
  { limit, stopsAtEnd, ...options }: GroupReadOptions,
): AsyncGenerator<Message[], void, void> {
  const { signal } = context;
  using teller = new StatusTeller(context, options.groupId);
  await using consumer: GroupConsumer = client.groupConsumer({
    ...options,
    autoCommitInterval: COMMIT_INTERVAL_MS,
    onStatus: (status) => teller.onStatus(status, consumer.assignment),
  });
  await consumer.joinGroup({ signal });
  const timeout = stopsAtEnd ? END_CHECK_MS : IDLE_MS;
  try {
    for (let count = 0; count < limit;) {
      const max = Math.min(MAX_BATCH_COUNT, limit - count);
      const messages = await consumer.poll(max, { timeout, signal });
      count += messages.length;
      if (messages.length > 0) yield messages;
      else if (stopsAtEnd && await isAtEnd(context, client, consumer)) break;
    }
  } catch (error) {
    // Nothing is thrown in here before the last messages were printed.
    if (signal.aborted) await consumer.commit({ timeout: LAST_COMMIT_MS });
    throw error;
  }
  await consumer.commit({ signal });
}

/**
 * What `--offset` says to a group: its committed offsets say where it goes on, so only where it begins is
 * left to choose.
 *
 * @throws {UsageError} if it is another place
 */
export function autoOffsetResetOf({ from, to }: OffsetSpec): "earliest" | "latest" {
  if (to === undefined && from.type === "start" && from.plus === 0) return "earliest";
  if (to === undefined && from.type === "end" && from.minus === 0) return "latest";
  throw new UsageError(
    "Cannot use --offset with --group but for start and end, which say where to begin if nothing is " +
      'committed; "dqueue group reset-offsets" sets a group elsewhere',
  );
}

/** Whether this member has nothing left to read. */
async function isAtEnd(
  context: Context,
  client: Client,
  consumer: GroupConsumer,
): Promise<boolean> {
  const { state } = consumer.status;
  if (state !== "reading" && state !== "standby") return false;
  const places = consumer.assignment;
  const ends = await endOffsets(context, client.admin(), places);
  return places.every((place) => {
    const end = ends.get(partitionKey(place));
    const position = consumer.position(place.topic, place.partition);
    return end !== undefined && position !== undefined && position >= end;
  });
}

/**
 * Tells on standard error how the membership fares: on a terminal each time it is something else, and
 * anywhere what is wrong and lasts.
 */
class StatusTeller implements Disposable {
  readonly #stderr: Output;
  readonly #who: string;
  readonly #outage: OutageNotice;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #told = "";

  constructor(context: Context, groupId: string) {
    this.#stderr = context.stderr;
    this.#who = `Group "${groupId}"`;
    this.#outage = new OutageNotice(context, this.#who);
  }

  /** Takes note of a status; one that only leads to the next is told if it lasts. */
  onStatus(
    { state, waitingFor, error }: GroupConsumerStatus,
    assignment: readonly TopicPartition[],
  ): void {
    clearTimeout(this.#timer);
    // The command itself knows that it leaves, and tells of a failure.
    if (state === "left" || state === "failed") return;
    if (error?.code === "OFFSET_OUT_OF_RANGE") return warnOfReset(this.#stderr, error);
    if (error !== undefined) return this.#outage.begin(`${waitingFor}: ${error.message}`);
    // What only leads to the next state is no sign that all is well.
    if (state === "reading" || state === "standby") this.#outage.end();
    if (!this.#stderr.isTerminal) return;
    else if (state === "reading") this.#tell(`reading ${placesText(assignment)}`);
    else if (state === "standby") this.#tell("standing by, others hold all partitions");
    else this.#timer = setTimeout(() => this.#tell(`waiting for ${waitingFor}`), PATIENCE_MS);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outage[Symbol.dispose]();
  }

  #tell(what: string): void {
    const text = `${this.#who}: ${what}`;
    if (text === this.#told) return;
    this.#told = text;
    this.#stderr.line(this.#stderr.style.dim(text));
    // A failure shows at the next flush again.
    this.#stderr.flush().catch(() => {});
  }
}
