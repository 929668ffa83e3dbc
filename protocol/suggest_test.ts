import { assertEquals } from "@std/assert";
import { didYouMean, suggest } from "./suggest.ts";

const verbs = ["create", "list", "describe", "delete", "alter"];

Deno.test("suggest() finds the word behind a slip, a swap and a beginning", () => {
  assertEquals(suggest("crate", verbs), "create");
  assertEquals(suggest("lsit", verbs), "list");
  assertEquals(suggest("desc", verbs), "describe");
  assertEquals(suggest("DELETE", verbs), "delete");
});

Deno.test("suggest() stays silent when nothing is near", () => {
  assertEquals(suggest("purge", verbs), undefined);
  assertEquals(suggest("x", verbs), undefined);
  assertEquals(suggest("", verbs), undefined);
  assertEquals(suggest("create".repeat(1000), ["create".repeat(1000)]), undefined);
});

Deno.test("didYouMean() is the tail of a message", () => {
  assertEquals(didYouMean("partitons", ["partitions"], "--"), ', did you mean "--partitions"');
  assertEquals(didYouMean("zzz", ["partitions"]), "");
});
