/**
 * Drives any broker that speaks Kafka's protocol, with batches made beforehand, so that what is
 * measured is the broker.
 *
 *     deno run -A bench/broker.ts localhost:9092
 *     deno run -A bench/broker.ts --spawn --peer localhost:9093 --peer-name "Apache Kafka 4.1.1"
 *     deno run -A bench/broker.ts --spawn --scenario "produce size=1000 batch=100 connections=8"
 *
 * `--spawn` starts this project's broker on a new folder. Where there are two cores and `taskset`,
 * it gets one of them and this program the other; a peer is to be bound to the broker's core by
 * whoever starts it (`taskset -c 0 …`), and is left alone by the load while the other is measured.
 * With a peer, both are measured in turn within each run, so that what else the machine does meets
 * both. `--seconds`, `--runs`, `--quick` and `--only TEXT` say how much to do; `--list` shows the
 * standard scenarios and `bench/support/scenario.ts` how to write others.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { LATENCY_AIM_MS, STANDARD_SCENARIOS } from "./support/broker_scenarios.ts";
import { measureConnect } from "./support/connect_load.ts";
import { measureFetch } from "./support/fetch_load.ts";
import { measureLatency } from "./support/latency_load.ts";
import { describeMachine } from "./support/machine.ts";
import type { Outcome } from "./support/outcome.ts";
import { pin } from "./support/process_usage.ts";
import { measureProduce } from "./support/produce_load.ts";
import { measured, median, printReport, progress, type Row } from "./support/report.ts";
import { describeScenario, parseScenario, type Scenario } from "./support/scenario.ts";
import { ServedBroker } from "./support/served_broker.ts";
import type { Target } from "./support/target.ts";
import { temporaryFolder } from "./support/temporary_folder.ts";
import type { Timing } from "./support/window.ts";

/** Until its code is compiled, a broker is slower than it will be. */
const BROKER_WARM_UP = ["produce connections=8 partitions=8", "fetch from=tail mb=4"];
const BROKER_WARM_UP_MS = 2500;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    spawn: { type: "boolean", default: false },
    name: { type: "string" },
    pid: { type: "string" },
    peer: { type: "string" },
    "peer-name": { type: "string", default: "peer" },
    "peer-pid": { type: "string" },
    scenario: { type: "string", multiple: true },
    only: { type: "string" },
    runs: { type: "string", default: "3" },
    seconds: { type: "string", default: "1.5" },
    quick: { type: "boolean", default: false },
    "broker-core": { type: "string", default: "0" },
    "load-core": { type: "string", default: "1" },
    "no-pin": { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

if (flags.list) {
  for (const { text } of STANDARD_SCENARIOS) console.log(text);
} else {
  await main();
}

async function main(): Promise<void> {
  const runs = flags.quick ? 1 : Number(flags.runs);
  const measureMs = Number(flags.seconds) * 1000;
  const timing: Timing = { warmUpMs: measureMs / 3, measureMs };
  const scenarios = chosenScenarios();
  await using folder = await temporaryFolder();
  const isPinned = !flags["no-pin"] && navigator.hardwareConcurrency > 1 &&
    await pin(Deno.pid, Number(flags["load-core"]));
  await using spawned = flags.spawn
    ? ServedBroker.start({
      data: folder.join("data"),
      core: isPinned ? Number(flags["broker-core"]) : undefined,
    })
    : undefined;
  (await spawned?.connect())?.close();
  const targets = chosenTargets(spawned);
  for (const target of targets) await warmUp(target);
  const rows: Row[] = [];
  for (const scenario of scenarios) rows.push(...await compare(scenario, targets, runs, timing));
  const pinning = isPinned
    ? `load on core ${flags["load-core"]}, broker on core ${flags["broker-core"]}`
    : "none";
  printReport(
    {
      title: "Broker",
      hasRivals: true,
      settings: {
        ...describeMachine(),
        pinning,
        runs: `${runs} of ${flags.seconds} s, medians`,
        values: "random bytes, no compression, no keys",
        durability: "acks=1 answers after the write, acks=all as each row says",
      },
      rows,
    },
    flags.json,
  );
}

function chosenScenarios(): Scenario[] {
  const texts = flags.scenario ?? STANDARD_SCENARIOS
    .filter(({ isQuick = false }) => isQuick || !flags.quick || flags.only !== undefined)
    .map(({ text }) => text);
  const { only = "" } = flags;
  return texts.filter((text) => text.includes(only)).map(parseScenario);
}

function chosenTargets(spawned: ServedBroker | undefined): Target[] {
  const targets: Target[] = [];
  const [address] = positionals;
  if (spawned !== undefined) {
    targets.push({ name: "dqueue", address: spawned.address, pid: spawned.pid });
  }
  if (address !== undefined) {
    targets.push({ name: flags.name ?? address, address, pid: numberOr(flags.pid) });
  }
  if (flags.peer !== undefined) {
    const pid = numberOr(flags["peer-pid"]);
    targets.push({ name: flags["peer-name"], address: flags.peer, pid });
  }
  if (targets.length > 0) return targets;
  throw new Error("Give the address of a broker, or --spawn");
}

function numberOr(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

async function warmUp(target: Target): Promise<void> {
  progress(`${target.name}: warming up`);
  const timing = { warmUpMs: 0, measureMs: flags.quick ? 500 : BROKER_WARM_UP_MS };
  for (const text of BROKER_WARM_UP) await measure(target, parseScenario(text), timing);
}

/** Puts all targets through a scenario, in turn. */
async function compare(
  scenario: Scenario,
  targets: readonly Target[],
  runs: number,
  timing: Timing,
): Promise<Row[]> {
  const outcomes = new Map<string, Outcome[]>(targets.map(({ name }) => [name, []]));
  for (let run = 0; run < runs; run++) {
    for (const target of targets) {
      const outcome = await measure(target, scenario, timing);
      outcomes.get(target.name)!.push(outcome);
      const [{ value, unit, name }] = outcome.figures as [Outcome["figures"][number]];
      progress(`${scenario.text}: ${target.name} ${name} ${value.toFixed(2)} ${unit}`);
    }
  }
  const [first] = outcomes.values();
  return first![0]!.figures.map(({ name, unit, better }, i) => {
    const valuesOf = (runs: readonly Outcome[]) => runs.map(({ figures }) => figures[i]!.value);
    const bySubject = <T>(of: (runs: readonly Outcome[]) => T) =>
      Object.fromEntries(Array.from(outcomes, ([subject, runs]) => [subject, of(runs)]));
    const aim = aimOf(scenario, name);
    return {
      name: [describeScenario(scenario), name].filter((part) => part !== "").join(", "),
      unit,
      better,
      ...(aim === undefined ? {} : { aim }),
      isKey: isKey(scenario, name),
      results: bySubject((runs) => measured(valuesOf(runs))),
      notes: bySubject((runs) => noteOf(runs, valuesOf(runs))),
    };
  });
}

/** The note of the run in the middle. */
function noteOf(runs: readonly Outcome[], values: readonly number[]): string {
  const middle = median(values);
  const distances = values.map((value) => Math.abs(value - middle));
  return runs[distances.indexOf(Math.min(...distances))]!.note;
}

function aimOf({ kind, text }: Scenario, figure: string): number | undefined {
  if (kind !== "latency") return STANDARD_SCENARIOS.find((other) => other.text === text)?.aim;
  return text === "latency rate=10000" && figure === "p99" ? LATENCY_AIM_MS : undefined;
}

function isKey({ kind, text }: Scenario, figure: string): boolean {
  if (kind === "latency" && figure !== "p99") return false;
  return STANDARD_SCENARIOS.some((other) => other.text === text && other.isKey);
}

function measure(target: Target, scenario: Scenario, timing: Timing): Promise<Outcome> {
  switch (scenario.kind) {
    case "produce":
      return measureProduce(target, scenario, timing);
    case "fetch":
      return measureFetch(target, scenario, timing);
    case "latency":
      return measureLatency(target, scenario, timing);
    case "connect":
      return measureConnect(target, scenario, timing);
  }
}
