/**
 * `dqueue cluster try`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { type Column, printTable } from "../../terminal/table.ts";
import { CommandError, messageOf } from "../../errors.ts";
import { linesOf } from "./trial/line_splitter.ts";
import type { TrialCluster, TrialStatus } from "./trial/trial_cluster.ts";
import {
  ETCD,
  parseTrialCommand,
  TRIAL_HELP,
  type TrialCommand,
  type TrialTarget,
} from "./trial/trial_commands.ts";

/** More brokers than a machine is good for. */
const MAX_BROKERS = 20;
/** Variables that would change the trial's processes. */
const NOT_INHERITED = /^(?:DQUEUE_|ETCD_)/;

const COLUMNS: readonly Column<TrialStatus>[] = [
  { heading: "PROCESS", cell: ({ name }) => name },
  { heading: "STATE", cell: ({ state }) => state },
  { heading: "PID", cell: ({ pid }) => pid },
  { heading: "ADDRESS", cell: ({ address }) => address },
];

/** `cluster try`. */
export const clusterTry = command({
  name: "cluster try",
  summary: "Run etcd and several brokers in this terminal, and try what failures do",
  description:
    `Runs etcd and several brokers on this machine until Ctrl-C or the end of the input. What they ` +
    `print goes to standard error, after the name of each. The data is in a temporary folder that ` +
    `is deleted at the end, unless --data is used. New topics have three replicas, of which two must ` +
    `be in sync; other settings are the defaults.\n\n` +
    `While they run, these can be typed:\n${TRIAL_HELP}`,
  flags: {
    brokers: { type: "integer", min: 1, max: MAX_BROKERS, default: 3, env: false, doc: "Brokers" },
    port: {
      type: "integer",
      min: 1,
      max: 65535,
      fallback: "9092, or any free ports",
      doc: "Port of the first broker; the others have the following ones",
    },
    data: { value: "DIR", isFile: true, doc: "Folder for the data, which is kept", env: false },
    etcd: { value: "PATH", isFile: true, default: "etcd", doc: "The program etcd" },
  },
  examples: [
    { doc: "Three brokers", command: "dqueue cluster try" },
    {
      doc: "In a script: broker 2 is killed after 10 s, and everything ends after 20 s",
      command: "(sleep 10; echo kill 2; sleep 10) | dqueue cluster try",
    },
  ],
  async run(context, { flags }) {
    const lastPort = (flags.port ?? 1) + flags.brokers - 1;
    if (lastPort > 65535) throw new CommandError(`Cannot use port ${lastPort}: the last is 65535`);
    const folder = await openFolder(flags.data);
    try {
      await runTrial(context, { ...flags, data: folder.path });
    } finally {
      await folder.close();
    }
  },
});

/** A folder for the data, absolute and without a slash at the end. */
async function openFolder(data: string | undefined) {
  if (data === undefined) {
    const path = await Deno.makeTempDir({ prefix: "dqueue-try-" });
    const remove = () => Deno.removeSync(path, { recursive: true });
    // A second Ctrl-C ends the process at once.
    globalThis.addEventListener("unload", remove);
    return {
      path,
      close: async () => {
        globalThis.removeEventListener("unload", remove);
        await Deno.remove(path, { recursive: true });
      },
    };
  }
  try {
    await Deno.mkdir(data, { recursive: true });
    return { path: await Deno.realPath(data), close: () => Promise.resolve() };
  } catch (error) {
    throw new CommandError(
      `Cannot use folder "${data}": ${messageOf(error)}; choose another with --data`,
    );
  }
}

interface TrialFlags {
  readonly brokers: number;
  readonly port: number | undefined;
  readonly data: string;
  readonly etcd: string;
}

/** Not named in the import, so that Deno does not read it in other commands. */
const TRIAL = "./trial/trial_cluster.ts";

async function runTrial(context: Context, flags: TrialFlags): Promise<void> {
  const { signal, stdout } = context;
  const ending = new AbortController();
  const end = AbortSignal.any([signal, ending.signal]);
  const { TrialCluster }: typeof import("./trial/trial_cluster.ts") = await import(TRIAL);
  const cluster = await TrialCluster.start({
    ...flags,
    env: environmentOf(context),
    onLine: (process, line) => printLine(context, process, line),
  }, end);
  // The terminal was closed.
  const hangUp = () => ending.abort();
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", hangUp);
  try {
    printWelcome(context, cluster);
    await stdout.flush();
    await Promise.race([obey(context, cluster, end), aborted(end)]);
  } finally {
    ending.abort();
    await cluster.close();
    if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGHUP", hangUp);
  }
}

function environmentOf(context: Context): Record<string, string> {
  const names = context.envNames().filter((name) => !NOT_INHERITED.test(name));
  return Object.fromEntries(names.map((name) => [name, context.env(name)!]));
}

function printLine({ stderr }: Context, process: string, line: string): void {
  const { cyan, yellow } = stderr.style;
  stderr.line(`${(process === ETCD ? yellow : cyan)(process.padEnd(9))} | ${line}`);
  stderr.flush().catch(() => {});
}

function printWelcome({ stdout }: Context, { addresses }: TrialCluster): void {
  const { bold } = stdout.style;
  const brokers = addresses.join(",");
  stdout.line();
  stdout.line(`${bold("Bootstrap addresses:")} ${brokers}`);
  stdout.line();
  stdout.line(bold("Try it from another terminal:"));
  stdout.line(`  export DQUEUE_BROKERS=${brokers}`);
  stdout.line(`  dqueue cluster info`);
  stdout.line(`  dqueue topic create hello --partitions 12`);
  stdout.line(`  dqueue topic describe hello`);
  stdout.line();
  stdout.line(
    `Then type "kill 2", "pause 2", "cut 2", "heal", "status" or "help" here. Ctrl-C ends it.`,
  );
  stdout.line();
}

/** Carries out what is typed, until "quit" or the end of the input. */
async function obey(context: Context, cluster: TrialCluster, signal: AbortSignal): Promise<void> {
  for await (const line of linesOf(context.stdin)) {
    try {
      const typed = parseTrialCommand(line);
      if (typed?.verb === "quit") return;
      if (typed !== undefined) await carryOut(context, cluster, typed, signal);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      context.stderr.line(context.stderr.style.red("Error: ") + error.message);
      await context.stderr.flush();
    }
    await context.stdout.flush();
  }
}

async function carryOut(
  context: Context,
  cluster: TrialCluster,
  typed: TrialCommand,
  signal: AbortSignal,
): Promise<void> {
  const { stdout } = context;
  switch (typed.verb) {
    case "quit":
      return;
    case "help":
      return stdout.write(TRIAL_HELP);
    case "status":
      return printTable(context, COLUMNS, cluster.status, "No processes");
    case "kill":
      await cluster.kill(typed.target);
      break;
    case "stop":
      await cluster.stop(typed.target);
      break;
    case "start":
      await cluster.start(typed.target, signal);
      break;
    case "pause":
      cluster.pause(typed.target);
      break;
    case "resume":
      cluster.resume(typed.target);
      break;
    case "cut":
      cluster.cut(typed.target);
      break;
    case "heal":
      await healAll(cluster, typed.target, signal);
      break;
  }
  const target = typed.target === undefined ? "" : ` ${typed.target}`;
  stdout.line(`Done: ${typed.verb}${target}`);
}

async function healAll(
  cluster: TrialCluster,
  target: TrialTarget | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (target !== undefined) return await cluster.heal(target, signal);
  // Brokers need etcd to start.
  await cluster.heal(ETCD, signal);
  await Promise.all(cluster.brokerIds.map((id) => cluster.heal(id, signal)));
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
