/**
 * Measures the cost of size: many partitions, topics, connections, groups, bytes.
 *
 *     deno run -A bench/broker/scale.ts [--only partitions] [--most 10000] [--json]
 *
 * Each size has its own broker on a new folder. Measured are the time to create that much, the idle memory,
 * the time of one small request, and the time from the start of the process to an acknowledged message,
 * after a clean shutdown and after `kill -9`.
 *
 * @module
 */

import { parseFlags } from "../support/flags.ts";
import { append, type Growth, GROWTHS, TOPIC } from "../support/load/growth.ts";
import type { LoadConnection } from "../support/load/load_connection.ts";
import { describeMachine } from "../support/report/machine.ts";
import { residentBytes } from "../support/brokers/process_usage.ts";
import { sampleBatch } from "../support/load/record_batches.ts";
import { measured, median, printReport, progress, type Row } from "../support/report/report.ts";
import { ServedBroker } from "../support/brokers/served_broker.ts";
import { createTopics } from "../support/load/target.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";

const ACKS_ALL = -1;
/** Time for a broker to settle before its memory is read. */
const SETTLE_MS = 1500;
const REQUEST_COUNT = 2000;

/** The costs of one size. */
interface Cost {
  readonly growSeconds: number;
  readonly residentMb: number;
  readonly requestMs: number;
  readonly restartMs?: number;
  readonly recoveryMs?: number;
}

const { flags } = parseFlags({
  only: "",
  most: "Infinity",
  json: false,
});

const records = sampleBatch({ size: 100, count: 1 });
const rows: Row[] = [];
for (const growth of GROWTHS) {
  if (growth.name.includes(flags.only)) rows.push(...await measure(growth));
}
printReport(
  {
    title: "Cost of having much",
    settings: { ...describeMachine(), runs: "one each" },
    isSeries: true,
    rows,
  },
  flags.json,
);

async function measure(growth: Growth): Promise<Row[]> {
  const costs = new Map<string, Cost>();
  for (const size of growth.sizes) {
    if (size > Number(flags.most)) continue;
    const cost = await measureSize(growth, size);
    costs.set(size.toLocaleString("en-US"), cost);
    progress(`${size} ${growth.name}: ${JSON.stringify(cost)}`);
  }
  const row = (what: string, unit: string, pick: (cost: Cost) => number | undefined): Row[] => {
    const results = Object.fromEntries(
      [...costs].flatMap(([size, cost]) => {
        const value = pick(cost);
        return value === undefined ? [] : [[size, measured([value])]];
      }),
    );
    if (Object.keys(results).length === 0) return [];
    return [{ name: `${growth.name}: ${what}`, unit, better: "lower", isKey: false, results }];
  };
  return [
    ...row("making them", "s", (cost) => cost.growSeconds),
    ...row("memory", "MB", (cost) => cost.residentMb),
    ...row("a small request, median", "ms", (cost) => cost.requestMs),
    ...row("restart to acknowledged message", "ms", (cost) => cost.restartMs),
    ...row("the same after kill -9", "ms", (cost) => cost.recoveryMs),
  ];
}

async function measureSize(growth: Growth, size: number): Promise<Cost> {
  await using folder = await temporaryFolder();
  const data = folder.join("data");
  const first = await measureGrown(growth, size, data);
  if (!growth.isKept) return first;
  const restartMs = await measureRestart(data, (broker) => broker.kill());
  const recoveryMs = await measureRestart(data, (broker) => broker.stop());
  return { ...first, restartMs, recoveryMs };
}

async function measureGrown(growth: Growth, size: number, data: string): Promise<Cost> {
  await using broker = ServedBroker.start({ data });
  using connection = await broker.connect();
  await createTopics(connection, [TOPIC], 1);
  await append(connection, TOPIC, [0], records, ACKS_ALL);
  const startMs = performance.now();
  using _grown = await growth.grow(broker.address, connection, size) ?? { [Symbol.dispose]() {} };
  const growSeconds = (performance.now() - startMs) / 1000;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const residentMb = (residentBytes(broker.pid) ?? NaN) / 1e6;
  return { growSeconds, residentMb, requestMs: await requestMs(connection) };
}

async function requestMs(connection: LoadConnection): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < REQUEST_COUNT; i++) {
    const startMs = performance.now();
    await append(connection, TOPIC, [0], records);
    times.push(performance.now() - startMs);
  }
  return median(times);
}

/** Measures from the start of a process to a message on disk, and then ends the process. */
async function measureRestart(
  data: string,
  end: (broker: ServedBroker) => Promise<void>,
): Promise<number> {
  await using broker = ServedBroker.start({ data });
  using connection = await broker.connect();
  await append(connection, TOPIC, [0], records, ACKS_ALL);
  const elapsedMs = performance.now() - broker.startedMs;
  await end(broker);
  return elapsedMs;
}
