/**
 * Measures how long a broker takes to start, and its memory while idle.
 *
 *     deno run -A bench/broker/startup.ts [--runs 5] [--partitions 10000] [--binary dist/dqueue] [--json]
 *
 * The time to the first acknowledged message counts from the start of the process, on a new folder:
 * a client that is already running connects, creates a topic and writes one message with acks=all.
 * A script that only listens shows the share of the runtime. What `deno task compile` made is measured, too.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { produce } from "../../protocol/messages/records/produce.ts";
import { parseFlags } from "../support/flags.ts";
import { describeMachine } from "../support/report/machine.ts";
import type { LoadConnection } from "../support/load/load_connection.ts";
import { residentBytes } from "../support/brokers/process_usage.ts";
import { sampleBatch } from "../support/load/record_batches.ts";
import { measured, median, printReport, progress, type Row } from "../support/report/report.ts";
import { defaultCommand, ServedBroker } from "../support/brokers/served_broker.ts";
import { createTopics, expectNone, TIMEOUT_MS } from "../support/load/target.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";

const TOPIC = "bench";
/** Time for a broker to settle before its memory is read. */
const SETTLE_MS = 1500;

/** One start of a broker, in milliseconds since its process was started. */
interface Start {
  readonly listeningMs: number;
  readonly acknowledgedMs: number;
  readonly residentMb: number;
  /** From the start of the next process on the same folder to an acknowledged message. */
  readonly restartMs: number;
}

/** What the runtime takes for a script that listens. */
interface Floor {
  readonly startMs: number;
  readonly residentMb: number;
}

/** The ways to run the program, by name. */
type Commands = Readonly<Record<string, readonly string[]>>;

const { flags } = parseFlags({
  runs: "5",
  partitions: "10000",
  binary: undefined,
  json: false,
});

const runs = Number(flags.runs);
const manyPartitions = Number(flags.partitions);
const binary = flags.binary ?? await compiledProgram();
const commands: Commands = {
  dqueue: defaultCommand(),
  ...(binary === undefined ? {} : { "compiled binary": [binary] }),
};
printReport(
  {
    title: "Start and idle memory",
    settings: { ...describeMachine(), runs: `${runs}, medians` },
    rows: await measure(commands),
  },
  flags.json,
);

/** Returns the path of what `deno task compile` makes, if it is there. */
async function compiledProgram(): Promise<string | undefined> {
  const path = fromFileUrl(new URL("../../dist/dqueue", import.meta.url));
  return await Deno.stat(path).then(() => path, () => undefined);
}

async function measure(commands: Commands): Promise<Row[]> {
  const names = Object.keys(commands);
  const floors: Floor[] = [];
  const starts = new Map<string, Start[]>(names.map((name) => [name, []]));
  // The first start warms the page cache and the runtime's own cache of compiled code.
  for (const command of Object.values(commands)) await start(command, 1);
  for (let run = 0; run < runs; run++) {
    progress(`start ${run + 1} of ${runs}`);
    floors.push(await startRuntime());
    for (const name of names) starts.get(name)!.push(await start(commands[name]!, 1));
  }
  const runtimeMs = median(floors.map(({ startMs }) => startMs));
  const rows: Row[] = [
    row("runtime alone, a script that listens", "ms", () => floors.map(({ startMs }) => startMs), [
      "dqueue",
    ]),
    row("process start to listening", "ms", (name) => pick(name, "listeningMs"), names),
    row("process start to first acknowledged message", "ms", (name) => {
      return pick(name, "acknowledgedMs");
    }, names),
    row(
      "first acknowledged message, after the runtime is up",
      "ms",
      (name) => pick(name, "acknowledgedMs").map((ms) => Math.max(0, ms - runtimeMs)),
      names,
      150,
    ),
    row("restart to acknowledged message", "ms", (name) => pick(name, "restartMs"), names),
    row(
      "idle memory of the runtime alone, a script that listens",
      "MB",
      () => floors.map(({ residentMb }) => residentMb),
      ["dqueue"],
    ),
    row("idle memory, 1 partition", "MB", (name) => pick(name, "residentMb"), names, 80),
  ];
  if (manyPartitions > 0) rows.push(...await measureMany(commands, names));
  return rows;

  function pick(name: string, key: keyof Start): number[] {
    return starts.get(name)!.map((start) => start[key]);
  }
}

async function measureMany(commands: Commands, names: readonly string[]): Promise<Row[]> {
  const found = new Map<string, Start>();
  for (const name of names) {
    progress(`${manyPartitions} partitions`);
    found.set(name, await start(commands[name]!, manyPartitions));
  }
  const many = `${manyPartitions.toLocaleString("en-US")} partitions`;
  const pick = (key: keyof Start) => (name: string) => [found.get(name)![key]];
  return [
    row(`idle memory, ${many}`, "MB", pick("residentMb"), names, 250),
    row(`restart to acknowledged message, ${many}`, "ms", pick("restartMs"), names),
  ];
}

function row(
  name: string,
  unit: string,
  runsOf: (subject: string) => number[],
  subjects: readonly string[],
  aim?: number,
): Row {
  const results = Object.fromEntries(
    subjects.map((subject) => [subject, measured(runsOf(subject))]),
  );
  return { name, unit, better: "lower", results, ...(aim === undefined ? {} : { aim }) };
}

/** Starts a broker on a new folder, then again on the same one. */
async function start(command: readonly string[], partitions: number): Promise<Start> {
  await using folder = await temporaryFolder();
  const options = { command, data: folder.join("data") };
  const first = await startOnce(
    options,
    (connection) => createTopics(connection, [TOPIC], partitions),
  );
  const second = await startOnce(options, async () => {});
  return {
    listeningMs: first.listeningMs,
    acknowledgedMs: first.acknowledgedMs,
    residentMb: first.residentMb,
    restartMs: second.acknowledgedMs,
  };
}

async function startOnce(
  options: { readonly command: readonly string[]; readonly data: string },
  prepare: (connection: LoadConnection) => Promise<void>,
) {
  await using broker = ServedBroker.start(options);
  using connection = await broker.connect();
  const listeningMs = performance.now() - broker.startedMs;
  await prepare(connection);
  await send(connection);
  const acknowledgedMs = performance.now() - broker.startedMs;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const residentMb = (residentBytes(broker.pid) ?? NaN) / 1e6;
  return { listeningMs, acknowledgedMs, residentMb };
}

async function send(connection: LoadConnection): Promise<void> {
  const records = sampleBatch({ size: 100, count: 1 });
  const { responses } = await connection.request(produce, 9, {
    acks: -1,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
  });
  expectNone(responses[0]!.partitionResponses[0]!.errorCode, "produce");
}

/** Measures how long the runtime takes until a script listens, and its memory then. */
async function startRuntime(): Promise<Floor> {
  await using folder = await temporaryFolder();
  const script = folder.join("listen.ts");
  await Deno.writeTextFile(
    script,
    `const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    Deno.stdout.writeSync(new Uint8Array(1));
    await listener.accept();`,
  );
  const startedMs = performance.now();
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-net", script],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.getReader();
  await reader.read();
  const startMs = performance.now() - startedMs;
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const residentMb = (residentBytes(process.pid) ?? NaN) / 1e6;
  process.kill("SIGKILL");
  await reader.cancel();
  await process.status;
  return { startMs, residentMb };
}
