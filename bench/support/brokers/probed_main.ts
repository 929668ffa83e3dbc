/**
 * The program with a probe of its event loop: a connection to the port in PROBE_PORT gets the longest turn
 * since the last one, in milliseconds, and its processor time.
 *
 * @module
 */

import { cpuUsage } from "node:process";

const TICK_MS = 2;

let longest = { ms: 0, cpuMs: 0 };
let last = performance.now();
let lastCpu = cpuUsage();

function tick(): void {
  const now = performance.now();
  const cpu = cpuUsage();
  const ms = now - last - TICK_MS;
  if (ms > longest.ms) {
    longest = { ms, cpuMs: (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1000 };
  }
  last = now;
  lastCpu = cpu;
}

async function answer(listener: Deno.TcpListener): Promise<void> {
  for await (const conn of listener) {
    const text = JSON.stringify(longest);
    longest = { ms: 0, cpuMs: 0 };
    await conn.write(new TextEncoder().encode(text)).catch(() => {});
    conn.close();
  }
}

setInterval(tick, TICK_MS);
answer(Deno.listen({ hostname: "127.0.0.1", port: Number(Deno.env.get("PROBE_PORT")) }));
const { programFor } = await import("../../../main.ts");
const { runProgram } = await import("../../../cli/program/run_program.ts");
const { processContext } = await import("../../../cli/terminal/process_context.ts");
Deno.exit(await runProgram(await programFor(Deno.args), Deno.args, processContext()));
