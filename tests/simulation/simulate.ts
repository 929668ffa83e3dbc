/**
 * Simulates brokers on disks that fail, one seed after another: `deno task simulate --help`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { simulateCluster } from "./cluster/cluster_simulation.ts";
import { CLUSTER_FAULTS } from "./cluster/faults.ts";
import { FAULTS, simulate } from "./simulation.ts";
import { type Failing, formatSteps, parseSteps, shrink } from "./shrink.ts";
import { simulateTransactions, TRANSACTION_FAULTS } from "./transactions/transaction_simulation.ts";

const HELP =
  `Simulate a broker, its clients and a disk that fails, in steps that a seed repeats exactly

  deno task simulate [flags]

  --seed N           The first seed (default: a random one)
  --seeds N          How many seeds to run, one after another (default: 1)
  --steps N          Steps with each seed (default: 300)
  --only STEPS       Take only these steps, for instance 3,17,29-40
  --machines N       Simulate a cluster of so many brokers, and its network and metadata store
  --replicas N       Replicas of the cluster's partitions (default: 1)
  --transactions     Simulate transactions
  --without FAULTS   Leave these faults out: ${FAULTS.join(", ")};
                     of a cluster: ${CLUSTER_FAULTS.join(", ")};
                     with transactions: ${TRANSACTION_FAULTS.join(", ")}
  --shrink           Make a seed that fails smaller: leave out faults and steps while it still fails
  --trace            Print everything that happens
  --help             Print this

A seed that fails is printed with the command that repeats it. Exit status 1 if one did.`;

const DEFAULT_STEPS = 300;
const PROGRESS_MS = 1000;

/** What can be run with a seed. */
interface AnySimulator {
  readonly faults: readonly string[];
  /** How to choose it on the command line. */
  readonly flags: string;
  simulate(options: AnyOptions): Promise<AnyResult>;
}

interface AnyOptions extends Failing<string> {
  readonly onTrace?: (line: string) => void;
}

interface AnyResult {
  readonly failure: { readonly step: number; readonly error: unknown } | undefined;
  /** How many crashes and other faults there were. */
  readonly faults: number;
  readonly records: number;
}

/** One broker. */
const single: AnySimulator = {
  faults: FAULTS,
  flags: "",
  async simulate(options) {
    const result = await simulate(options as Failing<never>);
    return { ...result, faults: result.crashes };
  },
};

/** One broker, with transactions. */
const transactional: AnySimulator = {
  faults: TRANSACTION_FAULTS,
  flags: "--transactions ",
  async simulate(options) {
    const result = await simulateTransactions(options as Failing<never>);
    return { ...result, faults: result.crashes };
  },
};

/** Several brokers. */
function clusterOf(machines: number, replicas: number, transactions: boolean): AnySimulator {
  const given = transactions ? "--transactions " : "";
  return {
    faults: CLUSTER_FAULTS,
    flags: `--machines ${machines} --replicas ${replicas} ${given}`,
    simulate: (options) =>
      simulateCluster({ ...options as Failing<never>, machines, replicas, transactions }),
  };
}

/** The options of the command line. */
interface Arguments {
  readonly simulator: AnySimulator;
  readonly seed: number;
  readonly seeds: number;
  readonly steps: readonly number[];
  readonly without: ReadonlySet<string>;
  readonly mayShrink: boolean;
  readonly isTraced: boolean;
}

function parse(argv: readonly string[]): Arguments {
  const unknown = (arg: string): never => {
    throw new TypeError(`There is no flag "${arg}": see --help`);
  };
  const { _, ...given } = parseArgs([...argv], {
    boolean: ["shrink", "trace", "transactions"],
    string: ["seed", "seeds", "steps", "only", "without", "machines", "replicas"],
    unknown,
  });
  const number = (name: string, missing: number) => {
    const text = given[name];
    const value = text === undefined ? missing : text === "" ? NaN : Number(text);
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw new TypeError(`Cannot use --${name} "${text}": give a whole number`);
  };
  const only = given["only"] as string | undefined;
  const without = (given["without"] as string | undefined)?.split(",") ?? [];
  const machines = number("machines", 0);
  const replicas = number("replicas", 1);
  if (replicas < 1 || replicas > Math.max(1, machines)) {
    throw new TypeError(`Cannot use --replicas ${replicas}: there are ${machines} machines`);
  }
  const isTransactional = given["transactions"] === true;
  const simulator = machines > 0
    ? clusterOf(machines, replicas, isTransactional)
    : isTransactional
    ? transactional
    : single;
  for (const fault of without) {
    if (simulator.faults.includes(fault)) continue;
    throw new TypeError(`There is no fault "${fault}": there are ${simulator.faults.join(", ")}`);
  }
  return {
    simulator,
    seed: number("seed", Math.floor(Math.random() * 2 ** 31)),
    seeds: number("seeds", 1),
    steps: only === undefined
      ? Array.from({ length: number("steps", DEFAULT_STEPS) }, (_, step) => step)
      : parseSteps(only),
    without: new Set(without),
    mayShrink: given["shrink"] === true,
    isTraced: given["trace"] === true,
  };
}

async function run(
  { simulator, seed, seeds, steps, without, mayShrink, isTraced }: Arguments,
): Promise<number> {
  const startMs = Date.now();
  const isTerminal = Deno.stderr.isTerminal();
  let [failures, faults, records, shownMs] = [0, 0, 0, startMs];
  for (let i = 0; i < seeds; i++) {
    const failing: Failing<string> = { seed: seed + i, steps, without };
    const result = await simulator.simulate(
      isTraced ? { ...failing, onTrace: console.log } : failing,
    );
    faults += result.faults;
    records += result.records;
    if (result.failure !== undefined) {
      failures++;
      await report(simulator, failing, result.failure, mayShrink);
    }
    if (isTerminal && Date.now() - shownMs >= PROGRESS_MS) {
      shownMs = Date.now();
      progress(
        `${i + 1} of ${seeds} seeds, ${failures} failed, ${faults} crashes and other faults`,
      );
    }
  }
  if (isTerminal) progress("");
  const seconds = ((Date.now() - startMs) / 1000).toFixed(1);
  console.log(
    `${
      seeds === 1 ? `Seed ${seed}` : `${seeds} seeds from ${seed}`
    }, ${steps.length} steps each: ${failures} failed; ` +
      `${faults} crashes and other faults, ${records} records, ${seconds} s`,
  );
  return failures;
}

async function report(
  simulator: AnySimulator,
  failing: Failing<string>,
  failure: { readonly step: number; readonly error: unknown },
  mayShrink: boolean,
): Promise<void> {
  const { seed } = failing;
  console.log(`Seed ${seed} fails at step ${failure.step}:`, failure.error);
  if (!mayShrink) {
    console.log(
      `Repeat it: deno task simulate ${simulator.flags}--seed ${seed} ${stepsOf(failing)} --trace`,
    );
    return;
  }
  const { steps, without } = await shrink(simulator, failing, ({ steps, without }) => {
    progress(`Shrinking: ${steps.length} steps, without ${[...without]}`);
  });
  progress("");
  const faults = without.size === 0 ? "" : ` --without ${[...without].join(",")}`;
  console.log(
    `Repeat it: deno task simulate ${simulator.flags}--seed ${seed} --only ${
      formatSteps(steps)
    }${faults} --trace`,
  );
}

function stepsOf({ steps }: Failing<string>): string {
  const isWhole = steps.every((step, i) => step === i);
  return isWhole ? `--steps ${steps.length}` : `--only ${formatSteps(steps)}`;
}

function progress(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

if (import.meta.main) {
  if (Deno.args.includes("--help")) console.log(HELP);
  else {
    try {
      if (await run(parse(Deno.args)) > 0) Deno.exit(1);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      console.error(error.message);
      Deno.exit(2);
    }
  }
}
