import { assertEquals } from "@std/assert";
import { Progress } from "./progress.ts";
import { testContext } from "./test_context.ts";

const CLEAR = "\r\x1b[K";

function terminalContext(columns = 120, stdoutIsTerminal = false) {
  let nowMs = 0;
  const context = testContext({
    now: () => nowMs,
    stderr: { isTerminal: true, columns: () => columns },
    stdout: { isTerminal: stdoutIsTerminal },
  });
  return { context, at: (ms: number) => (nowMs = ms) };
}

/** The final screen, and every line drawn before. */
async function drawn(context: ReturnType<typeof testContext>) {
  await context.stderr.flush();
  return context.stderrText().split(CLEAR).slice(1);
}

Deno.test("Progress shows percentage, rate and remaining time if the total is known", async () => {
  const { context, at } = terminalContext();
  const progress = new Progress(context, {
    label: "Producing",
    unit: "messages",
    total: 1_000_000,
  });
  at(1000);
  progress.update(250_000);
  at(2000);
  progress.update(500_000);
  assertEquals(await drawn(context), [
    "Producing  [####............]   25%  250,000 of 1,000,000 messages  250,000/s  3s left",
    "Producing  [########........]   50%  500,000 of 1,000,000 messages  250,000/s  2s left",
  ]);
});

Deno.test("Progress shows amount and rate if the total is unknown", async () => {
  const { context, at } = terminalContext();
  const progress = new Progress(context, { label: "Reading", unit: "bytes" });
  at(500);
  progress.add(1024 ** 2);
  assertEquals(await drawn(context), ["Reading  1 MiB  2 MiB/s"]);
});

Deno.test("Progress shows the rate of the last seconds", async () => {
  const { context, at } = terminalContext();
  const progress = new Progress(context, { label: "Reading", unit: "messages" });
  for (let second = 1; second <= 10; second++) {
    at(second * 1000);
    progress.add(second <= 5 ? 1000 : 10);
  }
  assertEquals((await drawn(context)).at(-1), "Reading  5,050 messages  10/s");
});

Deno.test("Progress is removed below its minimum rate", async () => {
  const { context, at } = terminalContext();
  const options = { label: "Producing", unit: "messages", minRate: 100 };
  const progress = new Progress(context, options);
  at(1000);
  progress.update(99);
  assertEquals(await drawn(context), []);
  at(2000);
  progress.update(200);
  assertEquals(await drawn(context), ["Producing  200 messages  100/s"]);
  at(9000);
  progress.update(201);
  assertEquals(await drawn(context), ["Producing  200 messages  100/s", ""]);
});

Deno.test("Progress is never drawn if hidden", async () => {
  const { context, at } = terminalContext();
  const progress = new Progress(context, { label: "Producing", unit: "messages", isHidden: true });
  at(1000);
  progress.update(1_000_000);
  progress.finish();
  assertEquals(await drawn(context), []);
});

Deno.test("Progress is drawn after half a second, then a few times a second at most", async () => {
  const { context, at } = terminalContext();
  const progress = new Progress(context, { label: "Reading", unit: "messages" });
  for (let ms = 0; ms < 1000; ms++) {
    at(ms);
    progress.add(1);
  }
  const lines = await drawn(context);
  assertEquals(lines.length, 5);
  assertEquals(lines[0], "Reading  501 messages  1,002/s");
});

Deno.test("Progress fits the terminal", async () => {
  const { context, at } = terminalContext(24);
  const progress = new Progress(context, { label: "Producing", unit: "messages", total: 10 });
  at(1000);
  progress.update(5);
  assertEquals(await drawn(context), ["Producing  [########..…"]);
});

Deno.test("Progress is not drawn if standard error is not a terminal", async () => {
  const context = testContext();
  const progress = new Progress(context, { label: "Reading", unit: "messages" });
  progress.update(1);
  progress.finish();
  await context.stderr.flush();
  assertEquals(context.stderrText(), "");
});

Deno.test("Progress is cleared before other output and removed at the end", async () => {
  const { context, at } = terminalContext(120, true);
  {
    using progress = new Progress(context, { label: "Reading", unit: "messages" });
    at(1000);
    progress.update(1);
    context.stderr.line("Warning: x");
    await context.stderr.flush();
    context.stdout.line("result");
    await context.stdout.flush();
    at(2000);
    progress.update(2);
  }
  context.stderr.line("Done");
  await context.stderr.flush();
  assertEquals(
    context.stderrText(),
    `${CLEAR}Reading  1 messages  1/s${CLEAR}Warning: x\n${CLEAR}Reading  2 messages  1/s${CLEAR}Done\n`,
  );
  assertEquals(context.stdoutText(), `${CLEAR}result\n`);
});

Deno.test("Progress does not overwrite a partial line of output", async () => {
  const { context, at } = terminalContext(120, true);
  const progress = new Progress(context, { label: "Reading", unit: "messages" });
  context.stdout.write("no newline yet");
  await context.stdout.flush();
  at(1000);
  progress.update(1);
  context.stdout.line();
  await context.stdout.flush();
  at(2000);
  progress.update(2);
  assertEquals(await drawn(context), ["Reading  2 messages  1/s"]);
});
