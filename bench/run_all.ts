/**
 * Runs all benchmarks and writes what they found to `bench/results/`: `results.json` with every run,
 * `results.md` with tables, `results.svg` with a chart.
 *
 *     deno task bench [--quick] [--only broker] [--peer HOST:PORT --peer-name "Apache Kafka 4.1.1"]
 *
 * In full it takes a quarter of an hour beside a peer, quickly two minutes. Nothing else should run on the
 * machine meanwhile. A peer is any broker that speaks Kafka's protocol, bound to the first core
 * (`taskset -c 0 …`), as this project's is; `--peer-pid` tells its process, whose processor time is
 * then noted.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { fromFileUrl } from "@std/path";
import metadata from "../deno.json" with { type: "json" };
import { drawChart } from "./support/chart.ts";
import { describeMachine } from "./support/machine.ts";
import { isKeyRow, markdownReport, markdownSummary } from "./support/markdown.ts";
import { progress, type Report } from "./support/report.ts";

/** A benchmark and how to run it. */
interface Program {
  readonly name: string;
  readonly full: readonly string[];
  readonly quick: readonly string[];
  /** Whether it compares with another broker. */
  readonly takesPeer?: boolean;
}

const PROGRAMS: readonly Program[] = [
  {
    name: "broker",
    full: ["--spawn", "--seconds=1.2"],
    quick: ["--spawn", "--quick", "--seconds=1"],
    takesPeer: true,
  },
  { name: "client", full: ["--runs=2", "--seconds=1"], quick: ["--quick"] },
  { name: "embedded", full: [], quick: ["--runs=5", "--seconds=0.3"] },
  { name: "memory", full: [], quick: ["--connections=300", "--fetchers=16"] },
  {
    name: "stall",
    full: ["--seconds=3"],
    quick: ["--runs=1", "--seconds=1", "--partitions=200", "--mb=100"],
  },
  { name: "scale", full: [], quick: ["--most=10"] },
  { name: "startup", full: [], quick: ["--runs=1", "--partitions=0"] },
  { name: "groups", full: ["--runs=1"], quick: ["--quick"] },
  { name: "recovery", full: [], quick: ["--quick"] },
  {
    name: "compaction",
    full: [],
    quick: ["--records=500000", "--keys=50000", "--seconds=3"],
  },
];
const RESULTS = new URL("./results/", import.meta.url);

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    peer: { type: "string" },
    "peer-name": { type: "string", default: "peer" },
    "peer-pid": { type: "string" },
  },
});

const startedMs = performance.now();
const reports: Report[] = [];
for (const program of PROGRAMS) {
  if (program.name.includes(flags.only)) reports.push(await run(program));
}
const machine: Record<string, string> = {
  dqueue: [metadata.version, await commit()].join(" "),
  ...describeMachine(),
  ...(flags.peer === undefined ? {} : { peer: flags["peer-name"] }),
};
const command = ["deno task bench", ...Deno.args].join(" ");
await Deno.mkdir(RESULTS, { recursive: true });
await write("results.json", JSON.stringify({ command, machine, reports }, null, 2) + "\n");
await write("results.md", markdown());
await write("results.svg", chart());
console.log(markdownSummary(reports));
progress(`${Math.round((performance.now() - startedMs) / 1000)} s, results in bench/results/`);

async function run({ name, full, quick, takesPeer }: Program): Promise<Report> {
  progress(`== ${name}`);
  const peer = takesPeer && flags.peer !== undefined
    ? [
      `--peer=${flags.peer}`,
      `--peer-name=${flags["peer-name"]}`,
      ...(flags["peer-pid"] === undefined ? [] : [`--peer-pid=${flags["peer-pid"]}`]),
    ]
    : [];
  const script = fromFileUrl(new URL(`./${name}.ts`, import.meta.url));
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", script, ...(flags.quick ? quick : full), ...peer, "--json"],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Benchmark "${name}" failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The commit that is measured, if this is a checkout. */
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
  // What all have in common is said once.
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

/** A reader never finds half a file. */
async function write(name: string, text: string): Promise<void> {
  const path = new URL(name, RESULTS);
  const temporary = new URL(`${name}.tmp`, RESULTS);
  await Deno.writeTextFile(temporary, text);
  await Deno.rename(temporary, path);
}
