import { assertEquals, assertRejects } from "@std/assert";
import { ensureConfirmed } from "./confirm.ts";
import { CommandError, UsageError } from "../errors.ts";
import { testContext } from "./test_context.ts";

const QUESTION = 'Delete topic "orders"?';

Deno.test("ensureConfirmed() asks on a terminal and takes yes for yes", async () => {
  for (const stdin of ["y\n", "Yes\n", " y \nmore"]) {
    const context = testContext({ stdin, stdinIsTerminal: true });
    await ensureConfirmed(context, QUESTION, false);
    assertEquals(context.stderrText(), `${QUESTION} [y/N] `);
  }
});

Deno.test("ensureConfirmed() takes anything else for no", async () => {
  for (const stdin of ["n\n", "\n", "", "yep\n"]) {
    const context = testContext({ stdin, stdinIsTerminal: true });
    await assertRejects(
      () => ensureConfirmed(context, QUESTION, false),
      CommandError,
      "Not agreed",
    );
  }
});

Deno.test("ensureConfirmed() needs --yes in a pipe, whatever the pipe says", async () => {
  const context = testContext({ stdin: "y\n" });
  await assertRejects(() => ensureConfirmed(context, QUESTION, false), UsageError, "--yes");
  await ensureConfirmed(context, QUESTION, true);
  assertEquals(context.stderrText(), "");
});

Deno.test("ensureConfirmed() stops waiting for the answer when the user stops", async () => {
  const context = {
    ...testContext({ stdinIsTerminal: true }),
    stdin: new ReadableStream<Uint8Array>(),
  };
  const answer = ensureConfirmed(context, QUESTION, false);
  context.stop.abort(new DOMException("Interrupted", "AbortError"));
  await assertRejects(() => answer, DOMException, "Interrupted");
});
