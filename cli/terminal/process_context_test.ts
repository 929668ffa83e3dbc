import { assertEquals } from "@std/assert";

const hasRun = Deno.permissions.querySync({ name: "run" }).state === "granted" &&
  Deno.build.os !== "windows";

/** Runs a module that imports the context of a process. */
function start(source: string, stdin: "null" | "piped" = "null") {
  const url = import.meta.resolve("./process_context.ts");
  const code = `import { processContext } from ${JSON.stringify(url)};\n${source}`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", code],
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test({
  name: "processContext() reads, writes and detects that pipes are not terminals",
  ignore: !hasRun,
  async fn() {
    const child = start(
      `
      using context = processContext();
      for await (const chunk of context.stdin) context.stdout.write(chunk);
      context.stderr.line([context.stdinIsTerminal, context.stdout.isTerminal].join());
      await context.stdout.flush();
      await context.stderr.flush();
      `,
      "piped",
    );
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("through"));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals([code, text(stdout), text(stderr)], [0, "through", "false,false\n"]);
  },
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `processContext() aborts its signal on ${signal}`,
    ignore: !hasRun,
    async fn() {
      const child = start(`
        using context = processContext();
        const aborted = new Promise((resolve) => context.signal.addEventListener("abort", resolve));
        const keepAlive = setInterval(() => {}, 1000);
        context.stdout.line("ready");
        await context.stdout.flush();
        await aborted;
        clearInterval(keepAlive);
        context.stdout.line(context.signal.reason.name);
        await context.stdout.flush();
      `);
      const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      assertEquals((await output.read()).value, "ready\n");
      child.kill(signal);
      assertEquals((await output.read()).value, "AbortError\n");
      assertEquals((await output.read()).done, true);
      await child.stderr.cancel();
      assertEquals((await child.status).code, 0);
    },
  });
}

Deno.test({
  name: "processContext() ends the process on a second SIGINT",
  ignore: !hasRun,
  async fn() {
    const child = start(`
      using context = processContext();
      context.signal.addEventListener("abort", () => {
        context.stdout.line("stubborn");
        context.stdout.flush();
      });
      setInterval(() => {}, 1000);
      context.stdout.line("ready");
      await context.stdout.flush();
      await new Promise(() => {});
    `);
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    assertEquals((await output.read()).value, "ready\n");
    child.kill("SIGINT");
    assertEquals((await output.read()).value, "stubborn\n");
    child.kill("SIGINT");
    assertEquals((await output.read()).done, true);
    await child.stderr.cancel();
    assertEquals((await child.status).code, 130);
  },
});

Deno.test({
  name: "processContext() reads text files and standard input, and rejects invalid UTF-8",
  ignore: !hasRun,
  async fn() {
    const path = await Deno.makeTempFile();
    try {
      for (
        const [bytes, expected] of [[[0xef, 0xbb, 0xbf, 0x7b, 0x7d], "{}"], [[0x7b, 0xff], ""]]
      ) {
        await Deno.writeFile(path, new Uint8Array(bytes as number[]));
        const child = start(
          `
          using context = processContext();
          for (const path of [${JSON.stringify(path)}, "-"]) {
            const text = await context.readTextFile(path).catch((error) => error.message);
            context.stdout.line(text);
          }
          await context.stdout.flush();
          `,
          "piped",
        );
        const writer = child.stdin.getWriter();
        await writer.write(new Uint8Array(bytes as number[]));
        await writer.close();
        const { code, stdout } = await child.output();
        const line = expected || "it is not UTF-8";
        assertEquals([code, new TextDecoder().decode(stdout)], [0, `${line}\n${line}\n`]);
      }
    } finally {
      await Deno.remove(path);
    }
  },
});
