/**
 * The compared clients, and how to run them.
 *
 * @module
 */

import { fromFileUrl, toFileUrl } from "@std/path";
import type { WorkName } from "./client_work.ts";
import type { WorkResult } from "./client_worker.ts";

/** The core that clients run on if there are two; the broker has the other. */
const CORE = 1;
const WORKER = fromFileUrl(new URL("./client_worker.ts", import.meta.url));
const KAFKAJS = "kafkajs";
const PLATFORMATIC = "@platformatic/kafka";
const RDKAFKA = "librdkafka";
const RDKAFKA_SOURCE = fromFileUrl(new URL("./rdkafka_produce.c", import.meta.url));
/** The packages of other clients, by version. */
const VERSIONS = { [KAFKAJS]: "2.2.4", [PLATFORMATIC]: "2.12.1" };
/** Node is installed as a package too, so that its version is fixed. */
const NODE = { package: `node-${nodePlatform()}`, version: "24.21.0" };

/** A client under a runtime. */
export interface ClientSubject {
  /** Its name in the report. */
  readonly name: string;
  /** Undefined for this project's. */
  readonly rival?: Rival;
  readonly works: readonly WorkName[];
  /** The command that does a job. */
  command(job: ClientJob): readonly string[];
}

/** A client that is not this project's. */
export type Rival = keyof typeof VERSIONS | typeof RDKAFKA;

/** A job of a client. */
export interface ClientJob {
  readonly work: WorkName;
  readonly address: string;
  readonly topic: string;
  readonly size: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** This project's SDK. */
export function sdkSubject(): ClientSubject {
  return {
    name: "dqueue",
    works: ["produce", "produce text", "produce each", "consume", "consume each"],
    command: workerCommand(denoCommand(), "dqueue", ""),
  };
}

/** The other clients under Deno. */
export function denoSubjects(): ClientSubject[] {
  return others("Deno", denoCommand(), (name) => `npm:${name}@${VERSIONS[name]}`);
}

/**
 * The other clients under Node.
 *
 * @param folder Where to install them and Node itself.
 * @throws {Error} If they cannot be installed.
 */
export async function nodeSubjects(folder: string): Promise<ClientSubject[]> {
  await Deno.mkdir(folder);
  const manifest = { dependencies: { ...VERSIONS, [NODE.package]: NODE.version } };
  await Deno.writeTextFile(`${folder}/package.json`, JSON.stringify(manifest));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["install", "--quiet", "--node-modules-dir=auto"],
    cwd: folder,
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const entries = { [KAFKAJS]: "index.js", [PLATFORMATIC]: "dist/index.js" };
  return others(
    `Node ${NODE.version}`,
    [`${folder}/node_modules/${NODE.package}/bin/node`, WORKER],
    (name) => toFileUrl(`${folder}/node_modules/${name}/${entries[name]}`).href,
  );
}

/** Runs a job of a client as a process. */
export async function runClient(subject: ClientSubject, job: ClientJob): Promise<WorkResult> {
  const { work } = job;
  const [program, ...args] = [
    ...(navigator.hardwareConcurrency > 1 ? ["taskset", "-c", `${CORE}`] : []),
    ...subject.command(job),
  ];
  const { success, stdout, stderr } = await new Deno.Command(program!, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${subject.name} cannot ${work}: ${decoder.decode(stderr)}`);
  return JSON.parse(decoder.decode(stdout));
}

/**
 * Makes the subject of librdkafka, with a small C program that does what its `rdkafka_performance` does.
 *
 * @param folder The folder for that program.
 * @returns Undefined if there is no C compiler or no librdkafka.
 */
export async function rdkafkaSubject(folder: string): Promise<ClientSubject | undefined> {
  const program = `${folder}/rdkafka_produce`;
  try {
    await run("cc", ["-O2", "-o", program, RDKAFKA_SOURCE, "-lrdkafka"]);
  } catch {
    return undefined;
  }
  const version = (await run(program, ["--version"])).trim();
  return {
    name: `${RDKAFKA} ${version}, C`,
    rival: RDKAFKA,
    works: ["produce each"],
    command: ({ address, topic, size, warmUpMs, measureMs }) => [
      program,
      address,
      topic,
      ...[size, warmUpMs, measureMs].map(String),
    ],
  };
}

async function run(program: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Runs `client_worker.ts`. */
function workerCommand(
  runtime: readonly string[],
  client: string,
  module: string,
): ClientSubject["command"] {
  return ({ work, address, topic, size, warmUpMs, measureMs }) => [
    ...runtime,
    ...[client, work, address, topic, `${size}`, `${warmUpMs}`, `${measureMs}`, module],
  ];
}

function others(
  runtime: string,
  command: readonly string[],
  moduleOf: (name: keyof typeof VERSIONS) => string,
): ClientSubject[] {
  return [
    {
      name: `${KAFKAJS} ${VERSIONS[KAFKAJS]}, ${runtime}`,
      rival: KAFKAJS,
      works: ["produce", "consume", "consume each"],
      command: workerCommand(command, "kafkajs", moduleOf(KAFKAJS)),
    },
    {
      name: `${PLATFORMATIC} ${VERSIONS[PLATFORMATIC]}, ${runtime}`,
      rival: PLATFORMATIC,
      works: ["produce", "consume", "consume each"],
      command: workerCommand(command, "platformatic", moduleOf(PLATFORMATIC)),
    },
  ];
}

function denoCommand(): string[] {
  return [Deno.execPath(), "run", "--quiet", "-A", WORKER];
}

function nodePlatform(): string {
  const { os, arch } = Deno.build;
  return `${os === "windows" ? "win" : os}-${arch === "x86_64" ? "x64" : "arm64"}`;
}
