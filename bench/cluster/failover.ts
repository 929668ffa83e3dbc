/**
 * Measures how long a cluster of three processes over three members of etcd does without a broker that
 * is killed (`kill -9`) or stopped (SIGSTOP).
 *
 *     deno run -A bench/cluster/failover.ts [--runs 10] [--brokers 3] [--json]
 *
 * A client of another broker creates a topic as soon as it can, sends to a partition of three replicas
 * that the broker led, with acks=all, or asks until the broker is no longer listed. All processes share the cores of this machine. etcd comes from the path; its members use the
 * heartbeat interval and the election timeout that the README recommends.
 *
 * @module
 */

import { Client } from "../../client/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { describeCluster } from "../../protocol/messages/cluster/describe_cluster.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { BrokerCluster } from "../../tests/support/broker/broker_cluster.ts";
import { parseFlags } from "../support/flags.ts";
import { LoadConnection } from "../support/load/load_connection.ts";
import { TIMEOUT_MS } from "../support/load/target.ts";
import { describeMachine } from "../support/report/machine.ts";
import {
  formatFigure,
  measured,
  printReport,
  progress,
  type Row,
} from "../support/report/report.ts";

const { flags } = parseFlags({ runs: "10", brokers: "3", json: false });
const runs = Number(flags.runs);
const brokers = Number(flags.brokers);

/** What happens to a broker. */
type Fault = "kill" | "stop";
const FAULTS: Readonly<Record<Fault, string>> = { kill: "kill -9", stop: "SIGSTOP" };
const AIM_MS = 2000;
const POLL_MS = 5;
/** Errors of a request that the controller did not answer before it was replaced. */
const TRANSIENT: ReadonlySet<number> = new Set([
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.REQUEST_TIMED_OUT,
]);

const rows: Row[] = [];
for (const fault of ["kill", "stop"] as const) {
  await using cluster = await BrokerCluster.start({ etcd: "etcd", brokers });
  progress(FAULTS[fault]);
  const replaced = await times(() => round(cluster, fault, "controller", create));
  rows.push(row(`${FAULTS[fault]} of the controller to a topic created by another`, replaced));
  const elected = await times(() => leaderRound(cluster, fault));
  rows.push(row(`${FAULTS[fault]} of a leader to a send acknowledged by two others`, elected));
  const removed = await times(() => round(cluster, fault, "other", gone));
  rows.push(row(`${FAULTS[fault]} of another broker to metadata without it`, removed));
}
printReport(
  {
    title: "Failover",
    settings: {
      ...describeMachine(),
      brokers: `${brokers} processes, 3 members of etcd`,
      runs: `${runs}`,
    },
    rows,
  },
  flags.json,
);

function row(name: string, runs: readonly number[]): Row {
  return {
    name,
    unit: "ms",
    better: "lower",
    aim: AIM_MS,
    results: { dqueue: measured(runs) },
    notes: { dqueue: `worst ${formatFigure(Math.max(...runs))} ms` },
  };
}

async function times(measure: () => Promise<number>): Promise<number[]> {
  const results: number[] = [];
  for (let i = 0; i < runs; i++) results.push(await measure());
  return results;
}

/** Lets a broker fail, returns the milliseconds to the end of `until`, and has the broker back. */
async function round(
  cluster: BrokerCluster,
  fault: Fault,
  role: "controller" | "other",
  until: (connection: LoadConnection, victim: number) => Promise<void>,
): Promise<number> {
  const { controllerId } = await describe(cluster.addresses[0]!);
  const ids = cluster.addresses.map((_, i) => i + 1);
  const victim = role === "controller" ? controllerId : ids.find((id) => id !== controllerId)!;
  const asked = ids.find((id) => id !== victim && id !== controllerId)!;
  const address = cluster.addresses[asked - 1]!;
  const connection = await LoadConnection.connect(address);
  try {
    const startMs = performance.now();
    if (fault === "kill") await cluster.kill(victim);
    else cluster.broker(victim).pause();
    await until(connection, victim);
    const tookMs = performance.now() - startMs;
    if (fault === "kill") await cluster.start(victim);
    else cluster.broker(victim).resume();
    while ((await describe(address)).ids.length < ids.length) await pause();
    return tookMs;
  } finally {
    connection.close();
  }
}

/** Lets the leader of a partition fail, and returns the milliseconds to the next acknowledged send. */
async function leaderRound(cluster: BrokerCluster, fault: Fault): Promise<number> {
  const topic = `led-${crypto.randomUUID()}`;
  await using client = new Client({ brokers: cluster.addresses });
  const { controllerId } = await describe(cluster.addresses[0]!);
  const ids = cluster.addresses.map((_, i) => i + 1);
  const victim = ids.find((id) => id !== controllerId)!;
  const replicas = [victim, ...ids.filter((id) => id !== victim)].slice(0, 3);
  const configs = { "min.insync.replicas": "2" };
  await client.admin().createTopic({ name: topic, assignments: [replicas], configs });
  const producer = client.producer();
  await producer.send({ topic, value: "before" });
  return await round(cluster, fault, "other", async () => {
    await producer.send({ topic, value: "after" });
  });
}

async function describe(address: string) {
  const connection = await LoadConnection.connect(address);
  try {
    const { controllerId, brokers } = await connection.request(describeCluster, 0, {});
    return { controllerId, ids: brokers.map(({ brokerId }) => brokerId) };
  } finally {
    connection.close();
  }
}

async function create(connection: LoadConnection): Promise<void> {
  for (;;) {
    const { topics } = await connection.request(createTopics, 7, {
      topics: [{ name: `t${crypto.randomUUID()}`, numPartitions: 1, replicationFactor: 1 }],
      timeoutMs: TIMEOUT_MS,
    });
    const { errorCode } = topics[0]!;
    if (errorCode === ErrorCode.NONE) return;
    if (!TRANSIENT.has(errorCode)) throw new Error(`Cannot create a topic: error ${errorCode}`);
  }
}

async function gone(connection: LoadConnection, victim: number): Promise<void> {
  for (;;) {
    const { brokers } = await connection.request(describeCluster, 0, {});
    if (brokers.every(({ brokerId }) => brokerId !== victim)) return;
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
