import { assert, assertEquals, assertRejects } from "@std/assert";
import { CommandError, OutputClosedError } from "../errors.ts";
import { Output } from "./output.ts";
import { testContext } from "./test_context.ts";

Deno.test("Output sends text, lines and bytes in order when flushed", async () => {
  const context = testContext();
  context.stdout.write("a ");
  context.stdout.line("ü");
  context.stdout.write(Uint8Array.of(0xff, 0x00));
  assertEquals(context.stdoutBytes().length, 0);
  await context.stdout.flush();
  assertEquals(context.stdoutBytes(), Uint8Array.of(0x61, 0x20, 0xc3, 0xbc, 0x0a, 0xff, 0x00));
});

Deno.test("Output.isFull is true when the buffer should be flushed", async () => {
  const { stdout } = testContext();
  stdout.write(new Uint8Array(64 * 1024 - 1));
  assert(!stdout.isFull);
  stdout.line();
  assert(stdout.isFull);
  await stdout.flush();
  assert(!stdout.isFull);
});

Deno.test("Output.isAtLineStart follows what was sent", async () => {
  const { stdout } = testContext();
  assert(stdout.isAtLineStart);
  stdout.write("half a line");
  await stdout.flush();
  assert(!stdout.isAtLineStart);
  stdout.line();
  await stdout.flush();
  assert(stdout.isAtLineStart);
});

Deno.test("Output.flush() clears the overlay first", async () => {
  const context = testContext();
  context.stderr.overlay = "<clear>";
  await context.stderr.flush();
  context.stderr.line("text");
  await context.stderr.flush();
  assertEquals(context.stderrText(), "<clear>text\n");
});

Deno.test("Output.flush() throws OutputClosedError for a broken pipe, on every call", async () => {
  const output = new Output(failing(new Deno.errors.BrokenPipe("Broken pipe")));
  output.line("lost");
  await assertRejects(() => output.flush(), OutputClosedError);
  output.line("lost too");
  await assertRejects(() => output.flush(), OutputClosedError);
});

Deno.test("Output.flush() names the output that cannot be written, on every call", async () => {
  const output = new Output(failing(new Error("No space left on device")), { name: "the page" });
  output.sendNow("lost");
  output.line("lost");
  for (let i = 0; i < 2; i++) {
    await assertRejects(
      () => output.flush(),
      CommandError,
      "Cannot write to the page: No space left on device",
    );
  }
});

function failing(error: Error): WritableStream<Uint8Array> {
  return new WritableStream({
    write() {
      throw error;
    },
  });
}
