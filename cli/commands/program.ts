/**
 * The program: a table of its commands.
 *
 * @module
 */

import { Program } from "../program/program.ts";
import * as commands from "./mod.ts";
import { ABOUT } from "./about.ts";

/** The program. */
export const program: Program = new Program({
  ...ABOUT,
  nouns: {
    bench: "Benchmarks",
    cluster: "Cluster",
    group: "Consumer groups",
    log: "Log files",
    profile: "Profiles of clusters",
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
    commands.profileCreate,
    commands.profileUse,
    commands.profileClear,
    commands.profileList,
    commands.profileDescribe,
    commands.profileDelete,
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
