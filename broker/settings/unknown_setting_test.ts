import { assertEquals } from "@std/assert";
import { brief, unknownName } from "./unknown_setting.ts";

Deno.test("unknownName() suggests similar names, for the first of many", () => {
  const known = ["retention.ms"];
  const answers = Array.from({ length: 1000 }, () => unknownName("retention.m", known));
  assertEquals(answers[0], 'retention.m, did you mean "retention.ms"');
  assertEquals(answers.filter((answer) => answer === "retention.m").length > 700, true);
});

Deno.test("brief() truncates long texts", () => {
  assertEquals(brief("x".repeat(200)), "x".repeat(200));
  assertEquals(brief("x".repeat(201)), "x".repeat(200) + "…");
});
