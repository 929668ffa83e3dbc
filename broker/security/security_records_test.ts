import { assertEquals } from "@std/assert";
import { SecurityRecords } from "./security_records.ts";

function entry(text: string, revision: number) {
  return { value: new TextEncoder().encode(text), revision, created: revision };
}

Deno.test("SecurityRecords shows followers what exists, and then each change of their prefix", () => {
  const records = new SecurityRecords(() => Promise.resolve());
  const [alice, bob] = [entry("a", 1), entry("b", 3)];
  assertEquals(records.apply("users/alice", alice), true);
  assertEquals(records.apply("topics/users", entry("", 2)), false);
  const seen: unknown[] = [];
  const stop = records.subscribe("users/", (key, value) => seen.push([key, value?.revision]));
  records.apply("users/bob", bob);
  records.apply("acls/1", entry("", 4));
  records.apply("users/alice", undefined);
  stop();
  records.apply("users/bob", undefined);
  assertEquals(seen, [["users/alice", 1], ["users/bob", 3], ["users/alice", undefined]]);
  assertEquals([...records.all("acls/").keys()], ["acls/1"]);
});

Deno.test("SecurityRecords.expectation() has the revision of a record, and 0 if there is none", () => {
  const records = new SecurityRecords(() => Promise.resolve());
  records.apply("tokens/1", entry("t", 7));
  assertEquals(records.expectation("tokens/1"), { key: "tokens/1", revision: 7 });
  assertEquals(records.expectation("tokens/2"), { key: "tokens/2", revision: 0 });
});
