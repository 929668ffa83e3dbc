/**
 * The measured brokers. Each can be started on a new folder any number of times.
 *
 * @module
 */

import { LoadConnection } from "../load/load_connection.ts";
import { defaultCommand, freePort, ServedBroker } from "./served_broker.ts";
import { pin } from "./process_usage.ts";
import { brokersRegistered, type Target } from "../load/target.ts";
import type { WarmUpBounds } from "../load/warm_up.ts";

/** How to start a broker. */
export interface SubjectStart {
  /** An existing, empty folder for its data. */
  readonly folder: string;
  /** Its only core, once it takes connections. Default: any. */
  readonly core?: number | undefined;
}

/** A running broker, which is killed on disposal. */
export type RunningSubject = Target & AsyncDisposable;

/** A broker that can be started. */
export interface BrokerSubject {
  readonly name: string;
  /** Limits of the warm-up before each row; the minimum applies to the first row of a new process. */
  readonly warmUp: WarmUpBounds;
  /** Starts it. Resolves when it accepts connections. */
  start(options: SubjectStart): Promise<RunningSubject>;
}

/** V8 compiles the hot code within a second or two. */
const OUR_WARM_UP: WarmUpBounds = { leastMs: 0, mostMs: 8000 };
/** A Java virtual machine needs longer on one core. */
const PEER_WARM_UP: WarmUpBounds = { leastMs: 20_000, mostMs: 45_000 };
const START_TIMEOUT_MS = 60_000;
const RETRY_MS = 20;

/**
 * This project's broker.
 *
 * @param settings Its settings, by Kafka's names and those of `dqueue serve`.
 */
export function dqueueSubject(
  name = "dqueue",
  settings: Readonly<Record<string, string>> = {},
): BrokerSubject {
  return {
    name,
    warmUp: OUR_WARM_UP,
    async start({ folder, core }) {
      const broker = ServedBroker.start({
        data: `${folder}/data`,
        // Deno requires all permissions for files in memory.
        command: defaultCommand(["--allow-all"]),
        settings,
      });
      using connection = await broker.connect();
      await brokersRegistered(connection, Number(settings.workers ?? 1));
      if (core !== undefined) await pin(broker.pid, core);
      return {
        name,
        address: broker.address,
        pids: [broker.pid],
        [Symbol.asyncDispose]: () => broker.kill(),
      };
    },
  };
}

/**
 * Makes the subject of a broker that a command starts.
 *
 * @param command A shell command. `$PORT` is a free port and `$DIR` an empty folder. It must serve Kafka's
 *   protocol on 127.0.0.1, and become the broker by `exec`, so that its process is known.
 */
export function commandSubject(name: string, command: string): BrokerSubject {
  return processSubject(name, (port, folder) => ({
    command: ["sh", "-c", command],
    env: { PORT: `${port}`, DIR: folder },
  }));
}

/** Makes the subject of a broker that is running already, and is not stopped. */
export function runningSubject(target: Target): BrokerSubject {
  return {
    name: target.name,
    warmUp: PEER_WARM_UP,
    start: () => Promise.resolve({ ...target, [Symbol.asyncDispose]: () => Promise.resolve() }),
  };
}

/** A program and its environment. */
export interface Launch {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes the subject of a broker process, from a function that launches it on a port and a folder. */
export function processSubject(
  name: string,
  launch: (port: number, folder: string) => Launch | Promise<Launch>,
): BrokerSubject {
  return {
    name,
    warmUp: PEER_WARM_UP,
    async start({ folder, core }) {
      const port = freePort();
      const { command, env = {} } = await launch(port, folder);
      const [program, ...args] = command;
      const process = new Deno.Command(program!, {
        args,
        env,
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      const address = `127.0.0.1:${port}`;
      const kill = async () => {
        try {
          process.kill("SIGKILL");
        } catch (error) {
          // It has ended already.
          if (!(error instanceof TypeError)) throw error;
        }
        await process.status;
      };
      try {
        await listening(address, process);
        if (core !== undefined) await pin(process.pid, core);
      } catch (error) {
        await kill();
        throw error;
      }
      return { name, address, pids: [process.pid], [Symbol.asyncDispose]: kill };
    },
  };
}

async function listening(address: string, process: Deno.ChildProcess): Promise<void> {
  const startedMs = performance.now();
  let hasEnded = false;
  process.status.then(() => hasEnded = true);
  while (!hasEnded && performance.now() - startedMs < START_TIMEOUT_MS) {
    try {
      return (await LoadConnection.connect(address)).close();
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  throw new Error(`The broker did not listen on ${address}`);
}
