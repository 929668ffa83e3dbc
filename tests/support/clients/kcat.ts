/**
 * kcat, the command line client on librdkafka.
 *
 * @module
 */

import { feed } from "../broker/dqueue.ts";
import { within } from "../within.ts";

/** A record as kcat prints it. Text holds one character per byte, as `binaryText()` makes it. */
export interface KcatRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly ts: number;
  readonly key: string | null;
  readonly payload: string | null;
  /** Names and values in turn. */
  readonly headers?: readonly (string | null)[];
}

const ENCODER = new TextEncoder();

/** Returns bytes, or the UTF-8 of a text, as text with one character per byte. */
export function binaryText(data: Uint8Array | string): string {
  const bytes = typeof data === "string" ? ENCODER.encode(data) : data;
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Runs kcat against one broker. */
export class Kcat {
  readonly #path: string;
  readonly #brokers: string;

  constructor(path: string, brokers: string) {
    this.#path = path;
    this.#brokers = brokers;
  }

  /** Runs kcat with these arguments and returns its output. Fails if kcat fails. */
  async run(args: readonly string[], input: Uint8Array | string = ""): Promise<Uint8Array> {
    const { code, stdout, stderr } = await this.attempt(args, input);
    if (code !== 0) throw new Error(`kcat ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** Runs kcat with these arguments and returns the outcome. */
  async attempt(
    args: readonly string[],
    input: Uint8Array | string = "",
  ): Promise<{ code: number; stdout: Uint8Array; stderr: string }> {
    const child = new Deno.Command(this.#path, {
      args: ["-b", this.#brokers, "-X", "broker.address.family=v4", ...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const fed = feed(child.stdin, typeof input === "string" ? ENCODER.encode(input) : input);
    try {
      const output = await within(child.output(), `kcat ${args.join(" ")}`, 120_000);
      await fed;
      return {
        code: output.code,
        stdout: output.stdout,
        stderr: new TextDecoder().decode(output.stderr),
      };
    } catch (error) {
      child.kill("SIGKILL");
      await child.status;
      throw error;
    }
  }

  /** Sends the lines of `input` to a topic. */
  async produce(topic: string, input: Uint8Array | string, args: string[] = []): Promise<void> {
    await this.run(["-P", "-t", topic, ...args], input);
  }

  /** Reads all values of a topic, each followed by a line feed. */
  consume(topic: string, args: readonly string[] = []): Promise<Uint8Array> {
    return this.run(["-C", "-t", topic, "-e", "-q", "-o", "beginning", ...args]);
  }

  /** Reads all records of a topic, partition by partition in the order of offsets. */
  async records(topic: string, args: readonly string[] = []): Promise<KcatRecord[]> {
    // JSON's own characters are all ASCII, so it can be parsed whatever the other bytes are.
    const text = binaryText(await this.consume(topic, ["-J", ...args]));
    const records = text.split("\n").filter((line) => line !== "")
      .map((line) => JSON.parse(line) as KcatRecord);
    return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  }
}
