/**
 * A small program for tests, whose commands only print their values.
 *
 * @module
 */

import { command, type CommandSpec } from "./command.ts";
import { CommandError } from "../errors.ts";
import type { Arguments, Flags } from "./flag.ts";
import { parseOffsetSpec } from "../../client/text/offset_spec.ts";
import { Program } from "./program.ts";

const connectionFlags = {
  brokers: {
    alias: "b",
    separator: ",",
    value: "HOST:PORT,…",
    default: "localhost:9092",
    fileNames: ["broker_addrs"],
    group: "Connection",
    doc: "Brokers to ask for the others",
  },
  timeout: {
    type: "duration",
    default: "5s",
    group: "Connection",
    doc: "How long to wait for an answer",
  },
} as const satisfies Flags;

/** Declares a command that prints its invocation as JSON. */
function echo<const A extends Arguments, const F extends Flags>(
  spec: Omit<CommandSpec<A, F>, "run">,
) {
  return command<A, F>({
    ...spec,
    run: (context, invocation) => context.stdout.line(JSON.stringify(invocation)),
  });
}

/** The program. */
export const testProgram: Program = new Program({
  name: "dqueue",
  summary: "A partitioned, durable log",
  version: "1.2.3",
  nouns: { topic: "Topics", log: "Files of the log" },
  fileCommands: { "create-topic": "topic create", "consume": "consume" },
  commands: [
    echo({
      name: "serve",
      summary: "Run a broker",
      flags: {
        "log.segment.bytes": { type: "bytes", default: "1GiB", doc: "Size at which a log rolls" },
        "log.retention.ms": {
          type: "duration",
          min: -1,
          default: "7d",
          env: "LOG_RETENTION",
          doc: "Age at which segments are deleted, -1 for never",
        },
      },
    }),
    echo({
      name: "consume",
      summary: "Print messages",
      description:
        "Prints messages as they come.\n\nOffsets:\n  start   the first\n  end     the last",
      args: { topics: { doc: "Topics to read", value: "TOPIC", many: true } },
      flags: {
        ...connectionFlags,
        offset: {
          alias: "o",
          default: "start",
          parse: parseOffsetSpec,
          doc: "Where to start and stop",
        },
        num: { alias: "n", type: "integer", min: 1, doc: "How many messages" },
        partition: { alias: "p", type: "integer", min: 0, separator: ",", doc: "Partitions" },
        exit: { alias: "e", type: "boolean", doc: "Stop at the end" },
        compression: {
          alias: "z",
          choices: ["none", "gzip", "snappy", "lz4", "zstd"],
          default: "none",
          doc: "Compression",
        },
        group: { alias: "g", doc: "Group to join" },
        ratio: { type: "number", max: 1, doc: "Share of messages to print" },
      },
      examples: [{ doc: "The last ten", command: "dqueue consume orders -o -10 -e" }],
    }),
    echo({
      name: "topic create",
      summary: "Create topics",
      args: { topics: { doc: "Names of the topics", value: "TOPIC", many: true } },
      flags: {
        ...connectionFlags,
        partitions: { type: "integer", min: 1, default: 1, doc: "Partitions of each topic" },
        config: {
          alias: "c",
          many: true,
          value: "KEY=VALUE",
          env: false,
          fileNames: ["configs"],
          doc: "Setting of the topics",
        },
        ifNotExists: { type: "boolean", doc: "Succeed if a topic exists already" },
      },
    }),
    echo({ name: "topic list", summary: "List topics", flags: connectionFlags }),
    echo({
      name: "log dump",
      summary: "Print the batches of a segment",
      args: {
        file: { doc: "A segment", isFile: true },
        count: { doc: "How many batches", type: "integer", optional: true },
      },
      flags: { key: { required: true, doc: "Key to look for" } },
    }),
    command({
      name: "fail",
      summary: "Fail",
      flags: { message: { default: "it broke", doc: "What to say" } },
      run(context, { flags }) {
        context.stdout.line("partial");
        throw new CommandError(flags.message, { cause: new Error("the disk is full") });
      },
    }),
    command({
      name: "wait",
      summary: "Wait until stopped",
      async run(context) {
        const stopped = Promise.withResolvers<never>();
        context.signal.addEventListener("abort", () => stopped.reject(context.signal.reason));
        context.stdout.line("waiting");
        await context.stdout.flush();
        await stopped.promise;
      },
    }),
    command({
      name: "half",
      summary: "Do half of it",
      run(context) {
        context.exitCode = 1;
      },
    }),
  ],
});
