/**
 * The clients that are measured beside each other, and how to run them.
 *
 * @module
 */

import { fromFileUrl, toFileUrl } from "@std/path";
import type { WorkName } from "./client_work.ts";
import type { WorkResult } from "./client_worker.ts";

/** The core that clients run on, where there are two; the broker has the other. */
const CORE = 1;
const WORKER = fromFileUrl(new URL("./client_worker.ts", import.meta.url));
const KAFKAJS = "kafkajs";
const PLATFORMATIC = "@platformatic/kafka";
/** The packages of other clients, by version. */
const VERSIONS = { [KAFKAJS]: "2.2.4", [PLATFORMATIC]: "2.12.1" };
/** Node comes as a package too, so that the version is always the same. */
const NODE = { package: `node-${nodePlatform()}`, version: "24.21.0" };

/** A client under a runtime. */
export interface ClientSubject {
  /** What the report calls it. */
  readonly name: string;
  /** Undefined for this project's. */
  readonly packageName?: keyof typeof VERSIONS;
  readonly works: readonly WorkName[];
  /** Runs `client_worker.ts`. */
  readonly command: readonly string[];
  /** The name of its file, and what that imports. */
  readonly client: string;
  readonly module: string;
}

/** What a client is to do, and where. */
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
    command: denoCommand(),
    client: "dqueue",
    module: "",
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

/** Has a client do a job in a process of its own. */
export async function runClient(subject: ClientSubject, job: ClientJob): Promise<WorkResult> {
  const { work, address, topic, size, warmUpMs, measureMs } = job;
  const [program, ...args] = [
    ...(navigator.hardwareConcurrency > 1 ? ["taskset", "-c", `${CORE}`] : []),
    ...subject.command,
    ...[subject.client, work, address, topic, `${size}`, `${warmUpMs}`, `${measureMs}`],
    subject.module,
  ];
  const { success, stdout, stderr } = await new Deno.Command(program!, { args, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${subject.name} cannot ${work}: ${decoder.decode(stderr)}`);
  return JSON.parse(decoder.decode(stdout));
}

function others(
  runtime: string,
  command: readonly string[],
  moduleOf: (name: keyof typeof VERSIONS) => string,
): ClientSubject[] {
  return [
    {
      name: `${KAFKAJS} ${VERSIONS[KAFKAJS]}, ${runtime}`,
      packageName: KAFKAJS,
      works: ["produce", "consume", "consume each"],
      command,
      client: "kafkajs",
      module: moduleOf(KAFKAJS),
    },
    {
      name: `${PLATFORMATIC} ${VERSIONS[PLATFORMATIC]}, ${runtime}`,
      packageName: PLATFORMATIC,
      works: ["produce", "consume", "consume each"],
      command,
      client: "platformatic",
      module: moduleOf(PLATFORMATIC),
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
