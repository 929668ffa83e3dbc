import { assertEquals } from "@std/assert";
import { ByteBuffer } from "./byte_buffer.ts";

Deno.test("ByteBuffer keeps bytes and text in order while growing", () => {
  const buffer = new ByteBuffer();
  const expected: number[] = [];
  for (let i = 0; i < 3000; i++) {
    buffer.byte(i);
    buffer.text("ü");
    buffer.bytes(Uint8Array.of(1, 2));
    expected.push(i & 0xff, 0xc3, 0xbc, 1, 2);
  }
  assertEquals(buffer.length, expected.length);
  assertEquals(buffer.take(), Uint8Array.from(expected));
});

Deno.test("ByteBuffer.take() returns bytes that later appends do not change", () => {
  const buffer = new ByteBuffer();
  buffer.text("first");
  const first = buffer.take();
  assertEquals(buffer.length, 0);
  buffer.text("other");
  assertEquals(new TextDecoder().decode(first), "first");
  assertEquals(new TextDecoder().decode(buffer.take()), "other");
});

Deno.test("ByteBuffer.truncate() removes what was appended last", () => {
  const buffer = new ByteBuffer();
  buffer.text("kept");
  const { length } = buffer;
  buffer.text(", not kept");
  buffer.truncate(length);
  buffer.text("!");
  assertEquals(new TextDecoder().decode(buffer.take()), "kept!");
});
