import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ByteBuffer } from "../terminal/byte_buffer.ts";
import { CommandError } from "../errors.ts";
import { appendJsonRecord, readJsonRecords, recordFromJson, recordToJson } from "./json.ts";
import { writeJsonDocument, writeJsonLine } from "./json.ts";
import type { InputRecord, OutputRecord } from "./record.ts";
import { chunksOf, streamOf, testContext } from "../terminal/test_context.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const record: OutputRecord = {
  topic: "orders",
  partition: 0,
  offset: 7,
  timestamp: 1_735_600_000_123,
  key: encode("k"),
  value: Uint8Array.of(0xff, 0),
  headers: [{ key: "trace", value: encode("abc") }, { key: "trace", value: null }],
};

async function read(...args: Parameters<typeof streamOf>): Promise<InputRecord[]> {
  const records: InputRecord[] = [];
  for await (const batch of readJsonRecords(streamOf(...args))) records.push(...batch);
  return records;
}

Deno.test("appendJsonRecord() writes one line with the fields in the usual order", () => {
  const buffer = new ByteBuffer();
  appendJsonRecord(record, buffer);
  assertEquals(
    new TextDecoder().decode(buffer.take()),
    '{"topic":"orders","partition":0,"offset":7,"timestamp":1735600000123,' +
      '"headers":[{"key":"trace","value":"abc"},{"key":"trace","value":null}],' +
      '"key":"k","value_base64":"/wA="}\n',
  );
});

Deno.test("recordToJson() and recordFromJson() round-trip exactly", async (t) => {
  const contents: [name: string, bytes: Uint8Array | null][] = [
    ["null", null],
    ["empty", new Uint8Array(0)],
    ["text", encode('a "b"\n\u2028\0 ü 🦕')],
    ["a byte order mark", Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)],
    ["bytes", Uint8Array.from({ length: 256 }, (_, i) => i)],
    ["half a character", Uint8Array.of(0x61, 0xc3)],
    ["a surrogate in UTF-8", Uint8Array.of(0xed, 0xa0, 0x80)],
    ["an overlong form", Uint8Array.of(0xc0, 0x80)],
    ["U+FFFD itself", encode("\ufffd")],
  ];
  for (const [name, bytes] of contents) {
    await t.step(name, () => {
      const headers = [{ key: "", value: bytes }, { key: "ü", value: bytes }];
      const original = { ...record, key: bytes, value: bytes, headers };
      const { offset: _, leaderEpoch: __, ...expected } = { leaderEpoch: 0, ...original };
      const json = JSON.parse(JSON.stringify(recordToJson(original)));
      assertEquals(recordFromJson(json), expected);
    });
  }
});

Deno.test("recordFromJson() requires only a value", () => {
  assertEquals(recordFromJson({ value: "a" }), {
    topic: undefined,
    partition: undefined,
    timestamp: undefined,
    key: null,
    value: encode("a"),
    headers: [],
  });
  assertEquals(recordFromJson({ value: null, timestamp: -1 }).timestamp, -1);
});

Deno.test("recordFromJson() reports invalid fields", async (t) => {
  const cases: [json: unknown, problem: string][] = [
    [{}, 'neither "value" nor "value_base64"'],
    [{ vaule: "a" }, 'no field "vaule", did you mean "value"'],
    [{ value: { a: 1 } }, '"value" is not a string'],
    [{ value: 5 }, '"value" is not a string'],
    [{ value: "a", value_base64: "YQ==" }, 'both "value" and "value_base64"'],
    [{ value_base64: "a*" }, '"value_base64" is not base64'],
    [{ value_base64: null }, '"value_base64" is not a string'],
    [{ value: "\ud800" }, "a lone surrogate"],
    [{ value: "a", partition: -1 }, '"partition" is not a whole number'],
    [{ value: "a", partition: 1.5 }, '"partition" is not a whole number'],
    [{ value: "a", timestamp: "now" }, '"timestamp" is not a whole number'],
    [{ value: "a", topic: 1 }, '"topic" is not a string'],
    [{ value: "a", headers: {} }, '"headers" is not an array'],
    [{ value: "a", headers: [{ value: "a" }] }, '"key" is not a string'],
    [{ value: "a", headers: [{ key: "a" }] }, "a header has neither"],
    [{ value: "a", headers: [1] }, "a header must be a JSON object"],
    [[], "a record must be a JSON object, found []"],
    ["a", 'a record must be a JSON object, found "a"'],
  ];
  for (const [json, problem] of cases) {
    await t.step(JSON.stringify(json), () => {
      assertThrows(() => recordFromJson(json), SyntaxError, problem);
    });
  }
});

Deno.test("readJsonRecords() reads records on lines, across lines and without lines", async () => {
  const input = encode(
    '\n{"value":"a"}\n{"value":\n "b\\n"\n}{"value":"}"} \r\n\n{"value":null}\n',
  );
  const expected = [encode("a"), encode("b\n"), encode("}"), null];
  for (let size = 1; size <= input.length; size++) {
    const records = await read(chunksOf(input, size));
    assertEquals(records.map((each) => each.value), expected, `chunks of ${size}`);
  }
  const headers = [{ key: "a", value: "1" }, { key: "a", value: "2" }];
  const record = { key: '"key"', value: '"value":"value"', headers };
  assertEquals(await read(JSON.stringify(record)), [recordFromJson(record)]);
  assertEquals(await read(" \n"), []);
  assertEquals(await read('{"value":"last"}'), [recordFromJson({ value: "last" })]);
});

Deno.test("readJsonRecords() yields the records before an invalid one, then reports it", async () => {
  const cases: [input: string, problem: string][] = [
    ['{"value":"a"}\n{"value":}\n', "Cannot read record 2 of the input: "],
    ['{"value":"a"}\n{"value":"b"', "Cannot read record 2 of the input: "],
    ['{"value":"a"}\nnull\n', "record 2 of the input: a record must be a JSON object, found null"],
    ['{"value":"a"}\n5', "record 2 of the input: a record must be a JSON object, found 5"],
    ['{"value":"a"}{"value":"b","value":"c"}', 'record 2 of the input: it contains "value" twice'],
    [
      '{"value":"a"}{"value":"b","\\u0076alue":"c"}',
      'record 2 of the input: it contains "value" twice',
    ],
    [
      '{"value":"a"}{"value":"b","headers":[{"key":"k","value":"v","key":"l"}]}',
      'record 2 of the input: it contains "key" twice',
    ],
    ['{"value":"a"}]', "Cannot read record 2 of the input: "],
  ];
  for (const [input, problem] of cases) {
    const batches = readJsonRecords(streamOf(input));
    assertEquals((await batches.next()).value, [recordFromJson({ value: "a" })]);
    await assertRejects(() => batches.next(), CommandError, problem);
  }
  const latin1 = Uint8Array.from('{"value":"\xfc"}', (character) => character.charCodeAt(0));
  await assertRejects(() => read(latin1), CommandError, "it is not UTF-8");
});

Deno.test("writeJsonDocument() indents a result, writeJsonLine() uses one line", async () => {
  const context = testContext();
  writeJsonDocument(context.stdout, { topics: ["a"] });
  writeJsonLine(context.stdout, { topic: "a\nb" });
  await context.stdout.flush();
  assertEquals(
    context.stdoutText(),
    '{\n  "topics": [\n    "a"\n  ]\n}\n{"topic":"a\\nb"}\n',
  );
});
