/**
 * Program that runs one kind of work of one client and prints its rate and costs as JSON. It is a process, so
 * that memory and processor time are the client's alone. Runs under Deno and Node.
 *
 *     client_worker.ts CLIENT WORK ADDRESS TOPIC SIZE WARM_UP_MS MEASURE_MS MODULE
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import type { Task, WorkName, Works } from "./client_work.ts";

/** The work of a client in the measured time. */
export interface WorkResult {
  readonly messagesPerSecond: number;
  /** Processor time of all threads, in nanoseconds. */
  readonly cpuPerMessage: number;
  /** Peak resident memory in bytes; 0 if not known. */
  readonly peakBytes: number;
  /** Files of native code that the client has loaded; none if not known. */
  readonly addons: readonly string[];
}

/** Only one of them is loaded. */
const CLIENTS: Readonly<Record<string, () => Promise<{ works: Works }>>> = {
  dqueue: () => import("./dqueue_work.ts"),
  kafkajs: () => import("./kafkajs_work.ts"),
  platformatic: () => import("./platformatic_work.ts"),
};
/** How often to check for the first message, in milliseconds. */
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
// Some clients leave timers running.
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
  throw new Error(`${client} ended too early`);
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

/** Reads a file of this process in Linux's `/proc`; empty on other systems. */
function readProc(name: string): string {
  return process.platform === "linux" ? readFileSync(`/proc/self/${name}`, "utf8") : "";
}
