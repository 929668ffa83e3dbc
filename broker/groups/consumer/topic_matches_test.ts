import { assert, assertEquals, assertThrows } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError } from "../../api_error.ts";
import type { GroupTopics } from "../group_topics.ts";
import { TopicMatches } from "./topic_matches.ts";
import { compileTopicRegex, expandedSize, loadRegexEngine } from "./topic_regex.ts";

/** Topics that a test can extend. */
function topicsOf(names: string[]) {
  let newestRevision = 0;
  const topics: GroupTopics = {
    get newestRevision() {
      return newestRevision;
    },
    topic: () => undefined,
    topicById: () => undefined,
    topics: () => names.map((name) => ({ name, id: name, partitions: [] })),
    onChange: () => () => {},
  };
  const create = (name: string) => {
    names.push(name);
    newestRevision++;
  };
  return { topics, create };
}

Deno.test("TopicMatches TopicMatches.prepare() matches all topics, and new ones when called again", async () => {
  await loadRegexEngine();
  const { topics, create } = topicsOf(["a1", "b1"]);
  const matches = new TopicMatches(topics);
  assertEquals(matches.isReady("a.*"), false);
  await matches.prepare("a.*");
  assertEquals(matches.isReady("a.*"), true);
  create("a2");
  assertEquals(matches.isReady("a.*"), false);
  // A heartbeat without preparation still works.
  assertEquals(["a1", "a2", "b1"].map(matches.matcher("a.*")), [true, true, false]);
  await matches.prepare("a.*");
  assertEquals(matches.isReady("a.*"), true);
});

Deno.test("TopicMatches keeps the most recently used of very many expressions", async () => {
  await loadRegexEngine();
  const { topics } = topicsOf(["a"]);
  const matches = new TopicMatches(topics);
  await matches.prepare("kept");
  for (let i = 0; i < 100; i++) {
    await matches.prepare(`other-${i}`);
    matches.matcher("kept");
  }
  assertEquals(matches.isReady("kept"), true);
  assertEquals(matches.isReady("other-0"), false);
});

Deno.test("expandedSize() grows with repetitions at any depth", () => {
  assertEquals(expandedSize("abc"), 3);
  assertEquals(expandedSize("a{10}"), 10);
  assertEquals(expandedSize("a{2,}"), 2);
  assertEquals(expandedSize("ab{10}"), 11);
  assert(expandedSize("(ab){10}") >= 20);
  assert(expandedSize("((a?){50}){50}") >= 2500);
  assert(expandedSize("(x|y{100}){100}") >= 10_000);
  assertEquals(expandedSize("\\{10}"), 4);
  assertEquals(expandedSize("{10}"), 0);
  assert(expandedSize("((((") < 10 && expandedSize("))))") < 10);
});

Deno.test("compileTopicRegex() rejects expensive expressions and accepts usual ones", async () => {
  await loadRegexEngine();
  for (const costly of ["((a?){50}){50}", "a".repeat(4001), "(" + "a?".repeat(400) + "){1000}"]) {
    const error = assertThrows(() => compileTopicRegex(costly), ApiError);
    assertEquals(error.code, ErrorCode.INVALID_REGULAR_EXPRESSION);
  }
  const names = Array.from({ length: 100 }, (_, i) => `orders-of-country-${i}`);
  for (const usual of [".*", "^(eu|us)-[a-z]{2,10}\\.orders$", names.join("|"), "\\d{1,19}-x"]) {
    compileTopicRegex(usual);
  }
});
