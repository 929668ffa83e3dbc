/**
 * Measures the longest small requests while a broker has other work, to find what holds the event loop.
 *
 *     deno run -A bench/broker/stall.ts [--seconds 5] [--runs 3] [--partitions 10000] [--mb 1000] [--json]
 *
 * Messages are sent at a steady rate and read by a waiting consumer; a latency counts from when a message
 * was due. Each row names the other work; the last row has all of it.
 *
 * @module
 */

import { parseFlags } from "../support/flags.ts";
import {
  coldRead,
  compaction,
  type Disturbance,
  disturbed,
  manyPartitions,
  retention,
} from "../support/load/disturbances.ts";
import { measureLatency } from "../support/load/latency_load.ts";
import { describeMachine } from "../support/report/machine.ts";
import type { Outcome } from "../support/report/outcome.ts";
import { pin } from "../support/brokers/process_usage.ts";
import { measured, median, printReport, progress, type Row } from "../support/report/report.ts";
import { parseScenario, type ScenarioOf } from "../support/load/scenario.ts";
import { ServedBroker } from "../support/brokers/served_broker.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";

const BROKER_CORE = 0;
const LOAD_CORE = 1;
const WARM_UP_MS = 1000;
/** Settings that make background work frequent. */
const SETTINGS = {
  "log.retention.check.interval.ms": "500",
  "log.cleaner.backoff.ms": "500",
};

const { flags } = parseFlags({
  seconds: "4",
  runs: "3",
  rate: "1000",
  partitions: "10000",
  mb: "1000",
  json: false,
});

const scenario = parseScenario(`latency rate=${flags.rate}`) as ScenarioOf<"latency">;
const all = [
  manyPartitions(Number(flags.partitions)),
  retention(),
  compaction(),
  coldRead(Number(flags.mb) * 1e6),
];
printReport(
  {
    title: "Small requests with other work",
    settings: {
      ...describeMachine(),
      load: `${scenario.rate.toLocaleString("en-US")} msg/s of ${scenario.size} B, acks=1`,
      runs: `${flags.runs} of ${flags.seconds} s, medians`,
    },
    rows: await measure(),
  },
  flags.json,
);

async function measure(): Promise<Row[]> {
  const isPinned = navigator.hardwareConcurrency > 1 && await pin(Deno.pid, LOAD_CORE);
  await using folder = await temporaryFolder();
  await using broker = ServedBroker.start({
    data: folder.join("data"),
    core: isPinned ? BROKER_CORE : undefined,
    settings: SETTINGS,
  });
  using connection = await broker.connect();
  for (const disturbance of all) {
    progress(`preparing: ${disturbance.name}`);
    await disturbance.prepare(connection);
  }
  const target = { name: "dqueue", address: broker.address, pids: [broker.pid] };
  const timing = { warmUpMs: WARM_UP_MS, measureMs: Number(flags.seconds) * 1000 };
  const situations: [string, Disturbance[]][] = [
    ["nothing else", []],
    ...all.map((disturbance): [string, Disturbance[]] => [disturbance.name, [disturbance]]),
    [`${all.map(({ shortName }) => shortName).join(", ")}, all together`, all],
  ];
  const outcomes = new Map<string, Outcome[]>(situations.map(([name]) => [name, []]));
  for (let run = 0; run < Number(flags.runs); run++) {
    for (const [name, disturbances] of situations) {
      const outcome = await disturbed(
        broker.address,
        disturbances,
        () => measureLatency(target, scenario, timing),
      );
      outcomes.get(name)!.push(outcome);
      progress(`${name}: p99.9 ${figure(outcome, "p99.9").toFixed(2)} ms`);
    }
  }
  return situations.map(([name]) => rowOf(name, outcomes.get(name)!));
}

function rowOf(name: string, outcomes: readonly Outcome[]): Row {
  const p999 = outcomes.map((outcome) => figure(outcome, "p99.9"));
  const others = ["p50", "p99"].map((other) => {
    const value = median(outcomes.map((outcome) => figure(outcome, other)));
    return `${other} ${value.toPrecision(3)} ms`;
  });
  return {
    name: `end to end with ${name}, p99.9`,
    unit: "ms",
    better: "lower",
    isKey: name.endsWith("all together"),
    results: { dqueue: measured(p999) },
    notes: { dqueue: [...others, outcomes.at(-1)!.note].join(", ") },
  };
}

function figure({ figures }: Outcome, name: string): number {
  return figures.find((figure) => figure.name === name)!.value;
}
