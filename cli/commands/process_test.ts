import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const MAIN = new URL("../../main.ts", import.meta.url).href;

/** The program in a child process. */
class Process {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Pipe;
  readonly #stderr: Pipe;

  constructor(argv: readonly string[], env: Record<string, string> = {}) {
    const args = ["run", "--quiet", "--no-check", "--allow-all", MAIN, ...argv];
    const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    this.#child = new Deno.Command(Deno.execPath(), { args, env, ...pipes }).spawn();
    this.#stdout = new Pipe(this.#child.stdout);
    this.#stderr = new Pipe(this.#child.stderr);
  }

  get stdout(): Pipe {
    return this.#stdout;
  }

  get stderr(): Pipe {
    return this.#stderr;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Closes the input and waits for the process to exit. */
  async end(input = ""): Promise<number> {
    const writer = this.#child.stdin.getWriter();
    // The process may have stopped reading.
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
    const { code } = await this.#child.status;
    await Promise.all([this.#stdout.end(), this.#stderr.end()]);
    return code;
  }
}

/** Collects the output of a process. */
class Pipe {
  readonly #reader: ReadableStreamDefaultReader<string>;
  text = "";

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) return match;
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`${pattern} does not come in: ${this.text}`);
      this.text += value;
    }
  }

  async end(): Promise<void> {
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) return;
      this.text += value;
    }
  }

  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}

Deno.test("main.ts serves, produces and consumes as processes, with the right exit codes", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const serve = new Process([
      "serve",
      "--http",
      "off",
      "--listen",
      "127.0.0.1:0",
      "--data",
      `${folder}/data`,
    ]);
    const [, address] = await serve.stderr.until(/Listening address=(\S+) /);
    const env = { DQUEUE_BROKERS: address! };

    const produce = new Process(["produce", "a"], env);
    assertEquals(await produce.end("one\ntwo\n"), 0);
    assertMatch(produce.stdout.text, /^a +0 +2 +0 +1$/m);

    const follow = new Process(["consume", "a"], env);
    await follow.stdout.until(/one\ntwo\n/);
    follow.kill("SIGINT");
    assertEquals([await follow.end(), follow.stderr.text], [0, ""]);

    const lines = "line\n".repeat(100_000);
    assertEquals(await new Process(["produce", "b"], env).end(lines), 0);
    const head = new Process(["consume", "b"], env);
    await head.stdout.until(/^line\n/);
    // `head -1` does this after its line.
    await head.stdout.close();
    assertEquals([await head.end(), head.stderr.text], [141, ""]);

    const wrong = new Process(["consume"], env);
    assertEquals(await wrong.end(), 2);
    assertStringIncludes(wrong.stderr.text, "Missing TOPIC");

    serve.kill("SIGTERM");
    assertEquals(await serve.end(), 0);
    assertMatch(serve.stderr.text, /INFO +Stopped\n$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
