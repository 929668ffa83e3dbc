import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { hex } from "../hex_testing.ts";
import { seededRandom } from "../messages/sample_message_testing.ts";
import { MalformedMessageError, Reader } from "./reader.ts";

function read<T>(bytes: string, take: (reader: Reader) => T): T {
  // Surrounded by other bytes, which reveals reads outside the frame.
  const around = hex(`deadbeef ${bytes} deadbeef`);
  const reader = new Reader(around.subarray(4, around.length - 4));
  const value = take(reader);
  assertEquals(reader.remaining, 0);
  assertEquals(reader.position, around.length - 8);
  return value;
}

function refuse(bytes: string, take: (reader: Reader) => unknown, message = ""): void {
  const around = hex(`00000000 ${bytes} 00000000`);
  const reader = new Reader(around.subarray(4, around.length - 4));
  assertThrows(() => take(reader), MalformedMessageError, message, bytes);
}

Deno.test("Reader reads integers big-endian", () => {
  assertEquals(read("7f", (r) => r.int8()), 127);
  assertEquals(read("80", (r) => r.int8()), -128);
  assertEquals(read("0102", (r) => r.int16()), 258);
  assertEquals(read("ffff", (r) => r.int16()), -1);
  assertEquals(read("ffff", (r) => r.uint16()), 65535);
  assertEquals(read("01020304", (r) => r.int32()), 16909060);
  assertEquals(read("80000000", (r) => r.int32()), -2147483648);
  assertEquals(read("3ff8000000000000", (r) => r.float64()), 1.5);
});

Deno.test("Reader.bool() returns true for every byte but zero", () => {
  assertEquals(["00", "01", "ff"].map((b) => read(b, (r) => r.bool())), [false, true, true]);
});

Deno.test("Reader.int64() is exact up to ±(2^53 - 1) and rounds beyond", () => {
  assertEquals(read("0000000000000000", (r) => r.int64()), 0);
  assertEquals(read("00000000ffffffff", (r) => r.int64()), 4294967295);
  assertEquals(read("0000000100000000", (r) => r.int64()), 4294967296);
  assertEquals(read("ffffffffffffffff", (r) => r.int64()), -1);
  assertEquals(read("fffffffeffffffff", (r) => r.int64()), -4294967297);
  assertEquals(read("001fffffffffffff", (r) => r.int64()), Number.MAX_SAFE_INTEGER);
  assertEquals(read("ffe0000000000001", (r) => r.int64()), Number.MIN_SAFE_INTEGER);
  assertEquals(read("0020000000000000", (r) => r.int64()), 2 ** 53);
  assertEquals(read("ffe0000000000000", (r) => r.int64()), -(2 ** 53));
  assertEquals(read("17979cfe362a0015", (r) => r.int64()), 1_700_000_000_000_000_021);
  assertEquals(read("7fffffffffffffff", (r) => r.int64()), 2 ** 63);
  assertEquals(read("8000000000000000", (r) => r.int64()), -(2 ** 63));
});

Deno.test("Reader.uvarint() reads little-endian groups of seven bits (KIP-482)", () => {
  assertEquals(read("00", (r) => r.uvarint()), 0);
  assertEquals(read("7f", (r) => r.uvarint()), 127);
  assertEquals(read("80 01", (r) => r.uvarint()), 128);
  assertEquals(read("ac 02", (r) => r.uvarint()), 300);
  assertEquals(read("ff ff ff ff 0f", (r) => r.uvarint()), 4294967295);
  assertEquals(read("80 00", (r) => r.uvarint()), 0, "an overlong encoding is valid");
  refuse("ff ff ff ff 10", (r) => r.uvarint(), "longer than 32 bits");
  refuse("80 80 80 80 80 00", (r) => r.uvarint(), "longer than 32 bits");
  refuse("80", (r) => r.uvarint(), "Cannot read 1 bytes at 1");
});

Deno.test("Reader.uuid() reads Kafka's text form", () => {
  const text = read("000102030405060708090a0b0c0d0e0f", (r) => r.uuid());
  assertEquals(text, "AAECAwQFBgcICQoLDA0ODw");
});

Deno.test("Reader.string() reads UTF-8 with a two-byte length", () => {
  assertEquals(read("0000", (r) => r.string()), "");
  assertEquals(read("0005 68656c6c6f", (r) => r.string()), "hello");
  assertEquals(read("0006 e697a5e69cac", (r) => r.string()), "日本");
  assertEquals(read("0004 f09fa695", (r) => r.string()), "🦕");
  assertEquals(read("0004 61c3a962", (r) => r.string()), "aéb", "text that starts as ASCII");
  assertEquals(read("0003 efbbbf", (r) => r.string()), "\ufeff", "a byte order mark is text");
  assertEquals(read("0001 00", (r) => r.string()), "\0");
  assertEquals(read("0002 c328", (r) => r.string()), "\ufffd(", "invalid UTF-8 is replaced");
  assertEquals(read(`0064 ${"61".repeat(100)}`, (r) => r.string()), "a".repeat(100));
  refuse("ffff", (r) => r.string(), "it is null");
  refuse("0002 61", (r) => r.string(), "Cannot read 2 bytes at 2: the frame has 3");
});

Deno.test("Reader.nullableString() returns null for every negative length", () => {
  assertEquals(read("ffff", (r) => r.nullableString()), null);
  assertEquals(read("8000", (r) => r.nullableString()), null);
  assertEquals(read("0001 61", (r) => r.nullableString()), "a");
});

Deno.test("Reader.compactString() reads the length plus one (KIP-482)", () => {
  assertEquals(read("01", (r) => r.compactString()), "");
  assertEquals(read("06 68656c6c6f", (r) => r.compactString()), "hello");
  assertEquals(read(`81 01 ${"61".repeat(128)}`, (r) => r.compactString()), "a".repeat(128));
  assertEquals(read("00", (r) => r.compactNullableString()), null);
  assertEquals(read("02 61", (r) => r.compactNullableString()), "a");
  refuse("00", (r) => r.compactString(), "it is null");
  refuse("03 61", (r) => r.compactString());
  refuse("ff ff ff ff 0f 61", (r) => r.compactString());
});

Deno.test("Reader.compactString() rejects more than 32767 bytes, like string()", () => {
  const longest = "61".repeat(32767);
  assertEquals(read(`80 80 02 ${longest}`, (r) => r.compactString()).length, 32767);
  refuse(`81 80 02 ${longest}61`, (r) => r.compactString(), "takes 32768 bytes");
  refuse(`81 80 02 ${longest}61`, (r) => r.compactNullableString(), "takes 32768 bytes");
});

Deno.test("Reader.bytes() and its variants return views of the frame", () => {
  const frame = hex("00000002 0102 03 0304 00 ffffffff 05");
  const reader = new Reader(frame);
  const plain = reader.bytes();
  assertEquals(plain, hex("0102"));
  assertStrictEquals(plain.buffer, frame.buffer);
  assertEquals(reader.compactBytes(), hex("0304"));
  assertEquals(reader.compactNullableBytes(), null);
  assertEquals(reader.nullableBytes(), null);
  assertEquals(reader.raw(1), hex("05"));
  assertEquals(reader.remaining, 0);
  refuse("ffffffff", (r) => r.bytes(), "it is null");
  refuse("00", (r) => r.compactBytes(), "it is null");
  refuse("7fffffff 00", (r) => r.bytes(), "Cannot read 2147483647 bytes at 4: the frame has 5");
  refuse("7fffffff 00", (r) => r.nullableBytes());
  refuse("ffffffff0f 00", (r) => r.compactNullableBytes());
});

Deno.test("Reader rejects reads past the end for every type", () => {
  const takes: ((reader: Reader) => unknown)[] = [
    (r) => r.bool(),
    (r) => r.int8(),
    (r) => r.int16(),
    (r) => r.uint16(),
    (r) => r.int32(),
    (r) => r.int64(),
    (r) => r.float64(),
    (r) => r.uuid(),
    (r) => r.uvarint(),
    (r) => r.string(),
    (r) => r.bytes(),
    (r) => r.compactBytes(),
    (r) => r.skipTags(),
    (r) => r.arrayCount(1),
    (r) => r.compactArrayCount(1),
  ];
  for (const take of takes) refuse("", take, "the frame has 0");
  refuse("01020304050607", (r) => r.int64(), "Cannot read 8 bytes at 0: the frame has 7");
});

Deno.test("Reader.arrayCount() rejects counts whose elements cannot fit", () => {
  assertEquals(new Reader(hex("00000002 00000000")).arrayCount(2), 2);
  assertEquals(new Reader(hex("ffffffff")).arrayCount(1), -1);
  assertEquals(new Reader(hex("80000000")).arrayCount(1), -1);
  refuse("00000003 00000000", (r) => r.arrayCount(2), "3 elements do not fit in 4 bytes");
  refuse("7fffffff 00000000", (r) => r.arrayCount(1));
});

Deno.test("Reader.compactArrayCount() subtracts one and rejects counts whose elements cannot fit (KIP-482)", () => {
  assertEquals(new Reader(hex("00")).compactArrayCount(1), -1);
  assertEquals(new Reader(hex("01")).compactArrayCount(1), 0);
  assertEquals(new Reader(hex("03 0000")).compactArrayCount(1), 2);
  refuse("04 0000", (r) => r.compactArrayCount(1), "3 elements do not fit in 2 bytes");
  refuse("ffffffff0f", (r) => r.compactArrayCount(1), "4294967294 elements");
});

Deno.test("Reader.skipTags() skips exactly one tag buffer (KIP-482)", () => {
  const reader = new Reader(hex("02  00 01 aa  80 01 03 bbbbbb  07"));
  reader.skipTags();
  assertEquals(reader.int8(), 7);
  refuse("01 00 05 aa", (r) => r.skipTags(), "Cannot read 5 bytes");
  refuse("ff ff ff ff 0f 00 00", (r) => r.skipTags());
});

Deno.test("Reader.string() returns the right text despite its cache", () => {
  const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  const random = seededRandom(11);
  for (let i = 0; i < 20_000; i++) {
    // Few letters and sizes, to make slots collide; some invalid UTF-8.
    const letters = random(8) === 0 ? [0x61, 0xc3, 0xa9, 0xff] : [0x61, 0x62, 0x2d];
    const size = random(4) === 0 ? random(70) : random(6);
    const bytes = Uint8Array.from({ length: size }, () => letters[random(letters.length)]!);
    const frame = Uint8Array.from([0, size, ...bytes]);
    assertEquals(new Reader(frame).string(), utf8.decode(bytes));
  }
});
