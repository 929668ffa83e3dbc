import { assertEquals, assertRejects } from "@std/assert";
import { ensureConfirmed } from "./confirm.ts";
import { CommandError, UsageError } from "../errors.ts";
import { testContext } from "./test_context.ts";

const QUESTION = 'Delete topic "orders"?';

Deno.test("ensureConfirmed() asks on a terminal and accepts yes", async () => {
  for (const stdin of ["y\n", "Yes\n", " y \nmore"]) {
    const context = testContext({ stdin, stdinIsTerminal: true });
    await ensureConfirmed(context, QUESTION, false);
    assertEquals(context.stderrText(), `${QUESTION} [y/N] `);
  }
});

Deno.test("ensureConfirmed() treats any other answer as no", async () => {
  for (const stdin of ["n\n", "\n", "", "yep\n"]) {
    const context = testContext({ stdin, stdinIsTerminal: true });
    await assertRejects(
      () => ensureConfirmed(context, QUESTION, false),
      CommandError,
      "Not confirmed",
    );
  }
});

Deno.test("ensureConfirmed() requires --yes in a pipe, whatever its content", async () => {
  const context = testContext({ stdin: "y\n" });
  await assertRejects(() => ensureConfirmed(context, QUESTION, false), UsageError, "--yes");
  await ensureConfirmed(context, QUESTION, true);
  assertEquals(context.stderrText(), "");
});

Deno.test("ensureConfirmed() stops waiting for the answer when interrupted", async () => {
  const context = {
    ...testContext({ stdinIsTerminal: true }),
    stdin: new ReadableStream<Uint8Array>(),
  };
  const answer = ensureConfirmed(context, QUESTION, false);
  context.stop.abort(new DOMException("Interrupted", "AbortError"));
  await assertRejects(() => answer, DOMException, "Interrupted");
});
