/**
 * `dqueue consume`.
 *
 * @module
 */

import type { Client } from "../../client/mod.ts";
import { command } from "../command.ts";
import type { Context } from "../context.ts";
import { isInterruption } from "../errors.ts";
import { parseOffsetSpec } from "../offset_spec.ts";
import { Progress } from "../progress.ts";
import { connect, connectionFlags } from "./connection.ts";
import { regexFlag } from "./name_selection.ts";
import { type PartitionRange, partitionRanges } from "./partition_ranges.ts";
import { partitionsFlag, selectPartitions } from "./partition_selection.ts";
import { readRanges } from "./read_ranges.ts";
import {
  formatPrinter,
  jsonPrinter,
  MessageView,
  type RecordPrinter,
  textPrinter,
  valuePrinter,
} from "./record_printer.ts";
import { selectTopics } from "./topic_names.ts";

/** `consume`. */
export const consume = command({
  name: "consume",
  summary: "Print messages of topics",
  description:
    `Prints the messages of topics from the start, then waits for new ones until Ctrl-C. On a ` +
    `terminal it shows where each message stands; in a pipe it prints the value and a newline, ` +
    `unless --format or --output say otherwise.\n\n` +
    `Offsets:\n` +
    `  start, end       the first message there is, the next one that will be written\n` +
    `  N, +N, -N        offset N, N after the start, the last N of each partition\n` +
    `  A:B              from A up to, not including, B; either may be missing\n` +
    `  :end             what is there now\n` +
    `  @T, @T1:T2       by time: seconds or milliseconds since 1970, 2024-12-30,\n` +
    `                   2024-12-30T23:06:40Z, or back from now: @-1h:end\n\n` +
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
      doc: "Where to start, and perhaps to stop",
    },
    num: { alias: "n", type: "integer", min: 1, env: false, doc: "Stop after so many messages" },
    ...partitionsFlag,
    exit: { alias: "e", type: "boolean", env: false, doc: "Stop at the end and do not wait" },
    format: {
      alias: "f",
      value: "FORMAT",
      parse: formatPrinter,
      env: false,
      doc: "Print each message like this, whatever --output says",
    },
    output: {
      choices: ["table", "json"],
      fallback: "text on a terminal, bare values in a pipe",
      doc: "Text for people, or one JSON object per line",
    },
    ...regexFlag,
    readCommitted: { type: "boolean", doc: "Leave out messages of transactions not committed" },
    ...connectionFlags,
  },
  examples: [
    { doc: "All there is, and what comes", command: "dqueue consume orders" },
    { doc: "The last ten of each partition", command: "dqueue consume orders -o -10 -e" },
    {
      doc: "The last hour, as key and value",
      command: "dqueue consume orders -o @-1h:end -f '%k: %v\\n'",
    },
    {
      doc: "Copy a topic, keys, headers and timestamps included",
      command: "dqueue consume a -e --output json | dqueue produce b --input json",
    },
  ],
  async run(context, { args, flags }) {
    const print = printerOf(context, flags.format, flags.output);
    const { signal } = context;
    const isolationLevel = flags.readCommitted ? "read_committed" : "read_uncommitted";
    await using client = await connect(context, flags);
    const admin = client.admin();
    const selection = { names: args.topics, isRegex: flags.regex, internal: false };
    const names = (await selectTopics(context, admin, selection)).map(({ name }) => name);
    const partitions = await selectPartitions(context, admin, names, flags.partition);
    const spec = flags.offset;
    const found = await partitionRanges(admin, partitions, spec, { isolationLevel, signal });
    for (const range of found) warnIfMissing(context, range);
    const ranges = flags.exit ? found.map(untilEnd) : found;
    const isFollowing = flags.num === undefined && ranges.some(({ to }) => to === undefined);
    try {
      await printRanges(context, client, ranges, print, {
        isolationLevel,
        limit: flags.num ?? Infinity,
        readsNewPartitions: isFollowing && flags.partition.length === 0,
      });
    } catch (error) {
      // Who follows a topic stops it this way; there is no other.
      if (!isFollowing || !isInterruption(error, signal)) throw error;
      // The terminal has written ^C there.
      if (context.stdout.isTerminal) context.stdout.line();
    }
  },
});

function printerOf(
  { stdout }: Context,
  format: RecordPrinter | undefined,
  output: "table" | "json" | undefined,
): RecordPrinter {
  // --output may come from a variable that is set for all commands.
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

/** The range up to what is there now. */
function untilEnd(range: PartitionRange): PartitionRange {
  return { ...range, to: Math.min(range.to ?? Infinity, range.end) };
}

interface PrintOptions {
  readonly isolationLevel: "read_committed" | "read_uncommitted";
  readonly limit: number;
  readonly readsNewPartitions: boolean;
}

async function printRanges(
  context: Context,
  client: Client,
  ranges: readonly PartitionRange[],
  print: RecordPrinter,
  { isolationLevel, ...options }: PrintOptions,
): Promise<void> {
  const { signal, stdout, stderr } = context;
  await using consumer = client.consumer({ isolationLevel });
  using progress = progressOf(context, ranges, options.limit);
  await stderr.flush();
  const view = new MessageView();
  for await (const messages of readRanges(consumer, ranges, { ...options, signal })) {
    for (const message of messages) {
      print(view.of(message), stdout.buffer);
      if (stdout.isFull) await stdout.flush();
    }
    progress?.add(messages.length);
    await stdout.flush();
  }
}

/**
 * On a terminal the messages themselves show how far it is, and in a pipe somebody else may write to the
 * terminal.
 */
function progressOf(
  context: Context,
  ranges: readonly PartitionRange[],
  limit: number,
): Progress | undefined {
  if (!context.stdout.isFile) return undefined;
  const left = ranges.reduce((sum, { from, to = Infinity }) => sum + Math.max(0, to - from), 0);
  const total = Math.min(left, limit);
  const options = { label: "Consuming", unit: "messages" };
  return new Progress(context, total === Infinity ? options : { ...options, total });
}
