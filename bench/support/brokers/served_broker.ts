/**
 * A broker as a process, for benchmarks.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import project from "../../../deno.json" with { type: "json" };
import { LoadConnection } from "../load/load_connection.ts";

const MAIN = fromFileUrl(new URL("../../../main.ts", import.meta.url));

/** How often to try to connect to a starting broker. */
const RETRY_MS = 1;
const START_TIMEOUT_MS = 60_000;

/** How to start a broker. */
export interface ServeOptions {
  /** The command before `serve`. Default: this project's `main.ts` under this Deno. */
  readonly command?: readonly string[] | undefined;
  /** The data folder. */
  readonly data: string;
  /** Its only core. Default: any. */
  readonly core?: number | undefined;
  /** Broker settings, by Kafka's names. */
  readonly settings?: Readonly<Record<string, string>>;
}

const PERMISSIONS = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys=hostname,statfs",
];

/** Options of V8 that `deno task start` sets. */
const V8_FLAGS = project.tasks.start.split(" ").filter((word) => word.startsWith("--v8-flags="));

/** Returns the command of `deno task start`, optionally with other permissions or another main module. */
export function defaultCommand(
  permissions: readonly string[] = PERMISSIONS,
  main = MAIN,
): string[] {
  return [Deno.execPath(), "run", "--quiet", ...V8_FLAGS, ...permissions, main];
}

/** A broker that was started by this program. */
export class ServedBroker {
  readonly address: string;
  /** When its process was started, on the clock of `performance.now()`. */
  readonly startedMs: number;
  readonly #process: Deno.ChildProcess;
  #isStopped = false;

  private constructor(address: string, startedMs: number, process: Deno.ChildProcess) {
    this.address = address;
    this.startedMs = startedMs;
    this.#process = process;
  }

  /** Starts a broker. Returns before it accepts connections. */
  static start({ command = defaultCommand(), data, core, settings = {} }: ServeOptions) {
    const address = `127.0.0.1:${freePorts(Number(settings.workers ?? 1))}`;
    const flags = Object.entries(settings)
      .map(([name, value]) => `--${name.replaceAll(".", "-")}=${value}`);
    const [program, ...args] = [
      ...(core === undefined ? [] : ["taskset", "-c", String(core)]),
      ...command,
      "serve",
      "--listen",
      address,
      "--data",
      data,
      ...flags,
    ];
    const startedMs = performance.now();
    const process = new Deno.Command(program!, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
      env: { DQUEUE_LOG_LEVEL: "warn" },
    }).spawn();
    return new ServedBroker(address, startedMs, process);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Connects as soon as the broker accepts connections. */
  async connect(): Promise<LoadConnection> {
    const { address } = this;
    let ended = false;
    this.#process.status.then(() => ended = true);
    while (!ended && performance.now() - this.startedMs < START_TIMEOUT_MS) {
      try {
        return await LoadConnection.connect(address);
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    throw new Error(`The broker did not listen on ${address}`);
  }

  /** Shuts it down cleanly. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Kills it, like a crash of its process. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async #end(signal: Deno.Signal): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#process.kill(signal);
    await this.#process.status;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Finds a free port. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Below the ports that systems give to connections, one of which may take the next port otherwise. */
const CONSECUTIVE_PORTS = { from: 15_000, to: 32_000 } as const;

/** Finds free ports one after the other, and returns the first. */
function freePorts(count: number): number {
  if (count === 1) return freePort();
  const { from, to } = CONSECUTIVE_PORTS;
  for (;;) {
    const first = from + Math.floor(Math.random() * (to - from - count));
    using listeners = new DisposableStack();
    try {
      for (let port = first; port < first + count; port++) {
        listeners.use(Deno.listen({ hostname: "127.0.0.1", port }));
      }
      return first;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
