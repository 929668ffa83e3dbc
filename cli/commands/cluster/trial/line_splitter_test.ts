import { assertEquals } from "@std/assert";
import { streamOf } from "../../../terminal/test_context.ts";
import { linesOf } from "./line_splitter.ts";

function lines(...chunks: string[]): Promise<string[]> {
  const bytes = chunks.map((chunk) => new TextEncoder().encode(chunk));
  return Array.fromAsync(linesOf(streamOf(bytes)));
}

Deno.test("linesOf() yields lines wherever chunks end, and the last one without an end", async () => {
  assertEquals(await lines("a\nb", "c\r\n\nd"), ["a", "bc", "", "d"]);
  assertEquals(await lines("a\n"), ["a"]);
  assertEquals(await lines(), []);
});

Deno.test("linesOf() joins the bytes of a character, and cuts a line without an end", async () => {
  const [first, second] = [new Uint8Array([0xc3]), new Uint8Array([0xa4, 0x0a])];
  assertEquals(await Array.fromAsync(linesOf(streamOf([first, second]))), ["ä"]);
  const [line] = await lines(...Array.from({ length: 30 }, () => "x".repeat(1000)), "\n");
  assertEquals(line!.length, 10_000);
});
