/**
 * Runs command lines against a broker in the test process.
 *
 * @module
 */

import { Broker, type BrokerSettings } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { program } from "./program.ts";
import { Output, type OutputOptions } from "../terminal/output.ts";
import { runProgram } from "../program/run_program.ts";
import {
  type TestContext,
  testContext,
  type TestContextOptions,
} from "../terminal/test_context.ts";

/** Result of a command line. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** An in-memory broker that listens on a port chosen by the system. */
export class CommandTest implements AsyncDisposable {
  readonly #broker: Broker;
  /** Address of the broker. */
  readonly address: string;

  private constructor(broker: Broker) {
    this.#broker = broker;
    const { host, port } = broker.addresses[0]!;
    this.address = `${host}:${port}`;
  }

  /** Starts the broker. */
  static async start(config: Partial<BrokerSettings> = {}): Promise<CommandTest> {
    const listen = "127.0.0.1:0";
    return new CommandTest(await Broker.start({ storage: "memory", listen, config }));
  }

  /** A client of the broker. */
  client(): Client {
    return new Client({ broker: this.#broker });
  }

  /** A context whose commands connect to the broker. */
  context(options: TestContextOptions = {}): TestContext {
    const env = { DQUEUE_BROKERS: this.address, ...options.env };
    return testContext({ now: () => Date.now(), ...options, env });
  }

  /** Runs a command line, given as words separated by blanks or as an array. */
  async run(
    line: string | readonly string[],
    options: TestContextOptions = {},
  ): Promise<RunResult> {
    return await runIn(this.context(options), line);
  }

  /** Runs a command line that must succeed without output on standard error; returns its output. */
  async output(
    line: string | readonly string[],
    options: TestContextOptions = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, options);
    if (code !== 0 || stderr !== "") throw new Error(`${line}: exit code ${code}, ${stderr}`);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker.close();
  }
}

/** Runs a command line in a context. */
export async function runIn(
  context: TestContext,
  line: string | readonly string[],
): Promise<RunResult> {
  const argv = typeof line === "string" ? line.split(" ") : line;
  const code = await runProgram(program, argv, context);
  return { code, stdout: context.stdoutText(), stderr: context.stderrText() };
}

/** An output whose text can be awaited. */
export class WatchedOutput {
  /** The output for a command. */
  readonly output: Output;
  /** Text written so far. */
  text = "";
  #onText = () => {};

  constructor(options: OutputOptions = {}) {
    const decoder = new TextDecoder();
    this.output = new Output(
      new WritableStream({
        write: (chunk) => {
          this.text += decoder.decode(chunk, { stream: true });
          this.#onText();
        },
      }),
      options,
    );
  }

  /** Waits until `part` has been written, or the text written so far matches. */
  async until(part: string | RegExp): Promise<void> {
    while (typeof part === "string" ? !this.text.includes(part) : !part.test(this.text)) {
      await new Promise<void>((resolve) => this.#onText = resolve);
    }
  }
}
