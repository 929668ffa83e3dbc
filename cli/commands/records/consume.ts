/**
 * `dqueue consume`.
 *
 * @module
 */

import type {
  Client,
  ConsumerOptions,
  ConsumerStatus,
  CorruptBatchError,
  IsolationLevel,
  Message,
} from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { isInterruption, UsageError } from "../../errors.ts";
import { type OffsetSpec, parseOffsetSpec } from "../../../client/text/offset_spec.ts";
import { Progress } from "../../terminal/progress.ts";
import { connect, patientConnectionFlags } from "../connection.ts";
import { regexFlag } from "../name_selection.ts";
import { OutageNotice, warnOfReset } from "./outage_notice.ts";
import { type PartitionRange, partitionRanges } from "../../../client/text/partition_ranges.ts";
import { partitionsFlag, selectPartitions } from "../partition_selection.ts";
import { autoOffsetResetOf, readGroup } from "./read_group.ts";
import { readRanges } from "./read_ranges.ts";
import {
  formatPrinter,
  jsonPrinter,
  MessageView,
  type RecordPrinter,
  textPrinter,
  valuePrinter,
} from "./record_printer.ts";
import { selectTopics } from "../topic/topic_names.ts";

/** `consume`. */
export const consume = command({
  name: "consume",
  summary: "Print messages of topics",
  description:
    `Prints the messages of topics from the start, then waits for new ones until Ctrl-C. On a ` +
    `terminal it also shows the position of each message; in a pipe it prints only values, each with ` +
    `a newline. --format and --output change that.\n\n` +
    `With --group it shares the partitions with the other members of the group, continues from the ` +
    `committed offsets, and commits printed messages.\n\n` +
    `Offsets:\n` +
    `  start, end       the first message, the next one to be written\n` +
    `  N, +N, -N        offset N, N after the start, the last N of each partition\n` +
    `  A:B              from A up to, not including, B; either may be missing\n` +
    `  :end             all current messages\n` +
    `  @T, @T1:T2       by time: seconds or milliseconds since 1970, 2024-12-30,\n` +
    `                   2024-12-30T23:06:40Z, or relative to now: @-1h:end\n\n` +
    `Format:\n` +
    `  %t topic  %p partition  %o offset  %k key  %v value  %d timestamp  %h{%k=%v } headers\n` +
    `  %T %K %V lengths  %H number of headers  %e leader epoch  %i count  %% percent\n` +
    `  with modifiers %v{hex} %v{base64} %v{json} %d{strftime[%F %T]} %V{big32}, and \\n \\t \\x00`,
  args: { topics: { value: "TOPIC", many: true, doc: "Names of the topics" } },
  flags: {
    offset: {
      alias: "o",
      parse: parseOffsetSpec,
      value: "OFFSET",
      default: "start",
      env: false,
      doc: "Where to start, and optionally where to stop",
    },
    num: {
      alias: "n",
      otherNames: ["max-messages"],
      type: "integer",
      min: 1,
      env: false,
      doc: "Stop after this number of messages",
    },
    ...partitionsFlag,
    group: {
      alias: "g",
      value: "GROUP",
      env: false,
      doc: "Read as a member of this group, and commit printed messages",
    },
    exit: { alias: "e", type: "boolean", env: false, doc: "Exit at the end instead of waiting" },
    format: {
      alias: "f",
      value: "FORMAT",
      parse: formatPrinter,
      env: false,
      doc: "Format of each message; overrides --output",
    },
    output: {
      choices: ["table", "json"],
      fallback: "text on a terminal, values only in a pipe",
      doc: "Text for people, or one JSON object per line",
    },
    ...regexFlag,
    skipCorrupt: {
      type: "boolean",
      env: false,
      doc: "Skip corrupt batches, with a warning for each",
    },
    isolation: {
      choices: ["read_uncommitted", "read_committed"],
      fallback: "read_uncommitted",
      fileNames: ["isolation.level"],
      doc: "All messages, or only those outside of open and aborted transactions",
    },
    readCommitted: { type: "boolean", doc: "The same as --isolation read_committed" },
    ...patientConnectionFlags,
  },
  examples: [
    { doc: "All messages, then new ones", command: "dqueue consume orders" },
    { doc: "The last ten of each partition", command: "dqueue consume orders -o -10 -e" },
    {
      doc: "The last hour, as key and value",
      command: "dqueue consume orders -o @-1h:end -f '%k: %v\\n'",
    },
    { doc: "As a member of a group", command: "dqueue consume orders -g billing" },
    {
      doc: "Only messages of committed transactions",
      command: "dqueue consume payments -e --isolation read_committed",
    },
    {
      doc: "Copy a topic, keys, headers and timestamps included",
      command: "dqueue consume a -e --output json | dqueue produce b --input json",
    },
  ],
  async run(context, { args, flags }) {
    if (flags.group !== undefined) ensureGroupUsable(flags.group, flags.offset, flags.partition);
    const print = printerOf(context, flags.format, flags.output);
    await using client = await connect(context, flags, { waits: true });
    const selection = { names: args.topics, isRegex: flags.regex, internal: false };
    const listings = await selectTopics(context, client.admin(), selection);
    const reading: Reading = {
      topics: listings.map(({ name }) => name),
      offset: flags.offset,
      partitions: flags.partition,
      isolation: isolationOf(flags),
      limit: flags.num ?? Infinity,
      stopsAtEnd: flags.exit,
      onCorruptBatch: flags.skipCorrupt ? (error) => warnOfCorrupt(context, error) : undefined,
    };
    if (flags.group === undefined) await consumeRanges(context, client, reading, print);
    else await consumeGroup(context, client, flags.group, reading, print);
  },
});

/** @throws {UsageError} If the flags contradict each other. */
function isolationOf(
  { isolation, readCommitted }: {
    readonly isolation: IsolationLevel | undefined;
    readonly readCommitted: boolean;
  },
): IsolationLevel {
  if (readCommitted && isolation === "read_uncommitted") {
    throw new UsageError("Cannot use --read-committed with --isolation read_uncommitted");
  }
  return readCommitted ? "read_committed" : isolation ?? "read_uncommitted";
}

/** What to read. */
interface Reading {
  readonly topics: readonly string[];
  readonly offset: OffsetSpec;
  /** Partition numbers; empty for all. */
  readonly partitions: readonly number[];
  readonly isolation: IsolationLevel;
  readonly limit: number;
  readonly stopsAtEnd: boolean;
  readonly onCorruptBatch: ConsumerOptions["onCorruptBatch"];
}

async function consumeRanges(
  context: Context,
  client: Client,
  { topics, offset, partitions, isolation, limit, stopsAtEnd, onCorruptBatch }: Reading,
  print: RecordPrinter,
): Promise<void> {
  const { signal, stderr } = context;
  const admin = client.admin();
  const selected = await selectPartitions(context, admin, topics, partitions);
  const found = await partitionRanges(admin, selected, offset, { isolation, signal });
  for (const range of found) warnIfMissing(context, range);
  await stderr.flush();
  const ranges = stopsAtEnd ? found.map(untilEnd) : found;
  const isFollowing = limit === Infinity && ranges.some(({ to }) => to === undefined);
  await untilInterrupted(context, isFollowing, async () => {
    using outage = new OutageNotice(context, "Consumer");
    const onStatus = ({ waitingFor, error }: ConsumerStatus) => {
      if (error === undefined) outage.end();
      else if (error.code === "OFFSET_OUT_OF_RANGE") warnOfReset(stderr, error);
      else outage.begin(`${waitingFor}: ${error.message}`);
    };
    await using consumer = client.consumer({ isolation, onCorruptBatch, onStatus });
    const readsNewPartitions = isFollowing && partitions.length === 0;
    const messages = readRanges(consumer, ranges, { readsNewPartitions, limit, signal });
    await printMessages(context, messages, print, Math.min(countOf(ranges), limit));
  });
}

async function consumeGroup(
  context: Context,
  client: Client,
  groupId: string,
  { offset, ...reading }: Reading,
  print: RecordPrinter,
): Promise<void> {
  const { topics, isolation, limit, stopsAtEnd, onCorruptBatch } = reading;
  const options = {
    groupId,
    topics,
    isolation,
    autoOffsetReset: autoOffsetResetOf(offset),
    limit,
    stopsAtEnd,
    onCorruptBatch,
  };
  await untilInterrupted(context, limit === Infinity && !stopsAtEnd, () => {
    return printMessages(context, readGroup(context, client, options), print, limit);
  });
}

/** @throws {UsageError} If flags cannot be combined with `--group`. */
function ensureGroupUsable(
  groupId: string,
  offset: OffsetSpec,
  partitions: readonly number[],
): void {
  if (groupId === "") {
    throw new UsageError('Cannot use --group "": the group id is invalid (INVALID_GROUP_ID)');
  }
  autoOffsetResetOf(offset);
  if (partitions.length > 0) {
    throw new UsageError("Cannot use --partition with --group: the group divides the partitions");
  }
}

/** A command that follows a topic is ended by Ctrl-C; that is a success. */
async function untilInterrupted(
  { signal, stdout }: Context,
  isFollowing: boolean,
  follow: () => Promise<void>,
): Promise<void> {
  try {
    await follow();
  } catch (error) {
    if (!isFollowing || !isInterruption(error, signal)) throw error;
    // The terminal has printed ^C there.
    if (stdout.isTerminal) stdout.line();
  }
}

function printerOf(
  { stdout }: Context,
  format: RecordPrinter | undefined,
  output: "table" | "json" | undefined,
): RecordPrinter {
  // --output may come from a variable that applies to all commands.
  if (format !== undefined) return format;
  if (output === "json") return jsonPrinter;
  return output === "table" || stdout.isTerminal ? textPrinter(stdout.style) : valuePrinter;
}

function warnIfMissing({ stderr }: Context, range: PartitionRange): void {
  const { topic, partition, start, end, from, missing } = range;
  if (missing === undefined) return;
  stderr.line(
    `${stderr.style.yellow("Warning:")} "${topic}-${partition}" has offsets ${start} to ${end}, ` +
      `not ${missing}; reading from ${from}`,
  );
}

function warnOfCorrupt({ stderr }: Context, error: CorruptBatchError): void {
  const last = error.nextOffset - 1;
  stderr.line(
    `${stderr.style.yellow("Warning:")} ${error.message}; skipped to offset ${last}`,
  );
}

/** Limits a range to the current end. */
function untilEnd(range: PartitionRange): PartitionRange {
  return { ...range, to: Math.min(range.to ?? Infinity, range.end) };
}

/** Number of messages to read; an upper bound. */
function countOf(ranges: readonly PartitionRange[]): number {
  return ranges.reduce((sum, { from, to = Infinity }) => sum + Math.max(0, to - from), 0);
}

async function printMessages(
  context: Context,
  batches: AsyncIterable<readonly Message[]>,
  print: RecordPrinter,
  total: number,
): Promise<void> {
  const { stdout } = context;
  using progress = progressOf(context, total);
  const view = new MessageView();
  for await (const messages of batches) {
    for (const message of messages) {
      print(view.of(message), stdout.buffer);
      if (stdout.isFull) await stdout.flush();
    }
    progress?.add(messages.length);
    await stdout.flush();
  }
}

/**
 * On a terminal the messages themselves show the progress, and in a pipe another program may write
 * to the terminal.
 */
function progressOf(context: Context, total: number): Progress | undefined {
  if (!context.stdout.isFile) return undefined;
  const options = { label: "Consuming", unit: "messages" };
  return new Progress(context, total === Infinity ? options : { ...options, total });
}
