import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Random } from "../../protocol/random_testing.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";
import { ByteBuffer } from "../terminal/byte_buffer.ts";
import { FormatSyntaxError } from "./format.ts";
import type { InputRecord, OutputRecord } from "./record.ts";
import { RecordFormatter } from "./record_formatter.ts";
import { RecordReader, RecordReadError } from "./record_reader.ts";
import { chunksOf, streamOf } from "../terminal/test_context.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | null) =>
  bytes === null ? null : new TextDecoder().decode(bytes);

async function read(format: string, input: Uint8Array | readonly Uint8Array[] | string) {
  const records: InputRecord[] = [];
  for await (const batch of new RecordReader(format).read(streamOf(input))) records.push(...batch);
  return records;
}

/** Reads in chunks of every size, expects the same result each time, and returns it as text. */
async function readText(format: string, input: string | Uint8Array) {
  const bytes = typeof input === "string" ? encode(input) : input;
  const whole = await read(format, bytes);
  for (let size = 1; size < Math.min(bytes.length, 40); size++) {
    assertEquals(await read(format, chunksOf(bytes, size)), whole, `chunks of ${size}`);
  }
  return whole.map((record) => ({
    ...record,
    key: decode(record.key),
    value: decode(record.value),
    headers: record.headers.map(({ key, value }) => [key, decode(value)]),
  }));
}

const blank = {
  topic: undefined,
  partition: undefined,
  timestamp: undefined,
  key: null,
  value: null,
  headers: [],
};

Deno.test("RecordReader reads delimited fields, the last one with or without delimiter", async () => {
  assertEquals(await readText("%v\\n", "one\ntwo\n\nthree"), [
    { ...blank, value: "one" },
    { ...blank, value: "two" },
    { ...blank, value: "" },
    { ...blank, value: "three" },
  ]);
  assertEquals(await readText("%k %v\\n", "a b c\nd \n"), [
    { ...blank, key: "a", value: "b c" },
    { ...blank, key: "d", value: "" },
  ]);
  assertEquals(await readText("%t,%p,%k::%v\\r\\n", "orders,3,a:b::c\r\r\nx,0,k::v"), [
    { ...blank, topic: "orders", partition: 3, key: "a:b", value: "c\r" },
    { ...blank, topic: "x", partition: 0, key: "k", value: "v" },
  ]);
  assertEquals(await readText("%v\\x00", "a\nb\0c"), [
    { ...blank, value: "a\nb" },
    { ...blank, value: "c" },
  ]);
});

Deno.test("RecordReader reads the whole input as one value without a delimiter", async () => {
  assertEquals(await readText("%v", "a\nb\n"), [{ ...blank, value: "a\nb\n" }]);
  assertEquals(await readText("%k=%v", "a=b=c"), [{ ...blank, key: "a", value: "b=c" }]);
  assertEquals(await readText("%v", ""), []);
  assertEquals(await readText("%v\\n", ""), []);
});

Deno.test("RecordReader reads an empty key as null and keeps an empty value", async () => {
  assertEquals(await readText("%k\\t%v\\n", "\ta\nb\t\n"), [
    { ...blank, value: "a" },
    { ...blank, key: "b", value: "" },
  ]);
});

Deno.test("RecordReader reads fields with a length", async () => {
  const input = encode("\0\0\0\x02ab\x03\0c\nd\0\0\0\0\0\0");
  assertEquals(await readText("%K{big32}%k%V{little16}%v", input), [
    { ...blank, key: "ab", value: "c\nd" },
    { ...blank, key: null, value: "" },
  ]);
  // Examples of rpk.
  assertEquals(await readText("%T{4}%K{4}%V{4}%t%k%v", "abcdefghijklABCDEFGHIJKL"), [
    { ...blank, topic: "abcd", key: "efgh", value: "ijkl" },
    { ...blank, topic: "ABCD", key: "EFGH", value: "IJKL" },
  ]);
  assertEquals(await readText("%K{big16} foo %k", "\0\x03 foo bar\0\x01 foo x"), [
    { ...blank, key: "bar" },
    { ...blank, key: "x" },
  ]);
  assertEquals(await readText("%K %V %k%v\n", "1 2 abb\n0 1 c"), [
    { ...blank, key: "a", value: "bb" },
    { ...blank, key: null, value: "c" },
  ]);
});

Deno.test("RecordReader decodes hex, base64 and JSON; lengths are those of the raw bytes", async () => {
  assertEquals(await readText("%k{hex} %v{base64}\\n", "6b6579 dmFsdWU=\n4B dg"), [
    { ...blank, key: "key", value: "value" },
    { ...blank, key: "K", value: "v" },
  ]);
  assertEquals(await readText("%K{byte}%V{byte}%k{hex}%v{base64}", "\x01\x046bdmFsdQ=="), [
    { ...blank, key: "k", value: "valu" },
  ]);
  assertEquals(
    await readText("%k{json} %v{json}\\n", '"a \\"b\\"\\n" { "x":\n[1, "}"] }\nnull null\n1 true'),
    [
      { ...blank, key: 'a "b"\n', value: '{ "x":\n[1, "}"] }' },
      { ...blank, key: null, value: null },
      { ...blank, key: "1", value: "true" },
    ],
  );
});

Deno.test("RecordReader reads consecutive JSON values with any blanks between them", async () => {
  assertEquals(await readText("%v{json}", ' {"a":1}[2]\n"three" 4\n\n'), [
    { ...blank, value: '{"a":1}' },
    { ...blank, value: "[2]" },
    { ...blank, value: "three" },
    { ...blank, value: "4" },
  ]);
});

Deno.test("RecordReader keeps the text of JSON values other than strings", async () => {
  const values = [
    "12345678901234567890",
    "1.0",
    "1e400",
    "-0",
    '{"b":1,"a":2,"10":3,"9":4}',
    '{"a":1,"a":2}',
    '{ "deep": [ 0.10, 1E2, "\\u00e9" ] }',
    "true",
  ];
  const read = await readText("%v{json}\\n", values.join("\n") + "\n");
  assertEquals(read.map(({ value }) => value), values);
  const keys = await readText("%k{json} %v{json}\\n", "12345678901234567890   1.50\n");
  assertEquals(keys.map(({ key, value }) => [key, value]), [["12345678901234567890", "1.50"]]);
});

Deno.test("RecordReader reads headers that are counted or delimited", async () => {
  const headers = [["a", "1"], ["b", ""], ["a", "2"]];
  assertEquals(await readText("%H{3}%h{ %k=%v }%v\\n", " a=1  b=  a=2 x\n"), [
    { ...blank, headers, value: "x" },
  ]);
  assertEquals(await readText("%H:%h{%K{byte}%k%V{byte}%v}%v\\n", "1:\x01a\x021;x\n0:y\n"), [
    { ...blank, headers: [["a", "1;"]], value: "x" },
    { ...blank, headers: [], value: "y" },
  ]);
  assertEquals(await readText("%v %h{%k=%v;}\\n", "x a=1;b=;a=2;\ny \nz "), [
    { ...blank, headers, value: "x" },
    { ...blank, headers: [], value: "y" },
    { ...blank, headers: [], value: "z" },
  ]);
  const [record] = await read("%h{%k:%v{json},}.\\n", 'a:null,b:"",.\n');
  assertEquals(record!.headers.map((header) => header.value), [null, new Uint8Array(0)]);
});

Deno.test("RecordReader reads timestamps as numbers and with strftime layouts", async () => {
  assertEquals(await readText("%d %v\\n", "1735600000123 a\n-1 b\n"), [
    { ...blank, timestamp: 1_735_600_000_123, value: "a" },
    { ...blank, timestamp: -1, value: "b" },
  ]);
  assertEquals(
    await readText("%d{strftime[%F %T]} %v\\n", "2024-12-30 23:06:40 a\n"),
    [{ ...blank, timestamp: 1_735_600_000_000, value: "a" }],
  );
  assertEquals(await readText("%d{strftime[%s]}:%v\\n", "1:a\n20:b\n"), [
    { ...blank, timestamp: 1000, value: "a" },
    { ...blank, timestamp: 20_000, value: "b" },
  ]);
});

Deno.test("RecordReader does not wait for bytes of the next record", async () => {
  for (const format of ["%v\\n", "%d{strftime[%F]} %v\\n", "%V{byte}%v\\n", "%v{json}\\n"]) {
    const source = new TransformStream<Uint8Array, Uint8Array>();
    const writer = source.writable.getWriter();
    const line = format === "%V{byte}%v\\n"
      ? "\x011\n"
      : format.includes("%d")
      ? "2024-12-30 1\n"
      : "1\n";
    const batches = new RecordReader(format).read(source.readable);
    const first = batches.next();
    await writer.write(encode(line));
    const { value } = await first;
    assertEquals(decode(value![0]!.value), "1", format);
    await batches.return();
  }
});

Deno.test("RecordReader ignores offset, leader epoch and count", async () => {
  assertEquals(await readText("%i:%o:%e %v\\n", "1:42:-1 a\n2:43:0 b\n"), [
    { ...blank, value: "a" },
    { ...blank, value: "b" },
  ]);
});

Deno.test("RecordReader accepts numbers given in the format", async () => {
  assertEquals(await readText("%p{7}%v\\n", "a\nb\n"), [
    { ...blank, partition: 7, value: "a" },
    { ...blank, partition: 7, value: "b" },
  ]);
});

Deno.test("RecordReader reports the record that does not match the format", async (t) => {
  const cases: [format: string, input: string, problem: string][] = [
    [
      "%k %v\\n",
      "a b\nnoblank\nc d\n",
      'record 2 at byte 4 of the input: expected " " before "\\n"',
    ],
    ["%k %v\\n", "a b\nlast", 'record 2 at byte 4 of the input: the input ends before " "'],
    ["foo %v\\n", "bar x\n", 'record 1 at byte 0 of the input: expected "foo ", found "b'],
    ["%V{byte}%v\\n", "\x01ab\n", 'expected "\\n", found "b'],
    ["%V{big32}%v", "\0\0\0\x05abc", "the input ends after 3 of 5 bytes of a field"],
    ["%V{big32}%v", "\0\0", "expected the number of %V"],
    ["%p %v\\n", "x y\n", 'expected the number of %p, found "x'],
    ["%p %v\\n", "4294967296 y\n", "partition 4294967296 is not between"],
    ["%p{big32}%v\\n", "\x7f\x7f", "expected the number"],
    ["%V:%v\\n", "-1:y\n", "length -1 is negative"],
    ["%o %v\\n", "9007199254740993 y\n", "beyond 2^53-1"],
    ["%v{hex}\\n", "abc\n", '%v is not hex: "abc"'],
    ["%v{base64}\\n", "a*b=\n", '%v is not base64: "a*b="'],
    ["%v{json}\\n", "{a:1}\n", "%v is not json"],
    ["%v{json}\\n", '{"a":1', "the input ends inside a JSON value"],
    ["%v{json}\\n", "]\n", "%v is not json"],
    ["%v{json}\\n", "01\n", "%v is not json"],
    ["%v{json}\\n", '"\\ud800"\n', "a JSON string has a lone surrogate"],
    ["%V %v{json}\\n", '2 "abc"\n', "%V is 2, %v has 3 bytes"],
    ["%d{strftime[%F]} %v\\n", "2024-13-01 a\n", "expected a time, found"],
    ["%H %h{%k=%v;}\\n", "2 a=1;\n", 'expected "=" before "\\n"'],
  ];
  for (const [format, input, problem] of cases) {
    await t.step(`${format} ${JSON.stringify(input)}`, async () => {
      const bytes = encode(input);
      for (const chunks of [[bytes], chunksOf(bytes, 1)]) {
        await assertRejects(() => read(format, chunks), RecordReadError, problem);
      }
    });
  }
  await t.step("a topic that is not UTF-8", async () => {
    const input = Uint8Array.of(0xff, 0x0a);
    await assertRejects(() => read("%t\\n", input), RecordReadError, "%t is not UTF-8");
  });
});

Deno.test("RecordReader yields the records before an invalid one", async () => {
  const batches = new RecordReader("%p %v\\n").read(streamOf("1 a\n2 b\nx c\n"));
  const { value } = await batches.next();
  assertEquals(value!.map((record) => record.partition), [1, 2]);
  await assertRejects(() => batches.next(), RecordReadError, "record 3 at byte 8");
});

Deno.test("RecordReader rejects formats whose fields have no end", async (t) => {
  const cases: [format: string, position: number, problem: string][] = [
    ["%k%v\\n", 0, '"%k" has no end'],
    ["%v{hex}%k", 0, '"%v" has no end'],
    ["%k %H%h{%k=%v}\\n", 11, '"%v" has no end'],
    ["%v %h{%k=%v }", 3, '"%h" has no end'],
    ["%h{%v,}\\n", 0, "without their key"],
    ["%k %K\\n", 3, 'the length "%K" comes after "%k"'],
    ["%k %k\\n", 3, '"%k" is used twice'],
    ["%d %d{strftime[%F]}\\n", 3, '"%d" is used twice'],
    ["%d{strftime[%U]} %v\\n", 0, "cannot be read"],
    ["text\\n", 0, "reads nothing"],
    ["%p{3}", 0, "reads nothing"],
  ];
  for (const [format, position, problem] of cases) {
    await t.step(format, () => {
      const error = assertThrows(() => new RecordReader(format), FormatSyntaxError, problem);
      assertEquals(error.position, position);
    });
  }
});

Deno.test("RecordReader reads a value of many chunks in linear time", async () => {
  const value = new Uint8Array(24 * 2 ** 20).fill(0x61);
  const input = [...chunksOf(value, 2 ** 16), encode("\nb\n")];
  const records = await read("%v\\n", input);
  assertEquals(records.map((record) => record.value!.length), [value.length, 1]);
  assertEquals(records[0]!.value!.findIndex((byte) => byte !== 0x61), -1);
});

Deno.test("RecordReader rejects a field above the limit before buffering it", async () => {
  const reader = new RecordReader("%V{big32}%v", { maxFieldBytes: 1000 });
  const sized = reader.read(streamOf(encode("\x7f\x7f\x7f\x7f")));
  await assertRejects(() => sized.next(), RecordReadError, "the limit is 1000");
  const lines = new RecordReader("%v\\n", { maxFieldBytes: 1000 });
  const endless = ReadableStream.from((function* () {
    for (;;) yield new Uint8Array(300);
  })());
  await assertRejects(() => lines.read(endless).next(), RecordReadError, "the limit is 1000");
});

Deno.test("RecordReader.read() stops when the signal aborts, also while waiting", async () => {
  const stop = new AbortController();
  let cancelled = false;
  const silent = new ReadableStream<Uint8Array>({
    cancel() {
      cancelled = true;
    },
  });
  const next = new RecordReader("%v\\n").read(silent, { signal: stop.signal }).next();
  stop.abort(new DOMException("Interrupted", "AbortError"));
  await assertRejects(() => next, DOMException, "Interrupted");
  assert(cancelled);
  const late = new RecordReader("%v\\n").read(streamOf("a\n"), { signal: stop.signal });
  await assertRejects(() => late.next(), DOMException, "Interrupted");
});

Deno.test("RecordReader.read() cancels the stream when the loop is left", async () => {
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(encode("a\n"));
    },
    cancel() {
      cancelled = true;
    },
  });
  for await (const batch of new RecordReader("%v\\n").read(stream)) {
    assertEquals(batch.length, 1);
    break;
  }
  assert(cancelled);
});

Deno.test("RecordReader reads what RecordFormatter writes in the same format", async (t) => {
  const formats = [
    "%T{byte}%t%p{big32}%d{big64}%K{big32}%k%V{big64}%v%H{little16}%h{%K{big16}%k%V{hex32}%v}",
    "%K %V %H:%k%v%h{%K,%V:%k%v}%p %d\\n",
    "%t{hex} %p %o %e %d %k{hex} %v{base64} %h{%k{hex}=%v{hex};}\\n",
    '{"t":%t{json},"i":%i,"p":%p,"d":%d,"k":%k{json},"v":%v{hex},"h":[%h{%k{json}:%v{base64},}]}\\n',
    "%V{hex16}%K{little64}%v{base64}%k{hex}%H{byte}%h{%V{little32}%K{hex8}%v{hex}%k}%p{hex32}%d{hex64}",
  ];
  for (const format of formats) {
    await t.step(format, (t) =>
      eachSeed(t, 1, async (seed) => {
        const random = new Random(seed);
        const records = Array.from({ length: 50 }, () => randomRecord(random));
        // {json} supports text only, and an empty key is read as null.
        const isText = format.includes("%k{json}");
        for (const record of records) {
          if (isText && record.key !== null) record.key = encode('k\n"ü');
        }
        const hasTopic = format.includes("%t");
        const buffer = new ByteBuffer();
        const formatter = new RecordFormatter(format);
        for (const record of records) formatter.append(record, buffer);
        const input = chunksOf(buffer.take(), 1 + Math.floor(random.next() * 200));
        assertEquals(
          await read(format, input),
          records.map((record) => ({
            topic: hasTopic ? record.topic : undefined,
            partition: record.partition,
            timestamp: record.timestamp,
            key: record.key?.length === 0 ? null : record.key,
            value: record.value,
            headers: record.headers.map((header) => ({ key: header.key, value: header.value })),
          })),
        );
      }));
  }
});

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function randomRecord(random: Random): Mutable<OutputRecord> {
  const integer = (below: number) => Math.floor(random.next() * below);
  const bytes = (below: number) => Uint8Array.from({ length: integer(below) }, () => integer(256));
  return {
    topic: "topic-" + "x".repeat(integer(50)),
    partition: integer(2 ** 31),
    offset: integer(2 ** 52),
    leaderEpoch: integer(100) - 1,
    timestamp: integer(2 ** 45),
    key: integer(4) === 0 ? null : bytes(100),
    value: bytes(1000),
    headers: Array.from({ length: integer(4) }, () => ({
      key: ["a", "ü", "key\n"][integer(3)]!,
      value: bytes(20),
    })),
  };
}
