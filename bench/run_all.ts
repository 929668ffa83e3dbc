/**
 * Runs all benchmarks and writes the results to `bench/results/`: `results.json` with every run,
 * `results.md` with tables, `results.svg` with a chart.
 *
 *     deno task bench [--quick] [--only broker,client] [--headlines] [--kafka-home ~/kafka]
 *
 * A full run takes half an hour with a peer, `--quick` five minutes, and `--only broker --headlines`, which
 * measures only the rows of the README, ten. Nothing else should run on the machine meanwhile. The peer is
 * Apache Kafka from the jars in `--kafka-home`, or the broker that `--peer-command` starts, with the name
 * `--peer-name` (see `bench/broker/broker.ts`). `--only` keeps earlier results of the other benchmarks if
 * they were taken on this machine.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import metadata from "../deno.json" with { type: "json" };
import { parseFlags } from "./support/flags.ts";
import { drawChart } from "./support/report/chart.ts";
import { describeMachine } from "./support/report/machine.ts";
import { isKeyRow, markdownReport, markdownSummary } from "./support/report/markdown.ts";
import { progress, type Report } from "./support/report/report.ts";

/** A benchmark and how to run it. */
interface Program {
  /** Its folder. */
  readonly room: string;
  /** Its file there. */
  readonly name: string;
  readonly full: readonly string[];
  readonly quick: readonly string[];
  /** Whether it compares with another broker, or with Kafka only. */
  readonly takesPeer?: boolean | "kafka";
  /** Whether it can measure only the rows of the README. */
  readonly hasHeadlines?: boolean;
}

const PROGRAMS: readonly Program[] = [
  {
    room: "broker",
    name: "broker",
    full: [],
    quick: ["--quick"],
    takesPeer: true,
    hasHeadlines: true,
  },
  { room: "client", name: "client", full: ["--runs=2", "--seconds=1"], quick: ["--quick"] },
  { room: "broker", name: "embedded", full: [], quick: ["--runs=5", "--seconds=0.3"] },
  { room: "broker", name: "memory", full: [], quick: ["--connections=300", "--fetchers=16"] },
  {
    room: "broker",
    name: "stall",
    full: ["--seconds=3", "--runs=2"],
    quick: ["--runs=1", "--seconds=1", "--partitions=200", "--mb=100"],
  },
  { room: "broker", name: "fairness", full: [], quick: ["--runs=1"] },
  { room: "broker", name: "hostile_frames", full: [], quick: ["--only=Metadata"] },
  {
    room: "broker",
    name: "logins",
    full: [],
    quick: ["--seconds=1", "--connections=300"],
  },
  { room: "broker", name: "scale", full: [], quick: ["--most=10"] },
  { room: "broker", name: "quotas", full: [], quick: ["--seconds=5"] },
  {
    room: "broker",
    name: "stream_readers",
    full: [],
    quick: ["--readers=100", "--stalled=10", "--seconds=3", "--runs=1"],
  },
  { room: "broker", name: "startup", full: ["--runs=7"], quick: ["--runs=1", "--partitions=0"] },
  {
    room: "workers",
    name: "workers",
    full: [],
    quick: ["--runs=1", "--seconds=1"],
    takesPeer: true,
  },
  { room: "workers", name: "worker_cost", full: [], quick: ["--turns=2"] },
  { room: "workers", name: "worker_failure", full: [], quick: ["--runs=1"] },
  {
    room: "cluster",
    name: "replication",
    full: [],
    quick: ["--runs=1", "--seconds=1", "--partitions=10"],
    takesPeer: true,
  },
  { room: "cluster", name: "cluster", full: [], quick: ["--runs=2", "--requests=50"] },
  { room: "cluster", name: "traffic", full: [], quick: ["--runs=1", "--seconds=2"] },
  { room: "cluster", name: "failover", full: [], quick: ["--runs=2"] },
  { room: "cluster", name: "faults", full: [], quick: ["--rounds=10"] },
  { room: "broker", name: "groups", full: ["--runs=1"], quick: ["--quick"] },
  {
    room: "broker",
    name: "transactions",
    full: ["--seconds=1.5"],
    quick: ["--quick"],
    takesPeer: true,
  },
  { room: "broker", name: "tls", full: [], quick: ["--quick"], takesPeer: "kafka" },
  { room: "storage", name: "recovery", full: ["--runs=3"], quick: ["--quick"] },
  {
    room: "storage",
    name: "compaction",
    full: [],
    quick: ["--records=500000", "--keys=50000", "--seconds=3"],
  },
];
const RESULTS = new URL("./results/", import.meta.url);

/** Flags for programs that take a peer. */
const PEER_FLAGS = ["kafka-home", "peer-command", "peer-name"] as const;

const { flags } = parseFlags({
  quick: false,
  headlines: false,
  only: "",
  "kafka-home": undefined,
  "peer-command": undefined,
  "peer-name": undefined,
});

/** The results of one command, or of several that each measured a part. */
interface Results {
  readonly command: string;
  readonly machine: Readonly<Record<string, string>>;
  readonly reports: readonly Report[];
}

const startedMs = performance.now();
const dqueue = [metadata.version, await commit()].join(" ");
const measured: Report[] = [];
for (const program of PROGRAMS) {
  if (flags.only === "" || flags.only.split(",").includes(program.name)) {
    measured.push(await run(program));
  }
}
const thisMachine = describeMachine();
const last = flags.only === "" ? undefined : await lastResults();
// One table must not mix figures of two machines.
const before = last?.machine.cpu === thisMachine.cpu ? last : undefined;
const reports = merge(before?.reports ?? [], measured);
const command = before?.command ?? ["deno task bench", ...Deno.args].join(" ");
const machine: Record<string, string> = before?.machine ?? {
  dqueue,
  ...thisMachine,
};
await Deno.mkdir(RESULTS, { recursive: true });
await write("results.json", JSON.stringify({ command, machine, reports }, null, 2) + "\n");
await write("results.md", markdown());
await write("results.svg", chart());
console.log(markdownSummary(reports));
progress(`${Math.round((performance.now() - startedMs) / 1000)} s, results in bench/results/`);

async function run({ room, name, full, quick, takesPeer, hasHeadlines }: Program): Promise<Report> {
  const startedMs = performance.now();
  progress(`== ${name}`);
  const peer = takesPeer
    ? [
      ...(flags.headlines && hasHeadlines ? ["--headlines"] : []),
      ...PEER_FLAGS.filter((flag) => takesPeer !== "kafka" || flag === "kafka-home").flatMap((
        flag,
      ) => flags[flag] === undefined ? [] : [`--${flag}=${flags[flag]}`]),
    ]
    : [];
  const script = fromFileUrl(new URL(`./${room}/${name}.ts`, import.meta.url));
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", script, ...(flags.quick ? quick : full), ...peer, "--json"],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Benchmark "${name}" failed`);
  const report: Report = JSON.parse(new TextDecoder().decode(stdout));
  progress(`== ${name}: ${Math.round((performance.now() - startedMs) / 1000)} s`);
  return { ...report, settings: { ...report.settings, dqueue } };
}

/** Reads `results.json`, if it exists. */
async function lastResults(): Promise<Results | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(new URL("results.json", RESULTS)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Returns the old reports, replaced by new ones where there are any. */
function merge(old: readonly Report[], measured: readonly Report[]): Report[] {
  const byTitle = new Map([...old, ...measured].map((report) => [report.title, report]));
  return [...byTitle.values()];
}

/** Returns the measured commit, if this is a checkout. */
async function commit(): Promise<string> {
  try {
    const git = new Deno.Command("git", {
      args: ["describe", "--always", "--dirty"],
      cwd: fromFileUrl(new URL("..", import.meta.url)),
      stderr: "null",
    });
    const { success, stdout } = await git.output();
    return success ? `(${new TextDecoder().decode(stdout).trim()})` : "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function markdown(): string {
  // Settings that all reports share are listed once.
  const own = ({ settings, ...report }: Report): Report => ({
    ...report,
    settings: Object.fromEntries(
      Object.entries(settings).filter(([name, value]) => machine[name] !== value),
    ),
  });
  return [
    "# Benchmarks",
    "",
    `Made by \`${command}\`. Medians of several runs, in parentheses the least and the most.`,
    "",
    ...Object.entries(machine).map(([name, value]) => `- ${name}: ${value}`),
    "",
    "![The most important figures as bars](results.svg)",
    "",
    "## In short",
    "",
    markdownSummary(reports),
    ...reports.map((report) => markdownReport(own(report))),
  ].join("\n");
}

function chart(): string {
  const key = reports.map((report) => ({ ...report, rows: report.rows.filter(isKeyRow) }));
  const { cpu, memory, runtime } = machine;
  return drawChart(`dqueue ${machine.dqueue}`, `${cpu}, ${memory}, ${runtime}`, key);
}

/** Writes a file by renaming, so that a reader never finds half of it. */
async function write(name: string, text: string): Promise<void> {
  const path = new URL(name, RESULTS);
  const temporary = new URL(`${name}.tmp`, RESULTS);
  await Deno.writeTextFile(temporary, text);
  await Deno.rename(temporary, path);
}
