/**
 * Measures `serve --workers N`: how much one broker and several in one process do on the same cores, which
 * the load shares with them, and their memory. `worker_cost.ts` measures what a record takes.
 *
 *     deno run -A bench/workers/workers.ts [--workers 2] [--runs 3] [--kafka-home ~/kafka] [--json]
 *
 * @module
 */

import { dqueueSubject } from "../support/brokers/broker_subjects.ts";
import { PEER_FLAGS, peerSubjects } from "../support/brokers/peer_subjects.ts";
import { residentBytes } from "../support/brokers/process_usage.ts";
import { ServedBroker } from "../support/brokers/served_broker.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";
import { parseFlags } from "../support/flags.ts";
import { Comparison } from "../support/load/comparison.ts";
import { parseScenario } from "../support/load/scenario.ts";
import { WORKER_SCENARIOS, workersName } from "../support/load/worker_scenarios.ts";
import { describeMachine } from "../support/report/machine.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";

/** Time for the brokers to settle before their memory is read. */
const SETTLE_MS = 2000;

const { flags } = parseFlags({
  workers: "2",
  runs: "3",
  seconds: "2",
  ...PEER_FLAGS,
  json: false,
});
const runs = Number(flags.runs);
const counts = [1, Number(flags.workers)];

const ours = counts.map((count) => dqueueSubject(workersName(count), { workers: String(count) }));
const shared = await Comparison.measure({
  subjects: [...ours, ...await peerSubjects(flags)],
  scenarios: WORKER_SCENARIOS.map(parseScenario),
  runs,
  measureMs: Number(flags.seconds) * 1000,
});
printReport(
  {
    title: "Workers",
    hasRivals: true,
    settings: {
      ...describeMachine(),
      runs: `${runs} of ${flags.seconds} s each`,
      pinning: "brokers and load share all cores",
    },
    rows: [...shared.rows(() => undefined, () => true), await memoryRow()],
  },
  flags.json,
);

async function memoryRow(): Promise<Row> {
  const results: Record<string, ReturnType<typeof measured>> = {};
  for (const workers of counts) {
    progress(`idle memory of ${workers}`);
    const values: number[] = [];
    for (let run = 0; run < runs; run++) values.push(await idleMb(workers));
    results[workersName(workers)] = measured(values);
  }
  return { name: "idle memory", unit: "MB", better: "lower", results };
}

async function idleMb(workers: number): Promise<number> {
  await using folder = await temporaryFolder();
  await using broker = ServedBroker.start({
    data: folder.join("data"),
    settings: { workers: String(workers) },
  });
  using _connection = await broker.connect();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return (residentBytes(broker.pid) ?? NaN) / 1e6;
}
