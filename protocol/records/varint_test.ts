import { assertEquals, assertThrows } from "@std/assert";
import { CorruptRecordError } from "./errors.ts";
import {
  FieldReader,
  MAX_VARLONG_SIZE,
  readExactVarlong,
  sizeOfVarint,
  writeVarint,
  writeVarlong,
} from "./varint.ts";

/** From Kafka's `ByteUtilsTest`. */
const INTS: [value: number, hex: string][] = [
  [0, "00"],
  [-1, "01"],
  [1, "02"],
  [63, "7e"],
  [-64, "7f"],
  [64, "8001"],
  [-65, "8101"],
  [8191, "fe7f"],
  [-8192, "ff7f"],
  [8192, "808001"],
  [-8193, "818001"],
  [1048575, "feff7f"],
  [-1048576, "ffff7f"],
  [1048576, "80808001"],
  [-1048577, "81808001"],
  [134217727, "feffff7f"],
  [-134217728, "ffffff7f"],
  [134217728, "8080808001"],
  [-134217729, "8180808001"],
  [2147483647, "feffffff0f"],
  [-2147483648, "ffffffff0f"],
];

const LONGS: [value: number, hex: string][] = [
  [17179869183, "feffffff7f"],
  [-17179869184, "ffffffff7f"],
  [17179869184, "808080808001"],
  [-17179869185, "818080808001"],
  [2199023255551, "feffffffff7f"],
  [-2199023255552, "ffffffffff7f"],
  [281474976710655, "feffffffffff7f"],
  [-281474976710656, "ffffffffffff7f"],
  [281474976710656, "8080808080808001"],
  [9007199254740991, "feffffffffffff1f"],
  [-9007199254740991, "fdffffffffffff1f"],
];

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

Deno.test("writeVarint() and sizeOfVarint() match Kafka", () => {
  for (const [value, expected] of INTS) {
    const bytes = new Uint8Array(8);
    const end = writeVarint(bytes, 1, value);
    assertEquals(hex(bytes.subarray(1, end)), expected, `${value}`);
    assertEquals(sizeOfVarint(value), expected.length / 2, `${value}`);
  }
});

Deno.test("writeVarlong() matches Kafka, and writeVarint() for an int32", () => {
  for (const [value, expected] of [...INTS, ...LONGS]) {
    const bytes = new Uint8Array(12);
    const end = writeVarlong(bytes, 1, value);
    assertEquals(hex(bytes.subarray(1, end)), expected, `${value}`);
  }
});

Deno.test("FieldReader reads what the writers wrote", () => {
  for (const [value] of INTS) {
    const bytes = new Uint8Array(8);
    const end = writeVarint(bytes, 2, value);
    const fields = new FieldReader(bytes, 2);
    assertEquals(fields.varint(end), value);
    assertEquals(fields.position, end);
  }
  for (const [value] of [...INTS, ...LONGS]) {
    const bytes = new Uint8Array(12);
    const end = writeVarlong(bytes, 2, value);
    const fields = new FieldReader(bytes, 2);
    assertEquals(fields.varlong(end), value);
    assertEquals(fields.position, end);
  }
});

Deno.test("FieldReader.varint() reads overlong encodings, like Java", () => {
  assertEquals(new FieldReader(new Uint8Array([0x82, 0x80, 0x00]), 0).varint(3), 1);
});

Deno.test("writeVarlong() of a bigint and readExactVarlong() keep all 64 bits", () => {
  const bytes = new Uint8Array(MAX_VARLONG_SIZE);
  for (const sign of [1n, -1n]) {
    for (let bit = 0n; bit < 63n; bit++) {
      const value = sign * (2n ** bit + 1n);
      const end = writeVarlong(bytes, 0, value);
      assertEquals(readExactVarlong(bytes, 0), value);
      assertEquals(new FieldReader(bytes, 0).varlong(end), Number(value));
    }
  }
  assertEquals(writeVarlong(bytes, 0, 2n ** 63n), 10, "wraps around, like Java");
  assertEquals(readExactVarlong(bytes, 0), -(2n ** 63n));
});

Deno.test("FieldReader.varint() and varlong() reject encodings that are too long", () => {
  const bytes = new Uint8Array(12).fill(0x80);
  assertThrows(() => new FieldReader(bytes, 0).varint(12), CorruptRecordError, "than 5 bytes");
  assertThrows(() => new FieldReader(bytes, 0).varlong(12), CorruptRecordError, "than 10 bytes");
});

Deno.test("FieldReader.varint() and varlong() read nothing at or after the end", () => {
  const bytes = new Uint8Array([0x80, 0x80, 0x01, 0x02]);
  for (let end = 0; end < 3; end++) {
    assertThrows(() => new FieldReader(bytes, 0).varint(end), CorruptRecordError, "past its end");
    assertThrows(() => new FieldReader(bytes, 0).varlong(end), CorruptRecordError, "past its end");
  }
  assertThrows(() => new FieldReader(bytes, 3).varint(3), CorruptRecordError);
  assertEquals(new FieldReader(bytes, 0).varint(3), 8192);
});

Deno.test("FieldReader.skip() accepts -1 for null, and rejects sizes that do not fit", () => {
  const fields = new FieldReader(new Uint8Array(10), 4);
  assertEquals(fields.skip(-1, 10), 4);
  assertEquals(fields.position, 4);
  assertEquals(fields.skip(6, 10), 4);
  assertEquals(fields.position, 10);
  assertThrows(() => fields.skip(1, 10), CorruptRecordError, "size of a field is 1, 0 bytes");
  assertThrows(() => fields.skip(-2, 10), CorruptRecordError, "size of a field is -2");
});
