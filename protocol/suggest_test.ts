import { assertEquals } from "@std/assert";
import { didYouMean, suggest } from "./suggest.ts";

const verbs = ["create", "list", "describe", "delete", "alter"];

Deno.test("suggest() corrects a typing error, a swap and a prefix", () => {
  assertEquals(suggest("crate", verbs), "create");
  assertEquals(suggest("lsit", verbs), "list");
  assertEquals(suggest("desc", verbs), "describe");
  assertEquals(suggest("DELETE", verbs), "delete");
});

Deno.test("suggest() returns undefined if no word is close", () => {
  assertEquals(suggest("purge", verbs), undefined);
  assertEquals(suggest("x", verbs), undefined);
  assertEquals(suggest("", verbs), undefined);
  assertEquals(suggest("create".repeat(1000), ["create".repeat(1000)]), undefined);
});

Deno.test("didYouMean() returns the end of a message", () => {
  assertEquals(didYouMean("partitons", ["partitions"], "--"), ', did you mean "--partitions"');
  assertEquals(didYouMean("zzz", ["partitions"]), "");
});
