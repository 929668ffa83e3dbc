import { assert, assertEquals } from "@std/assert";
import { Screen } from "./screen.ts";
import { testContext } from "./test_context.ts";

Deno.test("Screen.draw() overwrites the previous drawing, and the last one is kept", async () => {
  const context = testContext({ stdout: { isTerminal: true, rows: () => 24 } });
  {
    await using screen = new Screen(context.stdout);
    await screen.draw("one\ntwo\n", "top");
    await screen.draw("three\n", "top");
  }
  assertEquals(
    context.stdoutText(),
    "\x1b[?1049h\x1b[?25l\x1b[?7l" +
      "\x1b[Htop\x1b[K\r\n\x1b[K\r\none\x1b[K\r\ntwo\x1b[K\x1b[J" +
      "\x1b[Htop\x1b[K\r\n\x1b[K\r\nthree\x1b[K\x1b[J" +
      "\x1b[?7h\x1b[?25h\x1b[?1049lthree\n",
  );
});

Deno.test("Screen changes nothing if it was never drawn", async () => {
  const context = testContext({ stdout: { isTerminal: true } });
  {
    await using _ = new Screen(context.stdout);
  }
  await context.stdout.flush();
  assertEquals(context.stdoutText(), "");
});

Deno.test("Screen.draw() uses only the available rows, and shows the number of hidden lines", async () => {
  for (const [count, last] of [[3, "3"], [4, "… 2 more lines"], [9, "… 7 more lines"]] as const) {
    const context = testContext({ stdout: { isTerminal: true, rows: () => 5 } });
    const screen = new Screen(context.stdout);
    const text = Array.from({ length: count }, (_, i) => `${i + 1}\n`).join("");
    await screen.draw(text, "top");
    const rows = context.stdoutText().split("\r\n");
    assertEquals(rows.length, 5);
    assert(rows.at(-1)!.startsWith(last), rows.at(-1));
    await screen[Symbol.asyncDispose]();
    assert(context.stdoutText().endsWith(text));
  }
});
