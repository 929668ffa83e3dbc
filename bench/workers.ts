/**
 * Measures `serve --workers N`: what a record takes with one broker and with several in one process, and
 * their memory.
 *
 *     deno run -A bench/workers.ts [--workers 2] [--runs 3] [--turns 9] [--kafka-home ~/kafka] [--json]
 *
 * The first rows have the same load for each subject, and brokers and load share all cores of the machine.
 *
 * The others tell what a record takes, in short turns, because the difference is small. If it is the same,
 * the cores of a larger machine add up. On one core all brokers are busy: one that waits for work takes more
 * processor time for it. "For each broker" is the load of a broker with a core of its own: with N brokers
 * there are N times the connections.
 *
 * @module
 */

import { dqueueSubject } from "./support/brokers/broker_subjects.ts";
import { PEER_FLAGS, peerSubjects } from "./support/brokers/peer_subjects.ts";
import { pin, residentBytes } from "./support/brokers/process_usage.ts";
import { ServedBroker } from "./support/brokers/served_broker.ts";
import { temporaryFolder } from "./support/brokers/temporary_folder.ts";
import { parseFlags } from "./support/flags.ts";
import { Comparison } from "./support/load/comparison.ts";
import { parseScenario } from "./support/load/scenario.ts";
import { describeMachine } from "./support/report/machine.ts";
import { measured, printReport, progress, type Row } from "./support/report/report.ts";

const SCENARIOS = [
  "produce size=100 connections=64 partitions=8",
  "produce size=1000 batch=100 connections=64 partitions=8",
  "fetch size=1000 batch=100 connections=8",
];
const BROKER_CORE = 0;
const LOAD_CORE = 1;
/** Milliseconds of each measurement in turns. */
const TURN_MS = 1000;
/** Time for the brokers to settle before their memory is read. */
const SETTLE_MS = 2000;

const { flags } = parseFlags({
  workers: "2",
  runs: "3",
  turns: "9",
  seconds: "2",
  ...PEER_FLAGS,
  json: false,
});
const runs = Number(flags.runs);
const counts = [1, Number(flags.workers)];
const nameOf = (workers: number) => workers === 1 ? "dqueue" : `dqueue --workers ${workers}`;

const ours = counts.map((count) => dqueueSubject(nameOf(count), { workers: String(count) }));
const scenarios = SCENARIOS.map(parseScenario);
const measureMs = Number(flags.seconds) * 1000;
const shared = await Comparison.measure({
  subjects: [...ours, ...await peerSubjects(flags)],
  scenarios,
  runs,
  measureMs,
});
const turns = { subjects: ours, scenarios, runs: Number(flags.turns), measureMs: TURN_MS };
const each = await Comparison.measureInTurns({
  ...turns,
  loadFactor: (subject) => counts[ours.indexOf(subject)]!,
});
// Afterwards, because this program stays on its core.
await pin(Deno.pid, LOAD_CORE);
const alone = await Comparison.measureInTurns({ ...turns, core: BROKER_CORE });
printReport(
  {
    title: "Workers",
    hasRivals: true,
    settings: {
      ...describeMachine(),
      runs:
        `${runs} of ${flags.seconds} s each; of one core and for each broker, ${flags.turns} of 1 s`,
      pinning: "brokers and load share all cores, unless a row says otherwise",
    },
    rows: [
      ...shared.rows(() => undefined, () => true),
      ...named(each, "for each broker"),
      ...named(alone, "brokers on one core"),
      await memoryRow(),
    ],
  },
  flags.json,
);

function named(comparison: Comparison, how: string): Row[] {
  return comparison.rows(() => undefined, () => true)
    .map((row) => ({ ...row, name: `${row.name}, ${how}` }));
}

async function memoryRow(): Promise<Row> {
  const results: Record<string, ReturnType<typeof measured>> = {};
  for (const workers of counts) {
    progress(`idle memory of ${workers}`);
    const values: number[] = [];
    for (let run = 0; run < runs; run++) values.push(await idleMb(workers));
    results[nameOf(workers)] = measured(values);
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
