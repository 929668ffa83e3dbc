import { assertEquals, assertThrows } from "@std/assert";
import { ByteBuffer } from "../terminal/byte_buffer.ts";
import { NUMBER_ENCODINGS } from "./format_number.ts";

function write(name: string, value: number): Uint8Array {
  const buffer = new ByteBuffer();
  NUMBER_ENCODINGS.get(name)!.write(value, buffer);
  return buffer.take();
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("NUMBER_ENCODINGS write binary numbers in both byte orders, truncated as needed", () => {
  assertEquals(write("big64", 0x0102_0304_0506), Uint8Array.of(0, 0, 1, 2, 3, 4, 5, 6));
  assertEquals(write("little64", 0x0102_0304_0506), Uint8Array.of(6, 5, 4, 3, 2, 1, 0, 0));
  assertEquals(write("big32", 0x0102_0304_0506), Uint8Array.of(3, 4, 5, 6));
  assertEquals(write("little32", 0xfffe_fdfc), Uint8Array.of(0xfc, 0xfd, 0xfe, 0xff));
  assertEquals(write("big16", 256), Uint8Array.of(1, 0));
  assertEquals(write("little16", 256), Uint8Array.of(0, 1));
  assertEquals(write("byte", 256), Uint8Array.of(0));
  assertEquals(write("big8", 257), Uint8Array.of(1));
  assertEquals(write("little8", 255), Uint8Array.of(255));
  assertEquals(write("big64", -1), new Uint8Array(8).fill(255));
  assertEquals(write("big64", -2), Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 254));
});

Deno.test("NUMBER_ENCODINGS write hex of fixed width, digits and booleans", () => {
  assertEquals(text(write("hex64", 0x0102_0304_0506)), "0000010203040506");
  assertEquals(text(write("hex32", 255)), "000000ff");
  assertEquals(text(write("hex16", 0x12345)), "2345");
  assertEquals(text(write("hex8", 10)), "0a");
  assertEquals(text(write("hex4", 0x1f)), "f");
  assertEquals(text(write("hex64", -1)), "f".repeat(16));
  assertEquals(text(write("ascii", -1)), "-1");
  assertEquals(text(write("ascii", Number.MAX_SAFE_INTEGER)), "9007199254740991");
  assertEquals(text(write("bool", 0)) + text(write("bool", 2)), "falsetrue");
});

Deno.test("NUMBER_ENCODINGS round-trip", async (t) => {
  const values = [0, 1, 9, 15, 127, 128, 255, 256, 65535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
  values.push(2 ** 32, 1_700_000_000_000, Number.MAX_SAFE_INTEGER);
  for (const encoding of NUMBER_ENCODINGS.values()) {
    await t.step(encoding.name, () => {
      const digits = Number(/\d+$/.exec(encoding.name)?.[0] ?? (encoding.name === "byte" ? 8 : 64));
      for (const value of values) {
        if (value >= 2 ** digits || (encoding.name === "bool" && value > 1)) continue;
        const bytes = write(encoding.name, value);
        assertEquals(encoding.read(bytes, 0, false), value);
        assertEquals(bytes.length, encoding.size ?? bytes.length);
      }
    });
  }
});

Deno.test("NUMBER_ENCODINGS read four and eight bytes as signed on request", () => {
  for (const name of ["big64", "little64", "big32", "little32", "hex64", "hex32"]) {
    const encoding = NUMBER_ENCODINGS.get(name)!;
    assertEquals(encoding.read(write(name, -1), 0, true), -1, name);
    assertEquals(encoding.read(write(name, -2_000_000_000), 0, true), -2_000_000_000, name);
  }
  const big32 = NUMBER_ENCODINGS.get("big32")!;
  assertEquals(big32.read(write("big32", -1), 0, false), 2 ** 32 - 1);
});

Deno.test("NUMBER_ENCODINGS reject invalid and unsafe numbers", () => {
  const bytes = (value: string) => new TextEncoder().encode(value);
  const read = (name: string, value: Uint8Array) => () =>
    NUMBER_ENCODINGS.get(name)!.read(value, 0, false);
  assertThrows(read("hex8", bytes("0g")), SyntaxError, "expected 2 hex digits");
  assertThrows(read("bool", bytes("yes")), SyntaxError, "expected true or false");
  assertThrows(read("ascii", bytes("-")), SyntaxError, "expected a number");
  assertThrows(read("big64", new Uint8Array(8).fill(255)), RangeError, "2^53-1");
  assertThrows(read("ascii", bytes("9007199254740993")), RangeError, "2^53-1");
});
