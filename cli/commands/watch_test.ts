import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { TimeoutError } from "../../client/mod.ts";
import { CommandError } from "../errors.ts";
import { testContext } from "../terminal/test_context.ts";
import { watch, type Watched } from "./watch.ts";

/** Returns the given results one after the other; then the user interrupts. */
function watching(output: "table" | "json", looks: readonly (string | Error)[]) {
  const context = testContext({ stdout: { isTerminal: output === "table" } });
  const left = [...looks];
  const watched: Watched<string> = {
    output,
    intervalMs: 1,
    look() {
      const next = left.shift();
      if (next === undefined) context.stop.abort(new DOMException("Interrupted", "AbortError"));
      context.signal.throwIfAborted();
      return typeof next === "string" ? Promise.resolve(next) : Promise.reject(next);
    },
    text: (seen) => `${seen}\n`,
    json: (seen) => ({ seen }),
  };
  return { context, watched };
}

Deno.test("watch() continues after a temporary failure, and shows it with the previous result", async () => {
  const { context, watched } = watching("table", ["one", new TimeoutError("no answer"), "two"]);
  await watch(context, watched);
  const drawn = context.stdoutText().split("\x1b[H").slice(1)
    .map((each) => each.replaceAll("\x1b[K\r\n", "\n"));
  assertEquals(drawn.length, 3);
  assertMatch(drawn[0]!, /^00:00:00 UTC, every 1ms, press Ctrl-C to stop\n\none/);
  assertMatch(drawn[1]!, /^00:00:00 UTC, no answer\n\none/);
  assertMatch(drawn[2]!, /^00:00:00 UTC, every 1ms, press Ctrl-C to stop\n\ntwo/);
});

Deno.test("watch() warns about a temporary failure when printing JSON", async () => {
  const { context, watched } = watching("json", ["one", new TimeoutError("no answer"), "two"]);
  await watch(context, watched);
  assertEquals(context.stdoutText(), '{"seen":"one"}\n{"seen":"two"}\n');
  assertEquals(context.stderrText(), "Warning: no answer\n");
});

Deno.test("watch() throws a failure of the first query, and a permanent failure", async () => {
  const first = watching("table", [new TimeoutError("no answer")]);
  await assertRejects(() => watch(first.context, first.watched), TimeoutError);
  assertEquals(first.context.stdoutText(), "");
  const later = watching("table", ["one", new CommandError("gone")]);
  await assertRejects(() => watch(later.context, later.watched), CommandError, "gone");
  assert(later.context.stdoutText().endsWith("\x1b[?1049lone\n"));
});
