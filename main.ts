/**
 * The program: a table of its commands.
 *
 * @module
 */

import * as commands from "./cli/commands/mod.ts";
import { processContext } from "./cli/terminal/process_context.ts";
import { Program } from "./cli/program/program.ts";
import { runProgram } from "./cli/program/run_program.ts";

/** The program. */
export const program: Program = new Program({
  name: "dqueue",
  summary: "A partitioned, durable log that speaks Kafka's protocol",
  version: commands.VERSION,
  nouns: {
    bench: "Benchmarks",
    cluster: "Cluster",
    group: "Consumer groups",
    log: "Log files",
    topic: "Topics",
    txn: "Transactions",
  },
  commands: [
    commands.serve,
    commands.produce,
    commands.consume,
    commands.topicCreate,
    commands.topicList,
    commands.topicDescribe,
    commands.topicAlter,
    commands.topicAddPartitions,
    commands.topicTrim,
    commands.topicDelete,
    commands.groupList,
    commands.groupDescribe,
    commands.groupResetOffsets,
    commands.groupOffsetDelete,
    commands.groupDelete,
    commands.txnList,
    commands.txnDescribe,
    commands.txnDescribeProducers,
    commands.txnFindHanging,
    commands.txnAbort,
    commands.clusterInfo,
    commands.clusterHealth,
    commands.clusterElect,
    commands.clusterReassign,
    commands.clusterSetReplicas,
    commands.clusterDrain,
    commands.clusterRemove,
    commands.clusterImport,
    commands.clusterTry,
    commands.logDump,
    commands.logVerify,
    commands.logRepair,
    commands.benchProduce,
    commands.benchConsume,
    commands.benchLatency,
    commands.cheat,
    commands.completionsFor(() => program),
    commands.version,
  ],
  // Commands that a file of --config may contain.
  fileCommands: {
    "create-topic": "topic create",
    "delete-topic": "topic delete",
    "list-topics": "topic list",
    produce: "produce",
    consume: "consume",
  },
});

if (import.meta.main) Deno.exit(await runProgram(program, Deno.args, processContext()));
