/**
 * Measures any broker that speaks Kafka's protocol, with prepared batches, so that the broker is the
 * bottleneck.
 *
 *     deno run -A bench/broker.ts
 *     deno run -A bench/broker.ts --kafka-home ~/kafka
 *     deno run -A bench/broker.ts --peer-command 'exec redpanda … $PORT $DIR' --peer-name Redpanda
 *     deno run -A bench/broker.ts --scenario "produce size=1000 batch=100 connections=8"
 *     deno run -A bench/broker.ts localhost:9092
 *
 * In each run each family of rows (small produce requests, large ones, fetch, latency, connect, each in
 * memory or on disk) has its own broker, with a new process and a new folder, for the peer as for this
 * project's. The folder is in memory (`/dev/shm`), unless the row is about the disk. Before each row the
 * broker is warmed up with the measured load, at full rate, until its work per processor time is stable
 * for six seconds. That takes a Java virtual machine on one core 15 to 30 s: a peer gets at least 20 s of
 * processor time in a new process and at most 45 s for a row, this project's broker at most 8 s. Each note
 * says how long it took. If the row has a fixed rate, the load then waits until the consumer has caught
 * up. Measured records go to a new topic, from which nothing is deleted meanwhile. All families are
 * measured once, then all again. The subjects take turns in changing order, so that other work of the
 * machine affects both, and ratios are of the same run. If there are two cores and `taskset`, brokers get
 * one of them and this program the other.
 *
 * `--kafka-home` names a folder with the jars of Apache Kafka, which needs `java`; `--peer-command` is any
 * command that serves on `$PORT` with its data in `$DIR`. An address stands for a broker that is running
 * already. `--seconds`, `--runs`, `--quick`, `--long`, `--headlines` (only the rows of the README) and
 * `--only TEXT` set the extent; `--list` prints the standard scenarios, and
 * `bench/support/load/scenario.ts` describes how to write others.
 *
 * @module
 */

import { parseFlags } from "./support/flags.ts";
import {
  LATENCY_AIM_MS,
  STANDARD_SCENARIOS,
  type StandardScenario,
} from "./support/load/broker_scenarios.ts";
import {
  type BrokerSubject,
  commandSubject,
  dqueueSubject,
  runningSubject,
} from "./support/brokers/broker_subjects.ts";
import { measureConnect } from "./support/load/connect_load.ts";
import { measureFetch } from "./support/load/fetch_load.ts";
import { kafkaSubject } from "./support/brokers/kafka_subject.ts";
import { measureLatency } from "./support/load/latency_load.ts";
import { describeMachine } from "./support/report/machine.ts";
import { COST, type Outcome } from "./support/report/outcome.ts";
import { pin } from "./support/brokers/process_usage.ts";
import { measureProduce } from "./support/load/produce_load.ts";
import {
  formatFigure,
  measured,
  median,
  printReport,
  progress,
  type Row,
} from "./support/report/report.ts";
import {
  describeScenario,
  familyOf,
  isOnDisk,
  parseScenario,
  type Scenario,
} from "./support/load/scenario.ts";
import { isHeadline } from "./support/report/readme_tables.ts";
import type { Target } from "./support/load/target.ts";
import { temporaryFolder } from "./support/brokers/temporary_folder.ts";
import type { Timing } from "./support/load/window.ts";

/** Time from the start of the load on a topic to the start of the measurement. */
const SETTLE_MS = 1000;
/** Memory for the data that a broker receives in a run. */
const DATA_BYTES = 10e9;

const { flags, args } = parseFlags({
  name: undefined,
  pid: undefined,
  "kafka-home": undefined,
  "peer-command": undefined,
  "peer-name": "peer",
  scenario: [],
  only: undefined,
  runs: "3",
  seconds: "1",
  quick: false,
  long: false,
  headlines: false,
  "broker-core": "0",
  "load-core": "1",
  "no-pin": false,
  list: false,
  json: false,
}, { maxArgs: 1 });

if (flags.list) {
  for (const { text } of STANDARD_SCENARIOS) console.log(text);
} else {
  await main();
}

async function main(): Promise<void> {
  const runs = flags.quick ? 1 : Number(flags.runs);
  const scenarios = chosenScenarios();
  const isPinned = !flags["no-pin"] && navigator.hardwareConcurrency > 1 &&
    await pin(Deno.pid, Number(flags["load-core"]));
  const core = isPinned ? Number(flags["broker-core"]) : undefined;
  const subjects = await chosenSubjects();
  const families = [...Map.groupBy(scenarios, familyOf).values()];
  const found = new Map(scenarios.map((scenario) => [scenario, new Map<string, Outcome[]>()]));
  for (let run = 0; run < runs; run++) {
    const order = run % 2 === 0 ? subjects : subjects.toReversed();
    for (const family of families) {
      for (const subject of order) {
        await measureFresh(subject, family, core, (scenario, outcome) => {
          const ofScenario = found.get(scenario)!;
          ofScenario.set(subject.name, [...ofScenario.get(subject.name) ?? [], outcome]);
          const [{ value, unit, name }] = outcome.figures as [Outcome["figures"][number]];
          progress(
            `${run + 1}/${runs} ${scenario.text}: ${subject.name} ${name} ${formatFigure(value)} ` +
              `${unit}, ${outcome.note}`,
          );
        });
      }
    }
  }
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
        runs:
          `${runs} of ${flags.seconds} s each, in each a new process and folder for each family of ` +
          "rows; medians, and ratios within each run",
        "warm-up": "before each row, until work per processor time is stable",
        data: "in memory (/dev/shm), on disk where a row says so; nothing is deleted meanwhile",
        values: "random bytes, no compression, no keys",
        durability: "acks=1 answers after the write, acks=all as each row says",
      },
      rows: scenarios.flatMap((scenario) => rowsOf(scenario, subjects, found.get(scenario)!)),
    },
    flags.json,
  );
}

function chosenScenarios(): Scenario[] {
  const { only = "" } = flags;
  const isChosen = ({ text, isQuick = false, isLong = false }: StandardScenario) => {
    if (flags.headlines) return isHeadline(describeScenario(parseScenario(text)));
    if (flags.long || only !== "") return true;
    return flags.quick ? isQuick : !isLong;
  };
  const texts = flags.scenario.length > 0
    ? flags.scenario
    : STANDARD_SCENARIOS.filter(isChosen).map(({ text }) => text);
  return texts.filter((text) => text.includes(only)).map(parseScenario);
}

async function chosenSubjects(): Promise<BrokerSubject[]> {
  const [address] = args;
  if (address !== undefined) {
    const pid = flags.pid === undefined ? undefined : Number(flags.pid);
    return [runningSubject({ name: flags.name ?? address, address, pid })];
  }
  const { "kafka-home": home, "peer-command": command } = flags;
  return [
    dqueueSubject(),
    ...(home === undefined ? [] : [await kafkaSubject(home)]),
    ...(command === undefined ? [] : [commandSubject(flags["peer-name"], command)]),
  ];
}

/** Runs the scenarios of one family on a new broker. */
async function measureFresh(
  subject: BrokerSubject,
  family: readonly Scenario[],
  core: number | undefined,
  report: (scenario: Scenario, outcome: Outcome) => void,
): Promise<void> {
  await using folder = await temporaryFolder(isOnDisk(family[0]!) ? Infinity : DATA_BYTES);
  await using target = await subject.start({ folder: folder.join(), core });
  for (const [i, scenario] of family.entries()) {
    const { leastMs, mostMs } = subject.warmUp;
    const timing: Timing = {
      stable: { leastMs: i === 0 ? leastMs : 0, mostMs },
      warmUpMs: SETTLE_MS,
      measureMs: Number(flags.seconds) * 1000,
    };
    report(scenario, await measure(target, scenario, timing));
  }
}

function rowsOf(
  scenario: Scenario,
  subjects: readonly BrokerSubject[],
  outcomes: ReadonlyMap<string, readonly Outcome[]>,
): Row[] {
  const [first] = outcomes.values();
  return first![0]!.figures.map(({ name, unit, better }) => {
    const valuesOf = (runs: readonly Outcome[]) =>
      runs.flatMap(({ figures }) =>
        figures.filter((other) => other.name === name).map(({ value }) => value)
      );
    const bySubject = <T>(of: (runs: readonly Outcome[]) => T) =>
      Object.fromEntries(
        subjects.map((subject) => [subject.name, of(outcomes.get(subject.name)!)]),
      );
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

/** Returns the note of the median run. */
function noteOf(runs: readonly Outcome[], values: readonly number[]): string {
  const middle = median(values);
  const distances = values.map((value) => Math.abs(value - middle));
  return runs[distances.indexOf(Math.min(...distances))]!.note;
}

function aimOf({ kind, text }: Scenario, figure: string): number | undefined {
  if (figure === COST) return undefined;
  if (kind !== "latency") return STANDARD_SCENARIOS.find((other) => other.text === text)?.aim;
  return text === "latency rate=10000" && figure === "p99" ? LATENCY_AIM_MS : undefined;
}

function isKey({ kind, text }: Scenario, figure: string): boolean {
  const standard = STANDARD_SCENARIOS.find((other) => other.text === text);
  if (figure === COST) return standard?.hasKeyCost ?? false;
  if (kind === "latency" && figure !== "p99") return false;
  return standard?.isKey ?? false;
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
