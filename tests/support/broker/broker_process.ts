/**
 * `dqueue serve` as a process, which can be killed.
 *
 * @module
 */

import { TextLineStream } from "@std/streams";
import { type CommandLine, fromSource } from "./dqueue.ts";
import { freePort } from "../free_port.ts";
import { within } from "../within.ts";

/** How to start a broker. */
export interface BrokerProcessOptions {
  /** The data folder. */
  readonly data: string;
  /** The address to listen on. Default: a free port. */
  readonly listen?: string;
  readonly program?: CommandLine;
  /** Further flags of `serve`. */
  readonly flags?: readonly string[];
  readonly cwd?: string;
  /** Further variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * The environment of the tests, except that a broker counts no coverage: it is killed, so its counts are
 * lost anyway, and Deno does not exit if it is to export both them and OpenTelemetry.
 */
function inherited(): Record<string, string> {
  const { DENO_COVERAGE_DIR: _, ...env } = Deno.env.toObject();
  return env;
}

/** A running broker. */
export class BrokerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #lines: string[];
  readonly #read: Promise<void>;
  #hasEnded = false;
  /** The address it listens on, as `host:port`. */
  readonly address: string;

  private constructor(
    child: Deno.ChildProcess,
    address: string,
    lines: string[],
    read: Promise<void>,
  ) {
    this.#child = child;
    this.address = address;
    this.#lines = lines;
    this.#read = read;
  }

  /** Starts a broker. Resolves when it accepts connections. */
  static async start(options: BrokerProcessOptions): Promise<BrokerProcess> {
    const { data, listen = `127.0.0.1:${freePort()}`, flags = [], cwd, env = {} } = options;
    const { path, args } = options.program ?? await fromSource();
    const child = new Deno.Command(path, {
      args: [...args, "serve", "--listen", listen, "--data", data, ...flags],
      ...(cwd === undefined ? {} : { cwd }),
      clearEnv: true,
      // The default port belongs to nobody in particular; flags take precedence.
      env: { ...inherited(), NO_COLOR: "1", DQUEUE_HTTP: "off", ...env },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const lines: string[] = [];
    const listening = Promise.withResolvers<string>();
    const read = (async () => {
      const texts = child.stderr.pipeThrough(new TextDecoderStream());
      for await (const line of texts.pipeThrough(new TextLineStream())) {
        lines.push(line);
        const [, address] = /\bListening address=(\S+)/.exec(line) ?? [];
        if (address !== undefined) listening.resolve(address);
      }
      listening.reject(new Error(`The broker did not start:\n${lines.join("\n")}`));
    })();
    try {
      const address = await within(listening.promise, "the broker to listen");
      return new BrokerProcess(child, address, lines, read);
    } catch (error) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
      await read;
      throw error;
    }
  }

  /** The lines it has logged. */
  get log(): readonly string[] {
    return this.#lines;
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves with its exit code when it ends by itself. */
  async ended(): Promise<number> {
    const { code } = await within(this.#child.status, "the broker to end");
    this.#hasEnded = true;
    await this.#read;
    return code;
  }

  /** Kills it, as a crash or `kill -9` does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Stops it where it is; `resume` lets it run again. */
  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  /** Lets it run after `pause`. */
  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** Shuts it down cleanly. Fails if it does not end, or ends with an error. */
  async stop(signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<void> {
    const { code } = await this.#end(signal);
    if (code !== 0) throw new Error(`The broker ended with ${code}:\n${this.#lines.join("\n")}`);
  }

  async #end(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    if (!this.#hasEnded) this.#child.kill(signal);
    this.#hasEnded = true;
    const status = await within(this.#child.status, `the broker to end by ${signal}`);
    await this.#read;
    return status;
  }

  /** Kills it if it is still running. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.kill();
  }
}
