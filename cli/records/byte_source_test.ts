import { assert, assertEquals, assertRejects } from "@std/assert";
import { ByteSource } from "./byte_source.ts";
import { chunksOf, streamOf } from "../terminal/test_context.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("ByteSource finds and takes data that spans chunks of any size", async (t) => {
  const text = "first record\r\nsecond\rrecord\r\n";
  for (let size = 1; size <= text.length; size++) {
    await t.step(`chunks of ${size}`, async () => {
      const source = new ByteSource(streamOf(chunksOf(encode(text), size)));
      while (!source.isEnded) await source.fill();
      const at = source.indexOf(encode("\r\n"), 0);
      assertEquals(decode(source.take(at)), "first record");
      assert(source.startsWith(encode("\r\n")));
      source.skip(2);
      assertEquals(source.position, 14);
      assertEquals(source.indexOf(encode("\r\n"), 0), 13);
      assertEquals(source.indexOf(encode("\r\n"), 14), -1);
      assertEquals(decode(source.peek(6)), "second");
      assertEquals(source.available, 15);
    });
  }
});

Deno.test("ByteSource.take() returns views that do not change when the window moves", async () => {
  const chunks = ["aa", "bb", "cc", "dd", "ee", "ff"].map(encode);
  const source = new ByteSource(streamOf(chunks));
  const views: Uint8Array[] = [];
  await source.fill();
  while (!source.isEnded) {
    await source.fill();
    views.push(source.take(1));
  }
  while (source.available > 0) views.push(source.take(1));
  assertEquals(views.map(decode).join(""), "aabbccddeeff");
});

Deno.test("ByteSource.indexOf() finds nothing after the window", async () => {
  const source = new ByteSource(streamOf(["ab", "c"].map(encode)));
  await source.fill();
  await source.fill();
  assertEquals(source.available, 3);
  assertEquals(source.indexOf(Uint8Array.of(0), 0), -1);
  assertEquals(source.indexOf(encode("cd"), 0), -1);
});

Deno.test("ByteSource.fill() throws the stream's error", async () => {
  const source = new ByteSource(
    new ReadableStream({ start: (controller) => controller.error(new RangeError("torn")) }),
  );
  await assertRejects(() => source.fill(), RangeError, "torn");
});
