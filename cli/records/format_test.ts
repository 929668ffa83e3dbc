import { assertEquals, assertThrows } from "@std/assert";
import { type FormatPart, FormatSyntaxError, parseFormat } from "./format.ts";

/** A short form of a parsed format. */
function shape(parts: readonly FormatPart[]): string[] {
  return parts.map((part) => {
    switch (part.type) {
      case "literal":
        return JSON.stringify(String.fromCharCode(...part.bytes));
      case "text":
        return `${part.verb}:${part.encoding}`;
      case "number":
        return `${part.verb}:${part.encoding.name}`;
      case "constant":
        return `${part.verb}=${part.value}`;
      case "time":
        return `d:${part.layout.format(0)}`;
      case "headers":
        return `h(${shape(part.parts).join(" ")})`;
    }
  });
}

Deno.test("parseFormat() parses verbs, modifiers and text", () => {
  assertEquals(shape(parseFormat("%t/%p@%o %k=%v\\n")), [
    "t:raw",
    '"/"',
    "p:ascii",
    '"@"',
    "o:ascii",
    '" "',
    "k:raw",
    '"="',
    "v:raw",
    '"\\n"',
  ]);
  assertEquals(shape(parseFormat("%K{big32}%k{hex}%V{little64}%v{base64}%e%i%H%T")), [
    "K:big32",
    "k:hex",
    "V:little64",
    "v:base64",
    "e:ascii",
    "i:ascii",
    "H:ascii",
    "T:ascii",
  ]);
  assertEquals(shape(parseFormat("%V{3}%t{json}")), ["V=3", "t:json"]);
});

Deno.test("parseFormat() accepts escapes, and characters that need none", () => {
  assertEquals(shape(parseFormat("\\t\\n\\r\\\\\\x00\\xfF")), ['"\\t\\n\\r\\\\\\u0000ÿ"']);
  assertEquals(shape(parseFormat("100%%%{%}{}")), ['"100%{}{}"']);
  assertEquals(shape(parseFormat('{"k":%k{json}}')), ['"{\\"k\\":"', "k:json", '"}"']);
  assertEquals(parseFormat("ü🦕")[0], {
    type: "literal",
    position: 0,
    bytes: new TextEncoder().encode("ü🦕"),
  });
});

Deno.test("parseFormat() accepts nested braces in headers", () => {
  assertEquals(shape(parseFormat("%h{%k=%v{hex} }%v")), ['h(k:raw "=" v:hex " ")', "v:raw"]);
  assertEquals(shape(parseFormat("%h{{%k}%}%{%V}.")), ['h("{" k:raw "}}{" V:ascii)', '"."']);
});

Deno.test("parseFormat() accepts strftime layouts in any brackets", () => {
  for (const layout of ["[%F]", "[[%F]]", "{%F}", "{{%F}}", "(%F)", "<%F>", "#%F#", "###%F###"]) {
    assertEquals(shape(parseFormat(`%d{strftime${layout}}\\n`)), ["d:1970-01-01", '"\\n"'], layout);
  }
  assertEquals(shape(parseFormat("%d{strftime### [%F] ###}")), ["d: [1970-01-01] "]);
  assertEquals(shape(parseFormat("%d{strftime[%F %T]}")), ["d:1970-01-01 00:00:00"]);
});

Deno.test("parseFormat() reports the position of an error", async (t) => {
  const cases: [format: string, position: number, problem: string][] = [
    ["", 0, "empty"],
    ["%v %", 3, 'unknown verb "%"'],
    ["%k %q\\n", 3, 'unknown verb "%q"'],
    ["%v\\q", 2, 'unknown escape "\\q"'],
    ["%v\\", 2, 'unknown escape "\\"'],
    ["%v\\x4", 2, 'unknown escape "\\x"'],
    ["%v{hex", 0, 'no "}" closes'],
    ["%v{hax}", 3, 'unknown modifier "{hax}"'],
    ["%v{}", 3, 'unknown modifier "{}"'],
    ["%v{big32}", 3, 'for the text of "%v"'],
    ["%o{big33}", 3, 'unknown modifier "{big33}"'],
    ["%o{strftime[%F]}", 3, "unknown modifier"],
    ["%d{strftime}", 11, "is not closed"],
    ["%d{strftime[%F}", 11, "is not closed"],
    ["%d{strftime[%Q]}", 12, 'unknown strftime directive "%Q"'],
    ["%h", 0, "the format of a header"],
    ["%v %h{%k=%v", 3, 'missing "}" for the headers'],
    ["%h{ %o }", 4, 'unknown verb "%o" in headers'],
    ["%h{ }", 0, "neither %k nor %v"],
  ];
  for (const [format, position, problem] of cases) {
    await t.step(JSON.stringify(format), () => {
      const error = assertThrows(() => parseFormat(format), FormatSyntaxError, problem);
      assertEquals(error.position, position);
    });
  }
});
