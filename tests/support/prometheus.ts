/**
 * Prometheus and its tools, for tests of metrics.
 *
 * @module
 */

import { freePort } from "./free_port.ts";
import { TemporaryFolder } from "./temporary_folder.ts";
import { within } from "./within.ts";

/** What a series of Prometheus was at some time. */
export interface PrometheusSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Runs a program with text on its standard input.
 *
 * @returns The exit code, and everything it printed.
 */
export async function runWith(
  path: string,
  args: readonly string[],
  input: string,
): Promise<{ code: number; output: string }> {
  const child = new Deno.Command(path, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** A running Prometheus that scrapes one target every second. */
export class Prometheus {
  readonly #child: Deno.ChildProcess;
  readonly #folder: TemporaryFolder;
  readonly #url: string;

  private constructor(child: Deno.ChildProcess, folder: TemporaryFolder, url: string) {
    this.#child = child;
    this.#folder = folder;
    this.#url = url;
  }

  /** Starts it. */
  static async start(path: string, target: string): Promise<Prometheus> {
    const folder = await TemporaryFolder.create();
    await Deno.writeTextFile(
      folder.join("prometheus.yml"),
      `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: dqueue
    static_configs: [{ targets: ["${target}"] }]
`,
    );
    const port = freePort();
    const child = new Deno.Command(path, {
      args: [
        `--config.file=${folder.join("prometheus.yml")}`,
        `--storage.tsdb.path=${folder.join("data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
        "--log.level=error",
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    return new Prometheus(child, folder, `http://127.0.0.1:${port}`);
  }

  /** Evaluates an expression until it has a result. */
  async until(expression: string): Promise<PrometheusSample[]> {
    return await within(this.#until(expression), `Prometheus to have ${expression}`);
  }

  async #until(expression: string): Promise<PrometheusSample[]> {
    for (;;) {
      const samples = await this.#query(expression).catch(() => []);
      if (samples.length > 0) return samples;
      // It has no way to say when it has scraped.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #query(expression: string): Promise<PrometheusSample[]> {
    const response = await fetch(
      `${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`,
    );
    const { data } = await response.json();
    return data.result.map((
      { metric, value: [, value] }: { metric: Record<string, string>; value: [number, string] },
    ) => ({ labels: metric, value: Number(value) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#folder[Symbol.asyncDispose]();
  }
}
