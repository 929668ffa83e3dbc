/**
 * Runs a cluster of processes under load and faults, and checks what its clients saw.
 *
 *     deno task faults [--rounds 20] [--seed 1] [--replicas 3] [--fault NAME] [--history FILE] [--logs FOLDER]
 *         [--results FILE]
 *
 * Three members of etcd and three brokers run in network namespaces of their own, under producers and
 * groups of this project's SDK, kafkajs and librdkafka. In each round one fault happens and ends, and
 * all partitions have to accept writes again. After every twenty rounds the clients read to the end, the
 * brokers stop, and the history of all clients is compared with the logs of all brokers.
 *
 * A seed gives the same faults again; what clients and machines do meanwhile differs.
 *
 * @module
 */

import { parseFlags } from "../../../bench/support/flags.ts";
import { Random } from "../../../protocol/random_testing.ts";
import { ROOT } from "../../support/broker/dqueue.ts";
import { Episode } from "./episode.ts";
import { type Fault, FAULTS } from "./faults.ts";
import { inPrivateNamespace, isInPrivateNamespace, obstacle } from "./network.ts";
import { formatTable } from "./unavailability.ts";

const ROUNDS_PER_EPISODE = 20;

/** A line of the file of results: what a fault cost. */
export interface RoundResult {
  readonly fault: string;
  readonly isSingle: boolean;
  readonly unavailableMs: number;
  /** How long acknowledged sends took, in milliseconds, by client. */
  readonly sends: Readonly<Record<string, readonly number[]>>;
}

const { flags } = parseFlags({
  rounds: "20",
  seed: `${Date.now() % 1_000_000}`,
  replicas: "3",
  fault: undefined,
  history: undefined,
  logs: undefined,
  results: undefined,
});
if (isInPrivateNamespace()) {
  Deno.exit(await run());
} else {
  const problem = await obstacle();
  if (problem !== undefined) {
    console.error(`Cannot make a private network: ${problem}`);
    Deno.exit(2);
  }
  const { path, args } = inPrivateNamespace({
    path: Deno.execPath(),
    args: [
      "run",
      "-A",
      "--quiet",
      `--config=${ROOT}deno.json`,
      import.meta.filename!,
      ...Deno.args,
    ],
  });
  const child = new Deno.Command(path, { args: [...args] }).spawn();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // The brokers and clients end with it.
    Deno.addSignalListener(signal, () => child.kill("SIGKILL"));
  }
  Deno.exit((await child.status).code);
}

async function run(): Promise<number> {
  const seed = Number(flags.seed);
  const random = new Random(seed);
  const faults = FAULTS.filter(({ name }) => name === (flags.fault ?? name));
  if (faults.length === 0) {
    console.error(`There is no fault "${flags.fault}"; there are: ${names().join(", ")}`);
    return 2;
  }
  const gaps = new Map<string, number[]>();
  let problems = 0;
  for (let left = Number(flags.rounds), number = 1; left > 0; number++) {
    const rounds = Math.min(left, ROUNDS_PER_EPISODE);
    left -= rounds;
    try {
      problems += await runEpisode(number, rounds, { random, faults, gaps });
    } catch (error) {
      problems++;
      console.log(`Episode ${number}: ${(error as Error).stack}`);
    }
  }
  for (const line of formatTable(gaps)) console.log(line);
  console.log(`${problems === 0 ? "ok" : "FAILED"}: seed ${seed}`);
  return problems === 0 ? 0 : 1;
}

/** Runs a cluster through some faults. Returns the number of violations. */
async function runEpisode(
  number: number,
  rounds: number,
  { random, faults, gaps }: {
    readonly random: Random;
    readonly faults: readonly Fault[];
    readonly gaps: Map<string, number[]>;
  },
): Promise<number> {
  const replicas = Number(flags.replicas);
  const { history, logs, results } = flags;
  if (logs !== undefined) await Deno.mkdir(logs, { recursive: true });
  await using episode = await Episode.start({ number, replicas, random, history, logs });
  for (let round = 0; round < rounds; round++) {
    const fault = random.pick(faults);
    const { unavailableMs, where, inSyncMs, sendMs, failures, sends } = await episode.round(fault);
    console.log(
      `${new Date().toISOString()} ${fault.name} (${where}): unavailable for ` +
        `${seconds(unavailableMs)}, in sync ${seconds(inSyncMs)} after; 99.9% of sends within ` +
        `${seconds(sendMs)}, ${failures} failed`,
    );
    gaps.set(fault.name, [...gaps.get(fault.name) ?? [], unavailableMs]);
    if (results === undefined) continue;
    const result: RoundResult = {
      fault: fault.name,
      isSingle: fault.isSingle,
      unavailableMs,
      sends: Object.fromEntries(sends),
    };
    await Deno.writeTextFile(results, `${JSON.stringify(result)}\n`, { append: true });
  }
  const { violations, counts } = await episode.finish();
  console.log(
    `Episode ${number}: ${counts.acknowledged} acknowledged, ${counts.polled} read, ` +
      `${violations.length} violations`,
  );
  for (const violation of violations.slice(0, 20)) console.log(JSON.stringify(violation));
  return violations.length;
}

function names(): string[] {
  return FAULTS.map(({ name }) => name);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
