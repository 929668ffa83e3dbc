/**
 * A program that puts load on a cluster, as a process.
 *
 * @module
 */

import { DELIMITER, join } from "@std/path";
import { TextLineStream } from "@std/streams";
import { type CommandLine, ROOT } from "../../support/broker/dqueue.ts";
import type { Machine } from "../../support/machine.ts";
import { within } from "../../support/within.ts";
import type { HistoryEvent } from "./history.ts";

/** A client that a load runs on. */
export type LoadKind = "sdk" | "kafkajs" | "librdkafka";

/** How to start a load. */
export interface LoadOptions {
  readonly kind: LoadKind;
  readonly machine: Machine;
  readonly addresses: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  /** Pause between the sends of one value to each partition. */
  readonly pauseMs: number;
  readonly onEvent: (event: HistoryEvent) => void;
  /** A folder with a file that what the client logs is appended to. */
  readonly logs: string | undefined;
}

/** How long the sends under way, and reading the rest, may take after all faults are over. */
const DRAIN_LIMIT_MS = 150_000;
const FINISH_LIMIT_MS = 60_000;

/** The clients that this machine has. */
export async function loadKinds(): Promise<LoadKind[]> {
  const hasLibrdkafka = await pythonWithLibrdkafka() !== undefined;
  return hasLibrdkafka ? ["sdk", "kafkajs", "librdkafka"] : ["sdk", "kafkajs"];
}

let python: Promise<string | undefined> | undefined;

/** The first Python in the path that has confluent_kafka. */
function pythonWithLibrdkafka(): Promise<string | undefined> {
  return python ??= findPython();
}

async function findPython(): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(DELIMITER)) {
    const path = join(folder, "python3");
    const args = ["-c", "import confluent_kafka"];
    try {
      const { success } = await new Deno.Command(path, { args, stderr: "null" }).output();
      if (success) return path;
    } catch {
      // There is none.
    }
  }
  console.log("confluent_kafka is not installed: there is no load by librdkafka");
  return undefined;
}

/** A running load. */
export class LoadProcess implements AsyncDisposable {
  readonly #kind: LoadKind;
  readonly #child: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;
  readonly #drained = Promise.withResolvers<void>();
  readonly #read: Promise<unknown>;
  readonly #stderr: string[] = [];
  #hasEnded = false;

  private constructor({ kind, onEvent, logs }: LoadOptions, { path, args }: CommandLine) {
    this.#kind = kind;
    this.#child = new Deno.Command(path, {
      args: [...args],
      env: { NO_COLOR: "1", ...logs === undefined ? {} : { LIBRDKAFKA_DEBUG: "eos" } },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#orders = this.#child.stdin.getWriter();
    this.#read = Promise.all([
      eachLine(this.#child.stdout, (line) => {
        if (line === "drained") this.#drained.resolve();
        else onEvent(JSON.parse(line));
      }),
      eachLine(this.#child.stderr, (line) => {
        this.#stderr.push(line);
        if (logs === undefined) return;
        Deno.writeTextFileSync(join(logs, `${kind}.log`), `${line}\n`, { append: true });
      }),
    ]);
    this.#drained.promise.catch(() => {});
    this.#child.status.then(() => {
      this.#hasEnded = true;
      this.#drained.reject(new Error(`The load of ${kind} ended:\n${this.#stderr.join("\n")}`));
    });
  }

  /** Starts a load. */
  static async start(options: LoadOptions): Promise<LoadProcess> {
    const { kind, machine, addresses, topic, partitions, pauseMs } = options;
    const program = [addresses.join(), topic, `${partitions}`, kind, `${pauseMs}`];
    return new LoadProcess(options, machine.command(await commandOf(kind, program)));
  }

  /** Ends the sends; resolves when the outcome of all is known. */
  async drain(): Promise<void> {
    await this.#order("drain").catch(() => {});
    try {
      await within(this.#drained.promise, `the sends of ${this.#kind}`, DRAIN_LIMIT_MS);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.#stderr.join("\n")}`);
    }
  }

  /**
   * Lets it read up to the ends of the partitions, and end.
   *
   * @returns Whether it could; if not, the checker says what it did not see.
   */
  async finish(ends: readonly number[]): Promise<boolean> {
    try {
      await this.#order(JSON.stringify(ends));
      await within(this.#child.status, `the reads of ${this.#kind}`, FINISH_LIMIT_MS);
      await this.#read;
      return true;
    } catch {
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#orders.abort().catch(() => {});
    await this.#read;
  }

  async #order(line: string): Promise<void> {
    await this.#orders.write(new TextEncoder().encode(`${line}\n`));
  }
}

async function commandOf(kind: LoadKind, args: readonly string[]): Promise<CommandLine> {
  const loads = `${ROOT}tests/cluster/faults/loads/`;
  if (kind === "librdkafka") {
    return { path: (await pythonWithLibrdkafka())!, args: [`${loads}librdkafka_load.py`, ...args] };
  }
  const flags = ["--quiet", "--no-prompt", "-A", `--config=${ROOT}deno.json`];
  return { path: Deno.execPath(), args: ["run", ...flags, `${loads}${kind}_load.ts`, ...args] };
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  use: (line: string) => void,
): Promise<void> {
  const lines = stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines) use(line);
}
