/**
 * Has one client do one thing and tells how fast it was and what it took, as JSON: a program, so that
 * memory and processor time are the client's alone. Runs under Deno and Node.
 *
 *     client_worker.ts CLIENT WORK ADDRESS TOPIC SIZE WARM_UP_MS MEASURE_MS MODULE
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import type { Task, WorkName, Works } from "./client_work.ts";

/** What a client did in the time measured. */
export interface WorkResult {
  readonly messagesPerSecond: number;
  /** Of all threads, in nanoseconds. */
  readonly cpuPerMessage: number;
  /** The most memory that was resident, in bytes; 0 where that is not known. */
  readonly peakBytes: number;
  /** Files of native code that the client has loaded; none where that is not known. */
  readonly addons: readonly string[];
}

/** Only one of them is loaded. */
const CLIENTS: Readonly<Record<string, () => Promise<{ works: Works }>>> = {
  dqueue: () => import("./dqueue_work.ts"),
  kafkajs: () => import("./kafkajs_work.ts"),
  platformatic: () => import("./platformatic_work.ts"),
};
/** How often it is looked whether the first message has come. */
const LOOK_MS = 5;

const [client, name, address, topic, size, warmUpMs, measureMs, module] = process.argv.slice(2);
const { works } = await CLIENTS[client!]!();
const task: Task = {
  address: address!,
  topic: topic!,
  size: Number(size),
  module: module!,
  count: 0,
  isOver: false,
};
const working = works[name as WorkName]!(task);
const result = await Promise.race([measure(), working.then(endedEarly)]);
task.isOver = true;
await working;
console.log(JSON.stringify(result));
// Some clients leave timers behind.
process.exit();

async function measure(): Promise<WorkResult> {
  while (task.count === 0) await sleep(LOOK_MS);
  await sleep(Number(warmUpMs));
  const countBefore = task.count;
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  await sleep(Number(measureMs));
  const ms = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const count = task.count - countBefore;
  return {
    messagesPerSecond: count / ms * 1000,
    cpuPerMessage: (user + system) * 1000 / count,
    peakBytes: peakBytes(),
    addons: addons(),
  };
}

function endedEarly(): never {
  throw new Error(`${client} came to an end before it was told to`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function peakBytes(): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readProc("status"))?.[1] ?? 0) * 1024;
}

function addons(): string[] {
  const files = readProc("maps").split("\n").filter((line) => line.endsWith(".node"));
  return [...new Set(files.map((line) => line.slice(line.lastIndexOf("/") + 1)))];
}

/** What Linux tells of this process, nothing elsewhere. */
function readProc(name: string): string {
  return process.platform === "linux" ? readFileSync(`/proc/self/${name}`, "utf8") : "";
}
