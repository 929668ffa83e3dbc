import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { hex, toHex } from "../hex_testing.ts";
import { Reader } from "./reader.ts";
import { UnencodableValueError, utf8Size, Writer } from "./writer.ts";

/** What `put` writes, with buffers that must grow at every possible position. */
function written(put: (writer: Writer) => void): string {
  const texts = new Set<string>();
  for (let before = 0; before < 20; before++) {
    const writer = new Writer(before + 1);
    for (let i = 0; i < before; i++) writer.int8(0x55);
    put(writer);
    const size = writer.size;
    const bytes = writer.takeBytes();
    assertEquals(bytes.length, size);
    texts.add(toHex(bytes.subarray(before)));
  }
  assertEquals(texts.size, 1, "the same bytes wherever the buffer grows");
  return [...texts][0]!;
}

function refused(put: (writer: Writer) => void, message = ""): void {
  assertThrows(() => put(new Writer()), UnencodableValueError, message);
}

Deno.test("Writer writes integers big-endian", () => {
  assertEquals(written((w) => w.bool(true)), "01");
  assertEquals(written((w) => w.bool(false)), "00");
  assertEquals(written((w) => w.int8(-128)), "80");
  assertEquals(written((w) => w.int16(-2)), "ff fe");
  assertEquals(written((w) => w.uint16(65535)), "ff ff");
  assertEquals(written((w) => w.int32(16909060)), "01 02 03 04");
  assertEquals(written((w) => w.float64(1.5)), "3f f8 00 00 00 00 00 00");
});

Deno.test("Writer rejects integers outside their range", () => {
  for (const value of [-129, 128, 0.5, NaN]) refused((w) => w.int8(value), "as int8");
  for (const value of [-32769, 32768]) refused((w) => w.int16(value), `Cannot encode ${value} as`);
  for (const value of [-1, 65536]) refused((w) => w.uint16(value), "as uint16");
  for (const value of [-2147483649, 2147483648]) refused((w) => w.int32(value), "as int32");
  for (const value of [-1, 4294967296, 1.5]) refused((w) => w.uvarint(value), "as uvarint");
  refused((w) => w.bool(undefined as never), "Cannot encode undefined as bool");
  refused((w) => w.float64("1" as never), "as float64");
});

Deno.test("Writer.int64() writes integers, clamped to the range", () => {
  assertEquals(written((w) => w.int64(0)), "00 00 00 00 00 00 00 00");
  assertEquals(written((w) => w.int64(-1)), "ff ff ff ff ff ff ff ff");
  assertEquals(written((w) => w.int64(4294967296)), "00 00 00 01 00 00 00 00");
  assertEquals(written((w) => w.int64(-4294967297)), "ff ff ff fe ff ff ff ff");
  assertEquals(written((w) => w.int64(Number.MAX_SAFE_INTEGER)), "00 1f ff ff ff ff ff ff");
  assertEquals(written((w) => w.int64(Number.MIN_SAFE_INTEGER)), "ff e0 00 00 00 00 00 01");
  assertEquals(written((w) => w.int64(2 ** 53)), "00 20 00 00 00 00 00 00");
  assertEquals(written((w) => w.int64(1.7e18)), "17 97 9c fe 36 2a 00 00");
  assertEquals(written((w) => w.int64(2 ** 63)), "7f ff ff ff ff ff ff ff");
  assertEquals(written((w) => w.int64(1e30)), "7f ff ff ff ff ff ff ff");
  assertEquals(written((w) => w.int64(-(2 ** 63))), "80 00 00 00 00 00 00 00");
  assertEquals(written((w) => w.int64(-1e30)), "80 00 00 00 00 00 00 00");
  for (const value of [0.5, NaN, Infinity, -Infinity]) refused((w) => w.int64(value));
});

Deno.test("Writer.uvarint() writes groups of seven bits (KIP-482)", () => {
  assertEquals(written((w) => w.uvarint(127)), "7f");
  assertEquals(written((w) => w.uvarint(300)), "ac 02");
  assertEquals(written((w) => w.uvarint(4294967295)), "ff ff ff ff 0f");
});

Deno.test("Writer.uuid() writes 16 bytes and rejects other text", () => {
  const text = "AAECAwQFBgcICQoLDA0ODw";
  assertEquals(written((w) => w.uuid(text)), "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f");
  refused((w) => w.uuid("nonsense"), "Cannot encode nonsense as uuid");
});

Deno.test("Writer writes strings, compact and not (KIP-482)", () => {
  assertEquals(written((w) => w.string("hello")), "00 05 68 65 6c 6c 6f");
  assertEquals(written((w) => w.compactString("hello")), "06 68 65 6c 6c 6f");
  assertEquals(written((w) => w.string("")), "00 00");
  assertEquals(written((w) => w.compactString("")), "01");
  assertEquals(written((w) => w.nullableString(null)), "ff ff");
  assertEquals(written((w) => w.compactNullableString(null)), "00");
  assertEquals(written((w) => w.nullableString("a")), "00 01 61");
  assertEquals(written((w) => w.compactNullableString("a")), "02 61");
  assertEquals(written((w) => w.string("日本")), "00 06 e6 97 a5 e6 9c ac");
});

const TEXTS: readonly [text: string, size: number][] = [
  ["", 0],
  ["a".repeat(64), 64],
  ["a".repeat(65), 65],
  ["é", 2],
  ["߿", 2],
  ["ࠀ", 3],
  ["日本", 6],
  ["🦕", 4],
  ["a🦕é", 7],
  // Lone surrogates become U+FFFD, three bytes each.
  ["\ud83e", 3],
  ["\udd95", 3],
  ["\udd95\ud83e", 6],
  ["\ud83ea", 4],
  ["\ud83e\ud83e\udd95", 7],
];

Deno.test("utf8Size() matches TextEncoder, lone surrogates included", () => {
  for (const [text, size] of TEXTS) {
    assertEquals(utf8Size(text), size, JSON.stringify(text));
    assertEquals(new TextEncoder().encode(text).length, size);
  }
});

Deno.test("Writer.string() writes the same bytes as TextEncoder", () => {
  for (const [text, size] of TEXTS) {
    const writer = new Writer(1);
    writer.string(text);
    const bytes = writer.takeBytes();
    assertEquals(new Reader(bytes).int16(), size);
    assertEquals(bytes.subarray(2), new TextEncoder().encode(text));
  }
});

Deno.test("Writer.string() rejects text over 32767 bytes, compact and not", () => {
  const longest = "é".repeat(16383) + "a";
  assertEquals(new Reader(bytesOf((w) => w.string(longest))).string(), longest);
  assertEquals(new Reader(bytesOf((w) => w.compactString(longest))).compactString(), longest);
  refused((w) => w.string(longest + "a"), "takes 32768 bytes, the limit is 32767");
  refused((w) => w.compactString(longest + "a"), "takes 32768 bytes");
});

function bytesOf(put: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  put(writer);
  return writer.takeBytes();
}

Deno.test("Writer writes bytes and records, compact and not (KIP-482)", () => {
  assertEquals(written((w) => w.bytes(hex("0102"))), "00 00 00 02 01 02");
  assertEquals(written((w) => w.compactBytes(hex("0102"))), "03 01 02");
  assertEquals(written((w) => w.nullableBytes(null)), "ff ff ff ff");
  assertEquals(written((w) => w.compactNullableBytes(null)), "00");
  assertEquals(written((w) => w.records(null)), "ff ff ff ff");
  assertEquals(written((w) => w.compactRecords(null)), "00");
  assertEquals(written((w) => w.records(hex("0102"))), "00 00 00 02 01 02");
  assertEquals(written((w) => w.records([hex("01"), hex("0203")])), "00 00 00 03 01 02 03");
  assertEquals(written((w) => w.compactRecords([hex("01"), hex("02")])), "03 01 02");
  assertEquals(written((w) => w.compactRecords([])), "01");
});

Deno.test("Writer.splice() adds large ranges by reference and copies small ones", () => {
  const small = new Uint8Array(100).fill(1);
  const large = new Uint8Array(10_000).fill(2);
  const writer = new Writer();
  writer.int8(7);
  writer.splice(small);
  writer.splice(large);
  writer.int8(8);
  assertEquals(writer.size, 10_102);
  const chunks = writer.take();
  assertEquals(chunks.map((chunk) => chunk.length), [101, 10_000, 1]);
  assertStrictEquals(chunks[1], large);
  small.fill(9);
  assertEquals(chunks[0]![1], 1);
  assertEquals(writer.size, 0);
});

Deno.test("Writer.takeBytes() joins chunks in order", () => {
  const writer = new Writer();
  const large = new Uint8Array(5000).fill(2);
  writer.int16(1);
  writer.splice(large);
  writer.splice(large);
  writer.int16(3);
  assertEquals(writer.takeBytes(), Uint8Array.from([0, 1, ...large, ...large, 0, 3]));
  writer.int8(4);
  assertEquals(writer.takeBytes(), hex("04"));
  assertEquals(writer.takeBytes(), hex(""));
});

Deno.test("Writer.take() returns chunks that later writes do not change", () => {
  const writer = new Writer();
  const taken: Uint8Array[] = [];
  for (let i = 0; i < 1000; i++) {
    writer.int32(i);
    taken.push(writer.takeBytes());
  }
  taken.forEach((bytes, i) => assertEquals(new Reader(bytes).int32(), i));
});

Deno.test("Writer.beginFrame() and endFrame() write the size first, wherever the buffer grows", () => {
  for (let before = 0; before < 300; before += 23) {
    for (const inside of [0, 1, 250, 5000, 70_000]) {
      const writer = new Writer(before + 3);
      for (let i = 0; i < before; i++) writer.int8(0x55);
      writer.beginFrame();
      for (let i = 0; i < inside; i++) writer.int8(0x66);
      assertEquals(writer.endFrame(), inside);
      const reader = new Reader(writer.takeBytes());
      reader.raw(before);
      assertEquals(reader.int32(), inside);
      assertEquals(reader.raw(inside), new Uint8Array(inside).fill(0x66));
      assertEquals(reader.remaining, 0);
    }
  }
});

Deno.test("Writer.endFrame() counts spliced ranges, and frames follow each other", () => {
  const large = new Uint8Array(6000).fill(3);
  const writer = new Writer();
  for (let i = 0; i < 50; i++) {
    writer.beginFrame();
    writer.int32(i);
    if (i % 3 === 0) writer.splice(large);
    writer.string("x".repeat(i));
    if (i % 4 === 0) writer.splice(large);
    writer.endFrame();
  }
  const reader = new Reader(writer.takeBytes());
  for (let i = 0; i < 50; i++) {
    const frame = new Reader(reader.raw(reader.int32()));
    assertEquals(frame.int32(), i);
    if (i % 3 === 0) assertEquals(frame.raw(6000), large);
    assertEquals(frame.string(), "x".repeat(i));
    if (i % 4 === 0) assertEquals(frame.raw(6000), large);
    assertEquals(frame.remaining, 0);
  }
  assertEquals(reader.remaining, 0);
});

Deno.test("Writer.abandonFrame() discards the open frame and keeps earlier ones", () => {
  const large = new Uint8Array(6000).fill(4);
  const attempts: ((writer: Writer) => void)[] = [
    () => {},
    (w) => w.int32(1),
    (w) => w.splice(large),
    (w) => (w.int8(1), w.splice(large), w.int8(2)),
    (w) => (w.splice(large), w.splice(large)),
    (w) => w.raw(new Uint8Array(3000)),
  ];
  for (const kept of attempts) {
    for (const failed of attempts) {
      const writer = new Writer();
      const expected = new Writer();
      for (const target of [writer, expected]) {
        target.beginFrame();
        kept(target);
        target.endFrame();
      }
      const size = writer.size;
      writer.beginFrame();
      failed(writer);
      writer.abandonFrame();
      assertEquals(writer.size, size);
      for (const target of [writer, expected]) {
        target.beginFrame();
        target.string("after");
        target.endFrame();
      }
      assertEquals(writer.takeBytes(), expected.takeBytes());
    }
  }
});

Deno.test("Writer.nested() writes the size first and keeps references (KIP-482)", () => {
  const inner = new Writer();
  inner.string("tagged");
  const outer = new Writer();
  outer.nested(inner);
  assertEquals(toHex(outer.takeBytes()), "08 00 06 74 61 67 67 65 64");
  const large = new Uint8Array(5000);
  inner.splice(large);
  outer.nested(inner);
  const chunks = outer.take();
  assertEquals(chunks[0], hex("88 27"));
  assert(chunks.includes(large));
});
