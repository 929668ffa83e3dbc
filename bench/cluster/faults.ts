/**
 * Measures how long partitions of a cluster of processes accept no writes because of a fault, and how long
 * the sends of each client take while all brokers are restarted one after the other.
 *
 *     deno run -A bench/cluster/faults.ts [--rounds 60] [--seed 1] [--results FILE] [--json]
 *
 * Runs `deno task faults`: three brokers and three members of etcd in network namespaces, under producers and
 * groups of the SDK, kafkajs and librdkafka, with three replicas, acks=all and min.insync.replicas=2. All
 * share the cores of this machine. With `--results` it reports the results of an earlier run instead.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import type { RoundResult } from "../../tests/cluster/faults/run.ts";
import { percentile } from "../../tests/cluster/faults/unavailability.ts";
import { parseFlags } from "../support/flags.ts";
import { describeMachine } from "../support/report/machine.ts";
import { formatFigure, measured, printReport, type Row } from "../support/report/report.ts";

const { flags } = parseFlags({ rounds: "60", seed: "1", results: undefined, json: false });
const FAULT_AIM_MS = 2000;
const ROLLING = "rolling restart";
const SEND_AIM_MS = 500;

const rounds = flags.results === undefined ? await run() : await read(flags.results);
const faults = Map.groupBy(rounds, ({ fault }) => fault);
const rows = [...faults].map(([fault, of]) => faultRow(fault, of));
const restarts = faults.get(ROLLING) ?? [];
const clients = new Set(restarts.flatMap(({ sends }) => Object.keys(sends)));
for (const client of [...clients].sort()) rows.push(clientRow(client, restarts));
printReport(
  {
    title: "Faults of machines",
    settings: {
      ...describeMachine(),
      brokers: "3 processes, 3 members of etcd, each in a network namespace",
      load:
        "the SDK, kafkajs and librdkafka, each 20 sends a second to each of 6 partitions, and a group",
      rounds: `${rounds.length}`,
    },
    rows,
  },
  flags.json,
);

function faultRow(fault: string, of: readonly RoundResult[]): Row {
  const gaps = of.map(({ unavailableMs }) => unavailableMs);
  const figures = [0.5, 0.99].map((part) => formatFigure(percentile(gaps, part)!));
  return {
    name: `${fault}: longest time without an acknowledged write to a partition`,
    // The aim is for the worst of all.
    unit: "ms",
    better: "lower",
    ...(of[0]!.isSingle ? { aim: FAULT_AIM_MS } : {}),
    results: { dqueue: measured([Math.max(...gaps)]) },
    notes: { dqueue: `${of.length} times; p50 ${figures[0]} ms, p99 ${figures[1]} ms` },
  };
}

function clientRow(client: string, of: readonly RoundResult[]): Row {
  const all = of.flatMap(({ sends }) => sends[client] ?? []);
  const figures = [0.5, 0.99, 1].map((part) => formatFigure(percentile(all, part)!));
  return {
    name: `${ROLLING}: 99.9% of the sends of ${client}`,
    unit: "ms",
    better: "lower",
    aim: SEND_AIM_MS,
    results: { dqueue: measured([percentile(all, 0.999)!]) },
    notes: {
      dqueue: `${all.length} sends; p50 ${figures[0]} ms, p99 ${figures[1]} ms, worst ${
        figures[2]
      } ms`,
    },
  };
}

async function run(): Promise<RoundResult[]> {
  const results = await Deno.makeTempFile();
  try {
    const program = fromFileUrl(new URL("../../tests/cluster/faults/run.ts", import.meta.url));
    const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
    const { rounds, seed } = flags;
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", `--config=${config}`, program],
        ...["--rounds", rounds, "--seed", seed, "--results", results],
      ],
      stdout: "null",
      stderr: "inherit",
    }).output();
    if (!success) throw new Error("The faults of machines have led to violations");
    return await read(results);
  } finally {
    await Deno.remove(results);
  }
}

async function read(path: string): Promise<RoundResult[]> {
  const lines = (await Deno.readTextFile(path)).trim().split("\n");
  return lines.map((line) => JSON.parse(line));
}
