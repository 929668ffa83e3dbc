/**
 * Measures a cluster of three brokers in this process: how long clients take to find the controller, what
 * forwarding to it costs, and how long metadata cannot be changed after the controller has stopped.
 *
 *     deno run -A bench/cluster/cluster.ts [--requests 300] [--runs 10] [--json]
 *
 * All brokers and the client share one core, so each time is that of everything involved.
 *
 * @module
 */

import { Cluster } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { parseFlags } from "../support/flags.ts";
import { LoadConnection } from "../support/load/load_connection.ts";
import { expectNone, TIMEOUT_MS } from "../support/load/target.ts";
import { describeMachine } from "../support/report/machine.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";

const { flags } = parseFlags({ requests: "300", runs: "10", json: false });
const requests = Number(flags.requests);
const runs = Number(flags.runs);
const BROKERS = 3;

progress("discovery");
const discoveries = await times(runs, discovery);
const withDead = await times(runs, discoveryWithDead);
progress("forwarding");
const [direct, forwarded] = await forwarding();
progress("failover");
const failovers = await times(runs, failover);
printReport(
  {
    title: "Cluster",
    settings: {
      ...describeMachine(),
      brokers: `${BROKERS}, in memory, in one process`,
      runs: `${runs}; ${requests} requests each way`,
    },
    rows: [
      row("discover the controller, with a new client", 100, discoveries),
      row("the same, while one address of three refuses and one is silent", 200, withDead),
      row("CreateTopics (validate only) sent to the controller", undefined, direct!),
      row("CreateTopics (validate only) sent to another broker", undefined, forwarded!),
      row("forwarding, added", 5, forwarded!.map((ms, i) => Math.max(0, ms - direct![i]!))),
      row("stop of the controller to a topic created by another", 2000, failovers),
    ],
  },
  flags.json,
);

function row(name: string, aim: number | undefined, runs: readonly number[]): Row {
  return {
    name,
    unit: "ms",
    better: "lower",
    ...(aim === undefined ? {} : { aim }),
    results: { dqueue: measured(runs) },
  };
}

async function times(count: number, measure: () => Promise<number>): Promise<number[]> {
  const results: number[] = [];
  for (let i = 0; i < count; i++) results.push(await measure());
  return results;
}

async function controllerOf(addresses: readonly string[]): Promise<number> {
  await using client = new Client({ brokers: addresses });
  return (await client.discoverController()).id;
}

async function discovery(): Promise<number> {
  await using cluster = await Cluster.start({ brokers: BROKERS });
  const startMs = performance.now();
  await controllerOf(cluster.addresses);
  return performance.now() - startMs;
}

async function discoveryWithDead(): Promise<number> {
  await using cluster = await Cluster.start({ brokers: BROKERS });
  // The system accepts connections to it, and nobody answers.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const refusing = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  refusing.close();
  const dead = [silent, refusing].map(({ addr }) => `127.0.0.1:${addr.port}`);
  const startMs = performance.now();
  await controllerOf([...dead, cluster.addresses[0]!]);
  return performance.now() - startMs;
}

/** Times of requests sent to the controller, and to another broker. */
async function forwarding(): Promise<[number[], number[]]> {
  await using cluster = await Cluster.start({ brokers: BROKERS });
  const controller = await controllerOf(cluster.addresses);
  const other = controller === 1 ? 2 : 1;
  const addresses = [controller, other].map((id) => cluster.addresses[id - 1]!);
  const connections = await Promise.all(addresses.map(LoadConnection.connect));
  const results: [number[], number[]] = [[], []];
  try {
    for (let i = 0; i < requests; i++) {
      for (const [at, connection] of connections.entries()) {
        const startMs = performance.now();
        await create(connection, `t${i}`, true);
        results[at]!.push(performance.now() - startMs);
      }
    }
  } finally {
    for (const connection of connections) connection.close();
  }
  return results;
}

async function failover(): Promise<number> {
  await using cluster = await Cluster.start({ brokers: BROKERS });
  const controller = await controllerOf(cluster.addresses);
  const other = controller === 1 ? 2 : 1;
  const connection = await LoadConnection.connect(cluster.addresses[other - 1]!);
  try {
    const startMs = performance.now();
    const stopped = cluster.stopBroker(controller);
    await create(connection, "t", false);
    const tookMs = performance.now() - startMs;
    await stopped;
    return tookMs;
  } finally {
    connection.close();
  }
}

async function create(
  connection: LoadConnection,
  name: string,
  validateOnly: boolean,
): Promise<void> {
  const { topics } = await connection.request(createTopics, 7, {
    topics: [{ name, numPartitions: 1, replicationFactor: 1 }],
    timeoutMs: TIMEOUT_MS,
    validateOnly,
  });
  expectNone(topics[0]!.errorCode, "create a topic");
}
