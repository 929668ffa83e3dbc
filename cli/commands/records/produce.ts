/**
 * `dqueue produce`.
 *
 * @module
 */

import type { CompressionName, OutgoingMessage, Producer } from "../../../client/mod.ts";
import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { UsageError } from "../../errors.ts";
import { readJsonRecords } from "../../records/json.ts";
import { Progress } from "../../terminal/progress.ts";
import type { InputRecord, RecordHeader } from "../../records/record.ts";
import { RecordReader } from "../../records/record_reader.ts";
import { encodeUtf8 } from "../../../client/text/utf8.ts";
import { connect, patientConnectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import { Deliveries } from "./produce_deliveries.ts";
import { TransactionalWriter } from "./transactional_writer.ts";

/** Maximum number of messages passed to the producer in one call. */
const MAX_BATCH_COUNT = 10_000;

const DEFAULT_FORMAT = "%v\\n";
/**
 * Below this rate the messages may be typed, perhaps into another program in the pipe, and a
 * progress line would disturb.
 */
const MIN_PROGRESS_RATE = 100;

/** How input becomes messages. */
interface MessageOptions {
  readonly topic: string | undefined;
  readonly key: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly partition: number | undefined;
  /** Whether a partition in the input is used. */
  readonly usesInputPartition: boolean;
  readonly emptyIsNull: boolean;
}

/** How messages are sent and reported. */
interface SendOptions {
  /** Number of messages, if known. */
  readonly total: number | undefined;
  /** Whether the messages are typed on this terminal. */
  readonly isTyped: boolean;
  readonly output: "table" | "json";
  /** The number of messages of a transaction; undefined without transactions. */
  readonly per: number | undefined;
}

/** Flags that describe the input. */
interface InputFlags {
  readonly message: readonly string[];
  readonly count: number | undefined;
  readonly format: RecordReader | undefined;
  readonly input: "text" | "json";
  readonly keepPartitions: boolean;
}

/** `produce`. */
export const produce = command({
  name: "produce",
  summary: "Write messages to a topic",
  description:
    `Reads messages from standard input, one per line, or from --message. When all are written it ` +
    `shows their offsets; --output json prints each message, in order.\n\n` +
    `With --transactional-id all messages are one transaction, or --per N of them each: readers of ` +
    `committed messages see all of a transaction or nothing. If something fails, or on Ctrl-C, the ` +
    `last one is aborted; --output json has printed its messages by then.\n\n` +
    `Format:\n` +
    `  %v value  %k key  %t topic  %p partition  %d timestamp  %h{%k=%v } headers\n` +
    `  %V %K %T lengths, before their fields  %H number of headers\n` +
    `  with modifiers %v{hex} %v{base64} %v{json} %d{strftime[%F %T]} %V{big32}, and \\n \\t \\x00`,
  args: { topic: { optional: true, doc: "Name of the topic; optional if the input contains it" } },
  flags: {
    message: {
      alias: "m",
      many: true,
      env: false,
      fileNames: ["messages"],
      doc: "Value of a message, instead of standard input",
    },
    count: {
      type: "integer",
      min: 1,
      env: false,
      fallback: "1",
      doc: "Number of times to write --message",
    },
    key: { alias: "k", env: false, doc: "Key of messages without a key in the input" },
    header: {
      alias: "H",
      many: true,
      value: "KEY:VALUE",
      parse: parseHeader,
      env: false,
      fileNames: ["headers"],
      doc: "Header to add to each message",
    },
    partition: {
      alias: "p",
      type: "integer",
      min: 0,
      env: false,
      fallback: "by key; in turn without a key",
      doc: "Partition to write to",
    },
    keepPartitions: {
      type: "boolean",
      env: false,
      doc: "With --input json, write to the partition in the input",
    },
    tombstone: { alias: "Z", type: "boolean", env: false, doc: "Write empty values as null" },
    format: {
      alias: "f",
      value: "FORMAT",
      parse: (text: string) => new RecordReader(text),
      fallback: DEFAULT_FORMAT,
      env: false,
      doc: "Format of the input",
    },
    input: {
      choices: ["text", "json"],
      default: "text",
      env: false,
      doc: "Text in the format of --format, or JSON as printed by consume",
    },
    compression: {
      alias: "z",
      choices: ["none", "gzip", "snappy", "lz4", "zstd"],
      default: "none",
      value: "CODEC",
      doc: "Compression codec",
    },
    acks: {
      choices: ["all", "1", "0"],
      default: "all",
      doc: "Required acknowledgements: all in-sync replicas, the leader, none",
    },
    transactionalId: {
      value: "ID",
      env: false,
      doc: "Write all messages as one transaction of this id",
    },
    per: {
      type: "integer",
      min: 1,
      env: false,
      fallback: "all",
      doc: "Number of messages of a transaction",
    },
    transactionTimeout: {
      type: "duration",
      min: 1,
      fallback: "1m",
      doc: "Time limit for a transaction; then the broker aborts it",
    },
    allowAutoTopicCreation: {
      type: "boolean",
      default: true,
      doc: "Let the broker create missing topics, if it is configured to",
    },
    deliveryTimeout: {
      type: "duration",
      min: 1,
      default: "2m",
      group: "Connection",
      doc: "Time limit for writing a message, including retries",
    },
    ...outputFlag,
    ...patientConnectionFlags,
  },
  examples: [
    { doc: "Lines of a file, compressed", command: "dqueue produce logs -z zstd < app.log" },
    { doc: "One message", command: "dqueue produce orders -k 42 -m paid -H source:shop" },
    { doc: "Keys and values", command: "echo '42 paid' | dqueue produce orders -f '%k %v\\n'" },
    {
      doc: "A file as a whole or not at all",
      command: "dqueue produce payments --transactional-id nightly < payments.txt",
    },
    { doc: "Delete a key from a compacted topic", command: "dqueue produce orders -k 42 -Z -m ''" },
    {
      doc: "Copy a topic, keys, headers and timestamps included",
      command: "dqueue consume a -e --output json | dqueue produce b --input json",
    },
  ],
  async run(context, { args, flags }) {
    const options: MessageOptions = {
      topic: args.topic,
      key: flags.key === undefined ? null : encodeUtf8(flags.key),
      headers: flags.header,
      partition: flags.partition,
      // The partition of a consumed record is a property of its origin, like its offset.
      usesInputPartition: flags.input === "text" || flags.keepPartitions,
      emptyIsNull: flags.tombstone,
    };
    const { message, count = 1, input, format = new RecordReader(DEFAULT_FORMAT) } = flags;
    ensureUsable(flags);
    ensureTransactional(flags);
    if (message.length > 0 && args.topic === undefined) throw missingTopic();
    // Fails before waiting if standard input cannot be read.
    const stdin = message.length > 0 ? undefined : context.stdin;
    await using client = await connect(context, flags, { waits: true });
    await using producer = client.producer({
      acks: flags.acks === "all" ? "all" : flags.acks === "1" ? 1 : 0,
      compression: flags.compression as CompressionName,
      allowAutoTopicCreation: flags.allowAutoTopicCreation,
      deliveryTimeoutMs: flags.deliveryTimeout,
      ...transactionOptions(flags),
    });
    const records = stdin === undefined
      ? repeated(message, count)
      : input === "json"
      ? readJsonRecords(stdin, context)
      : format.read(stdin, context);
    const isTyped = stdin !== undefined && context.stdinIsTerminal;
    if (isTyped) await invite(context);
    const total = message.length > 0 ? message.length * count : undefined;
    const per = flags.transactionalId === undefined ? undefined : flags.per ?? Infinity;
    const { output } = flags;
    await send(context, producer, records, { ...options, total, isTyped, output, per });
  },
});

/** @throws {UsageError} If a flag has no effect in combination with others. */
function ensureUsable({ message, count, format, input, keepPartitions }: InputFlags): void {
  const isInput = message.length === 0;
  if (isInput && count !== undefined) {
    throw new UsageError(
      "Cannot use --count without --message: it does not apply to standard input",
    );
  }
  if (!isInput && (format !== undefined || input === "json")) {
    const flag = format === undefined ? "--input" : "--format";
    throw new UsageError(`Cannot use ${flag} with --message: standard input is not read`);
  }
  if (input === "json" && format !== undefined) {
    throw new UsageError("Cannot use --format with --input json: JSON does not need a format");
  }
  if (keepPartitions && (!isInput || input !== "json")) {
    throw new UsageError("Cannot use --keep-partitions without --input json");
  }
}

/** Flags of transactions. */
interface TransactionFlags {
  readonly transactionalId: string | undefined;
  readonly per: number | undefined;
  readonly transactionTimeout: number | undefined;
  readonly acks: string;
}

/** @throws {UsageError} If flags of transactions cannot be combined. */
function ensureTransactional(
  { transactionalId, per, transactionTimeout, acks }: TransactionFlags,
): void {
  if (transactionalId === undefined) {
    if (per !== undefined) throw new UsageError("Cannot use --per without --transactional-id");
    if (transactionTimeout === undefined) return;
    throw new UsageError("Cannot use --transaction-timeout without --transactional-id");
  }
  if (transactionalId === "") throw new UsageError("Cannot use --transactional-id: it is empty");
  if (acks !== "all") {
    throw new UsageError(`Cannot use --acks ${acks} with --transactional-id: it needs all`);
  }
}

function transactionOptions({ transactionalId, transactionTimeout }: TransactionFlags) {
  if (transactionalId === undefined) return {};
  return {
    transactionalId,
    ...(transactionTimeout === undefined ? {} : { transactionTimeoutMs: transactionTimeout }),
  };
}

async function send(
  context: Context,
  producer: Producer,
  records: AsyncIterable<InputRecord[]>,
  options: MessageOptions & SendOptions,
): Promise<void> {
  const { total, isTyped, output, per } = options;
  const unit = { label: "Producing", unit: "messages", isHidden: isTyped };
  using progress = new Progress(
    context,
    total === undefined ? { ...unit, minRate: MIN_PROGRESS_RATE } : { ...unit, total },
  );
  const onSettled = (count: number) => progress.add(count);
  using deliveries = new Deliveries(context, output, onSettled, per !== undefined);
  const transactions = per === undefined
    ? undefined
    : new TransactionalWriter(producer, deliveries, per, context.signal);
  let failure: { error: unknown } | undefined;
  try {
    for await (const batch of records) {
      const messages = batch.map((record) => messageOf(record, options));
      if (transactions !== undefined) await transactions.write(messages);
      else await deliveries.add(messages.length, producer.sendBatch(messages));
      if (deliveries.isHopeless) break;
    }
    // Otherwise it cannot be committed, and the failures are reported.
    if (!deliveries.isHopeless) await transactions?.commit();
  } catch (error) {
    // Messages read before the failure are still written and reported.
    failure = { error };
  }
  const rest = await transactions?.abort();
  await producer.flush();
  await deliveries.finish();
  progress.finish();
  deliveries.report();
  if (rest !== undefined) {
    const { stderr } = context;
    const outcome = rest === "aborted" ? "was aborted" : "is committed or aborted: it is not known";
    stderr.line(`${stderr.style.yellow("Warning:")} the last transaction ${outcome}`);
  }
  if (failure !== undefined) throw failure.error;
}

/** The messages of `--message`, in batches. */
async function* repeated(
  values: readonly string[],
  count: number,
): AsyncGenerator<InputRecord[], void, void> {
  const base = { topic: undefined, partition: undefined, timestamp: undefined, key: null };
  const records = values.map((value) => ({ ...base, value: encodeUtf8(value), headers: [] }));
  let batch: InputRecord[] = [];
  for (let i = 0; i < count; i++) {
    for (const record of records) {
      batch.push(record);
      if (batch.length < MAX_BATCH_COUNT) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

function messageOf(record: InputRecord, options: MessageOptions): OutgoingMessage {
  const topic = options.topic ?? record.topic;
  if (topic === undefined) throw missingTopic();
  const { value } = record;
  const isNull = value === null || (options.emptyIsNull && value.length === 0);
  const partition = options.partition ??
    (options.usesInputPartition ? record.partition : undefined);
  const headers = [...record.headers, ...options.headers];
  return {
    topic,
    partition,
    key: record.key ?? options.key,
    value: isNull ? null : value,
    timestamp: record.timestamp,
    headers: headers.length === 0
      ? undefined
      : headers.map(({ key, value }) => [key, value] as const),
  };
}

/** Parses `KEY:VALUE`, or `KEY=VALUE` as in a config file or kcat. */
function parseHeader(text: string): RecordHeader {
  const end = text.search(/[:=]/);
  if (end <= 0) throw new SyntaxError(`Cannot read "${text}": expected KEY:VALUE`);
  return { key: text.slice(0, end), value: encodeUtf8(text.slice(end + 1)) };
}

function missingTopic(): UsageError {
  return new UsageError("Missing TOPIC: neither the command line nor the input contains one");
}

async function invite({ stderr }: Context): Promise<void> {
  stderr.line(stderr.style.dim("Type messages, one per line; press Ctrl-D to end"));
  await stderr.flush();
}
