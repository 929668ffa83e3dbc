import { assertEquals } from "@std/assert";
import { celOfPath, csvLine, streamQuery } from "./src/message_query.js";
import { linesOf, roundedUp, short } from "./src/charts.js";
import { hexOf, hintsOf } from "./src/record_view.js";
import { compileCel } from "../stream/cel_filter.ts";
import type { Message } from "../../../client/mod.ts";

Deno.test("celOfPath() makes an expression of a path into JSON", () => {
  const cases: [text: string, cel: string | undefined][] = [
    ["$.id", "value.id == value.id"],
    ["$.id = 73314510714175488", "value.id == 73314510714175488"],
    ["$.a.b[0].c>=-1.5e3", "value.a.b[0].c >= -1.5e3"],
    ["$.name = Ann Lee", 'value.name == "Ann Lee"'],
    ['$.name = "7"', 'value.name == "7"'],
    ['$.name != say "hi"', 'value.name != "say \\"hi\\""'],
    ['$["odd name"] == true', 'value["odd name"] == true'],
    ["$.tags[1] = null", "value.tags[1] == null"],
    ["$.name ~ 7", 'string(value.name).contains("7")'],
    ["$", undefined],
    ["$.", undefined],
    ["price: $.50", undefined],
    ["$5.00", undefined],
    ["$.a b", undefined],
  ];
  for (const [text, cel] of cases) assertEquals(celOfPath(text), cel, text);
});

Deno.test("celOfPath() makes expressions that the broker accepts, and that find what is meant", async () => {
  const message = (value: string) =>
    ({
      key: null,
      value: new TextEncoder().encode(value),
      valueSize: value.length,
      headers: [],
      partition: 0,
      offset: 0,
      timestamp: 0,
    }) as unknown as Message;
  const record = message(
    '{"id":73314510714175488,"name":"Ann Lee","a":{"b":[{"c":3}]},"odd name":true,"none":null}',
  );
  const cases: [text: string, isFound: boolean][] = [
    ["$.id = 73314510714175488", true],
    ["$.id = 73314510714175489", false],
    ["$.name = Ann Lee", true],
    ["$.name ~ Lee", true],
    ["$.name ~ lee", false],
    ["$.a.b[0].c > 2", true],
    ["$.a.b[1].c > 2", false],
    ["$.a", true],
    ["$.b", false],
    ['$["odd name"] = true', true],
    ["$.none = null", true],
    ["$.name != Bob", true],
  ];
  for (const [text, isFound] of cases) {
    const isWanted = await compileCel(celOfPath(text)!);
    assertEquals(isWanted(record), isFound, text);
  }
});

Deno.test("streamQuery() reads prefixes, and joins a path with an expression", () => {
  const cases: [find: string, filter: string, query: string][] = [
    ["", "", "offset=start"],
    ["alice", "", "offset=start&text=alice"],
    ["key:", "", "offset=start&key="],
    ["key:a:b", "", "offset=start&key=a%3Ab"],
    ["header.x:1:2", "", "offset=start&header=x%3A1%3A2"],
    ["header.x", "", "offset=start&text=header.x"],
    ["$.id = 1", "", "offset=start&filter=value.id+%3D%3D+1"],
    ["", " size > 1 ", "offset=start&filter=size+%3E+1"],
    ["$.a = 1", "b || c", "offset=start&filter=%28value.a+%3D%3D+1%29+%26%26+%28b+%7C%7C+c%29"],
  ];
  for (const [find, filter, query] of cases) {
    assertEquals(String(streamQuery({ offset: "start", find, filter })), query);
  }
  assertEquals(String(streamQuery({ offset: "-100", partition: "3" })), "offset=-100&partition=3");
});

Deno.test("csvLine() quotes what must be, and makes formulas harmless", () => {
  const line = (key: string, value: string | null) =>
    csvLine({ partition: 0, offset: 7, timestamp: 0, key, value, headers: [] });
  const start = "0,7,1970-01-01T00:00:00.000Z";
  assertEquals(line("a", 'say "hi", you'), `${start},a,"say ""hi"", you",`);
  assertEquals(line("=1+1", "@x"), `${start},'=1+1,'@x,`);
  assertEquals(line("-5", "-5+cmd"), `${start},-5,'-5+cmd,`);
  assertEquals(line("\t=1", "a\nb"), `${start},'\t=1,"a\nb",`);
  assertEquals(line("a", null), `${start},a,,`);
});

Deno.test("roundedUp() and short() make axes that people can read", () => {
  assertEquals([0, NaN, 0.3, 1, 1.1, 51, 100, 4200].map((value) => roundedUp(value)), [
    1,
    1,
    0.5,
    1,
    2,
    100,
    100,
    5000,
  ]);
  assertEquals(roundedUp(142 * 2 ** 20, true), 256 * 2 ** 20);
  assertEquals([0, 7, 999, 12_400, 5e6, 0.251].map(short), [
    "0",
    "7",
    "999",
    "12.4k",
    "5M",
    "0.25",
  ]);
});

Deno.test("linesOf() leaves gaps where nothing is known", () => {
  assertEquals(linesOf([null, 1, 2, null, 4], 4, 0, 8, 0, 8), ["2.0,6.0 4.0,4.0", "8.0,0.0"]);
  assertEquals(linesOf([], 1, 0, 1, 0, 1), []);
  assertEquals(linesOf([1], 1, 0, 10, 0, 1), ["10.0,0.0"]);
});

Deno.test("hintsOf() says what bytes may be, and hexOf() shows them", () => {
  assertEquals(hintsOf(new Uint8Array([255, 255, 255, 254]))[1], "as a number: -2");
  assertEquals(
    hintsOf(new Uint8Array([0, 0, 0, 0, 42, 1]))[1],
    "perhaps of schema 42; there is no registry",
  );
  assertEquals(hintsOf(new Uint8Array([1])).length, 1);
  const lines = hexOf(new Uint8Array(18).fill(65)).split("\n");
  assertEquals(lines[1]!.trimEnd(), `000010  ${"41 41".padEnd(47)}  AA`);
});
