/**
 * Measures a cluster of three brokers with three replicas of each partition, beside one of Apache Kafka.
 *
 *     deno run -A bench/cluster/replication.ts [--runs 3] [--partitions 10,100,1000] [--kafka-home ~/kafka] [--json]
 *
 * Deno Queue always answers `acks=all` when all replicas in sync have the records on disk. Kafka does so in
 * rows that say "on disk" (`flush.messages=1`); "as by default" it answers when they have them in memory. Both clusters and the load share
 * all cores and one disk of this machine. Deno Queue's processor time includes that of etcd.
 *
 * `--partitions` sets the numbers of partitions to compare with the same load.
 *
 * @module
 */

import { dqueueClusterSubject } from "../support/brokers/cluster_subject.ts";
import { kafkaClusterSubject } from "../support/brokers/kafka_subject.ts";
import { PEER_FLAGS } from "../support/brokers/peer_subjects.ts";
import { parseFlags } from "../support/flags.ts";
import { Comparison } from "../support/load/comparison.ts";
import { parseScenario } from "../support/load/scenario.ts";
import { describeMachine } from "../support/report/machine.ts";
import { printReport } from "../support/report/report.ts";

const BROKERS = 3;
const SCENARIOS = [
  "produce connections=1 acks=all flush=commit",
  "produce connections=1 acks=all flush=own",
  "produce connections=64 partitions=10 acks=all flush=own",
  "produce size=1000 batch=100 connections=12 partitions=12 acks=all flush=commit",
  "produce size=1000 batch=100 connections=12 partitions=12 acks=all flush=own",
  "latency rate=1000 acks=all flush=commit",
  "latency rate=1000 acks=all flush=own",
];

const { flags } = parseFlags({
  runs: "3",
  seconds: "2",
  partitions: "10,100,1000",
  only: "",
  ...PEER_FLAGS,
  json: false,
});
const { "kafka-home": home } = flags;
const runs = Number(flags.runs);
const growth = flags.partitions.split(",")
  .map((count) => `produce connections=64 partitions=${count} acks=all flush=commit`);
const comparison = await Comparison.measure({
  subjects: [
    dqueueClusterSubject(BROKERS),
    ...(home === undefined ? [] : [await kafkaClusterSubject(home, BROKERS)]),
  ],
  scenarios: [...SCENARIOS, ...growth].filter((text) => text.includes(flags.only))
    .map(parseScenario),
  runs,
  measureMs: Number(flags.seconds) * 1000,
});
printReport(
  {
    title: "Replication",
    hasRivals: true,
    settings: {
      ...describeMachine(),
      brokers: `${BROKERS}, with a replica of each partition on each, min.insync.replicas 2`,
      runs: `${runs} of ${flags.seconds} s each`,
      pinning: "none: brokers and load share all cores",
    },
    rows: comparison.rows(() => undefined, () => true),
  },
  flags.json,
);
