import { assertEquals, assertThrows } from "@std/assert";
import { ByteBuffer } from "../terminal/byte_buffer.ts";
import { FormatSyntaxError } from "./format.ts";
import type { OutputRecord } from "./record.ts";
import { RecordFormatter, RecordWriteError } from "./record_formatter.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const record: OutputRecord = {
  topic: "foo",
  partition: 3,
  offset: 42,
  timestamp: 1_735_600_000_123,
  leaderEpoch: 7,
  key: encode("key"),
  value: encode('a "value"\n'),
  headers: [
    { key: "trace", value: encode("abc") },
    { key: "trace", value: null },
    { key: "ü", value: Uint8Array.of(0xff) },
  ],
};
const empty: OutputRecord = { ...record, key: null, value: null, headers: [] };

function format(layout: string, ...records: OutputRecord[]): string {
  const buffer = new ByteBuffer();
  const formatter = new RecordFormatter(layout);
  for (const each of records) formatter.append(each, buffer);
  return String.fromCharCode(...buffer.take());
}

Deno.test("RecordFormatter writes every verb", () => {
  assertEquals(format("%t %p %o %k %v|", record), 'foo 3 42 key a "value"\n|');
  assertEquals(format("%T %K %V %H %e %d", record), "3 3 10 3 7 1735600000123");
  assertEquals(format("%h{%k(%K)=%v(%V) }", record), "trace(5)=abc(3) trace(5)=(0) Ã¼(2)=ÿ(1) ");
  assertEquals(format("%i,", record, record, record), "1,2,3,");
});

Deno.test("RecordFormatter writes modifiers; lengths are those of the raw bytes, as in rpk", () => {
  assertEquals(format("%T %t{hex}", record), "3 666f6f");
  assertEquals(format("%k{base64} %v{json}", record), 'a2V5 "a \\"value\\"\\n"');
  assertEquals(format("%K{big32}%k{hex}", record), "\0\0\0\x036b6579");
  assertEquals(format("%o{hex16} %p{byte} %o{bool}", record), "002a \x03 true");
  assertEquals(format("%d{strftime[%F %T.%L]}", record), "2024-12-30 23:06:40.123");
  assertEquals(format("%d{little64}", record), "\x7b\x4c\xd2\x19\x94\x01\0\0");
  assertEquals(format("%h{%v{hex};}", record), "616263;;ff;");
});

Deno.test("RecordFormatter writes nothing for null, and null in JSON", () => {
  assertEquals(format("[%k|%v|%K|%V|%h{%k}|%H]", empty), "[||0|0||0]");
  assertEquals(format("%k{json} %v{json} %k{hex}", empty), "null null ");
  assertEquals(format("%e", { ...empty, leaderEpoch: undefined }), "-1");
});

Deno.test("RecordFormatter rejects binary data in {json}, and appends nothing", () => {
  const value = Uint8Array.of(0x61, 0xff);
  for (
    const [text, bad] of [
      ["%o %v{json}\\n", { ...record, value }],
      ["%o %k{json}\\n", { ...record, key: value }],
      ["%o %h{%k=%v{json};}\\n", { ...record, headers: [{ key: "a", value }] }],
      // U+FFFD without its last byte.
      ["%v{json}", { ...record, value: Uint8Array.of(0xef, 0xbf) }],
    ] as const
  ) {
    const formatter = new RecordFormatter(text);
    const buffer = new ByteBuffer();
    buffer.text("before");
    assertThrows(
      () => formatter.append(bad, buffer),
      RecordWriteError,
      'Cannot print "foo-3" at offset 42: {json} supports UTF-8 only',
    );
    assertEquals(new TextDecoder().decode(buffer.take()), "before");
  }
  // A U+FFFD in the data, and a byte order mark, are ordinary text.
  const text = "\ufeff\ufffd 12345678901234567890 1.0";
  assertEquals(
    format("%v{json}", { ...record, value: new TextEncoder().encode(text) }),
    String.fromCharCode(...new TextEncoder().encode(JSON.stringify(text))),
  );
});

Deno.test("RecordFormatter does not change bytes", () => {
  const value = Uint8Array.from({ length: 256 }, (_, i) => i);
  assertEquals(format("%v\\x00\\n", { ...record, value }), String.fromCharCode(...value) + "\0\n");
});

Deno.test("RecordFormatter rejects numbers that only reading supports", () => {
  assertThrows(() => new RecordFormatter("%K{3}%k"), FormatSyntaxError, "character 1");
  assertThrows(() => new RecordFormatter("%h{%K{3}%k}"), FormatSyntaxError, "character 4");
});
