/**
 * A process of a trial cluster: etcd, or a broker. It can be killed, paused and started again.
 *
 * @module
 */

import { CommandError } from "../../../errors.ts";
import { linesOf } from "./line_splitter.ts";

/** How to run a process. */
export interface TrialProcessOptions {
  /** Name for people, such as `broker 2`. */
  readonly name: string;
  readonly path: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Called with each line of its output. */
  readonly onLine: (line: string) => void;
  /** Called when it has ended, with a description of how. */
  readonly onEnd: (how: string) => void;
}

/** What a process is doing. */
export type TrialState = "running" | "paused" | "stopped";

/** Time for a clean end. */
const STOP_TIMEOUT_MS = 10_000;

/** A process that can be started several times. */
export class TrialProcess {
  readonly #options: TrialProcessOptions;
  #child: Deno.ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #isPaused = false;

  constructor(options: TrialProcessOptions) {
    this.#options = options;
  }

  /** Name for people. */
  get name(): string {
    return this.#options.name;
  }

  /** What it is doing. */
  get state(): TrialState {
    if (this.#child === undefined) return "stopped";
    return this.#isPaused ? "paused" : "running";
  }

  /** Its process id; undefined while it is stopped. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when it has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /**
   * Starts it.
   *
   * @throws {CommandError} If the program cannot be run.
   */
  start(): void {
    const { path, args, env, name } = this.#options;
    try {
      this.#child = new Deno.Command(path, {
        args: [...args],
        clearEnv: true,
        env: { ...env },
        // Ctrl-C in the terminal is for the trial, which ends its processes in order.
        detached: true,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      throw new CommandError(`Cannot start ${name}`, { cause: error });
    }
    this.#isPaused = false;
    this.#ended = this.#watch(this.#child);
  }

  /** Kills it, as a crash does. */
  async kill(): Promise<void> {
    this.killNow();
    await this.#ended;
  }

  /** Kills it without waiting for its end. */
  killNow(): void {
    this.#signal("SIGKILL");
  }

  /** Stops it where it is: it keeps its connections, and neither sends nor answers. */
  pause(): void {
    this.#signal("SIGSTOP");
    this.#isPaused = true;
  }

  /** Lets it continue after {@linkcode pause}. */
  resume(): void {
    this.#signal("SIGCONT");
    this.#isPaused = false;
  }

  /** Shuts it down cleanly; kills it if that takes long. */
  async stop(): Promise<void> {
    if (this.#isPaused) this.resume();
    this.#signal("SIGTERM");
    const timer = setTimeout(() => this.killNow(), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  /** A process that has just ended takes no signal, which is no error. */
  #signal(signal: Deno.Signal): void {
    try {
      this.#child?.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async #watch(child: Deno.ChildProcess): Promise<void> {
    const { onLine, onEnd } = this.#options;
    const read = async (stream: ReadableStream<Uint8Array>) => {
      for await (const line of linesOf(stream)) onLine(line);
    };
    const [{ code, signal }] = await Promise.all([
      child.status,
      read(child.stdout),
      read(child.stderr),
    ]);
    this.#child = undefined;
    this.#isPaused = false;
    onEnd(signal === null ? `with exit code ${code}` : `by ${signal}`);
  }
}
