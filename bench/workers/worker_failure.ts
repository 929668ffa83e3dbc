/**
 * Measures how long a worker that failed is away (`serve --workers 2`), and whether the other broker of its
 * process notices: the longest time that a send to each took, while one record after the other is sent.
 *
 *     deno run -A bench/workers/worker_failure.ts [--runs 5] [--json]
 *
 * @module
 */

import { silentLogger } from "../../broker/logger.ts";
import { BrokerConfig } from "../../broker/settings/config.ts";
import { formatHostPort } from "../../broker/settings/listener.ts";
import { ProcessBrokers } from "../../broker/workers/process_brokers.ts";
import { Client } from "../../client/mod.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";
import { parseFlags } from "../support/flags.ts";
import { describeMachine } from "../support/report/machine.ts";
import { measured, printReport, type Row } from "../support/report/report.ts";

const TOPIC = "orders";
/** The worker fails in the middle. */
const SENDING_MS = 4000;
const AIM_MS = 2000;

const { flags } = parseFlags({ runs: "5", json: false });
const failed: number[] = [];
const other: number[] = [];
for (let run = 0; run < Number(flags.runs); run++) {
  const longest = await longestSends();
  failed.push(longest.failed);
  other.push(longest.other);
}
const rows: Row[] = [
  {
    name: "longest send to the broker whose worker failed",
    unit: "ms",
    better: "lower",
    aim: AIM_MS,
    results: { dqueue: measured(failed) },
  },
  {
    name: "longest send to the other broker meanwhile",
    unit: "ms",
    better: "lower",
    isKey: true,
    results: { dqueue: measured(other) },
  },
];
printReport(
  {
    title: "Failure of a worker",
    settings: {
      ...describeMachine(),
      runs: `${flags.runs}, each with a new process of two brokers`,
    },
    rows,
  },
  flags.json,
);

async function longestSends(): Promise<{ readonly failed: number; readonly other: number }> {
  await using folder = await temporaryFolder();
  await using brokers = await ProcessBrokers.start({
    count: 2,
    config: BrokerConfig.from({ "log.dirs": folder.join("data"), "listeners": ["127.0.0.1:0"] }),
    logger: silentLogger,
    sink: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
  await using client = new Client({ brokers: brokers.addresses.map(formatHostPort) });
  await client.admin().createTopic({ name: TOPIC, partitions: 2 });
  const { partitions } = await client.admin().describeTopic(TOPIC);
  const ofFirst = partitions.find(({ leaderId }) => leaderId === 1)!.partition;
  const endMs = performance.now() + SENDING_MS;
  const sends = [1 - ofFirst, ofFirst].map((partition) => longestSend(client, partition, endMs));
  await new Promise((resolve) => setTimeout(resolve, SENDING_MS / 2));
  brokers.workers[0]!.throw();
  const [failed, other] = await Promise.all(sends);
  return { failed: failed!, other: other! };
}

/** Sends until a time, and returns the longest time in milliseconds that a send took after the first. */
async function longestSend(client: Client, partition: number, endMs: number): Promise<number> {
  await using producer = client.producer();
  await producer.send({ topic: TOPIC, partition, value: "first" });
  let longestMs = 0;
  while (performance.now() < endMs) {
    const sentMs = performance.now();
    await producer.send({ topic: TOPIC, partition, value: "next" });
    longestMs = Math.max(longestMs, performance.now() - sentMs);
  }
  return longestMs;
}
