/**
 * Measures any broker that speaks Kafka's protocol, with prepared batches, so that the broker is the
 * bottleneck.
 *
 *     deno run -A bench/broker/broker.ts
 *     deno run -A bench/broker/broker.ts --kafka-home ~/kafka
 *     deno run -A bench/broker/broker.ts --peer-command 'exec redpanda … $PORT $DIR' --peer-name Redpanda
 *     deno run -A bench/broker/broker.ts --scenario "produce size=1000 batch=100 connections=8"
 *     deno run -A bench/broker/broker.ts localhost:9092
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

import { parseFlags } from "../support/flags.ts";
import {
  LATENCY_AIM_MS,
  STANDARD_SCENARIOS,
  type StandardScenario,
} from "../support/load/broker_scenarios.ts";
import {
  type BrokerSubject,
  dqueueSubject,
  runningSubject,
} from "../support/brokers/broker_subjects.ts";
import { Comparison } from "../support/load/comparison.ts";
import { PEER_FLAGS, peerSubjects } from "../support/brokers/peer_subjects.ts";
import { describeMachine } from "../support/report/machine.ts";
import { COST } from "../support/report/outcome.ts";
import { pin } from "../support/brokers/process_usage.ts";
import { printReport } from "../support/report/report.ts";
import { describeScenario, parseScenario, type Scenario } from "../support/load/scenario.ts";
import { isHeadline } from "../support/report/readme_tables.ts";

const { flags, args } = parseFlags({
  name: undefined,
  pid: undefined,
  ...PEER_FLAGS,
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
  const comparison = await Comparison.measure({
    subjects,
    scenarios,
    runs,
    measureMs: Number(flags.seconds) * 1000,
    core,
  });
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
      rows: comparison.rows(aimOf, isKey),
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
    const pids = flags.pid === undefined ? [] : [Number(flags.pid)];
    return [runningSubject({ name: flags.name ?? address, address, pids })];
  }
  return [dqueueSubject(), ...await peerSubjects(flags)];
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
