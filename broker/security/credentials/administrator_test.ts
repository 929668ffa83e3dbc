import { assertEquals, assertRejects } from "@std/assert";
import { TestBroker } from "../../broker_testing.ts";
import { parseAclRecord } from "../authorizer/acl_rule.ts";
import {
  AdministratorError,
  createFirstAdministrator,
  resetAdministrator,
} from "./administrator.ts";

const ADMIN = { name: "admin", password: "admin-secret" };

async function keysOf({ store }: TestBroker): Promise<string[]> {
  const { entries } = await store.read();
  return [...entries.keys()].filter((key) => /^(users|acls|security)\//.test(key)).sort();
}

Deno.test("createFirstAdministrator() creates a user, rules and the state in one commit, once", async () => {
  await using broker = await TestBroker.start();
  // Two brokers that start together make one.
  const made = await Promise.all(
    Array.from({ length: 5 }, () => createFirstAdministrator(broker.store, ADMIN)),
  );
  assertEquals(made.filter((isMade) => isMade).length, 1);
  const keys = await keysOf(broker);
  const rules = keys.filter((key) => key.startsWith("acls/"));
  assertEquals([rules.length, keys.length], [6, 8]);
  for (const key of rules) {
    const { value } = (await broker.store.get(key))!;
    const { rule, problem } = parseAclRecord(value);
    assertEquals([problem, rule.principal, rule.host], [undefined, "User:admin", "*"]);
  }
  const revisions = new Set<number>();
  for (const key of keys) revisions.add((await broker.store.get(key))!.revision);
  assertEquals(revisions.size, 1);
});

Deno.test("createFirstAdministrator() does not bring back one that was deleted", async () => {
  await using broker = await TestBroker.start();
  assertEquals(await createFirstAdministrator(broker.store, ADMIN), true);
  await broker.store.commit([
    { key: "users/admin", value: null },
    { prefix: "acls/", value: null },
  ]);
  assertEquals(await createFirstAdministrator(broker.store, ADMIN), false);
  assertEquals(await keysOf(broker), ["security/state"]);
});

Deno.test("resetAdministrator() brings a user and its rules back, or changes its password", async () => {
  await using broker = await TestBroker.start();
  await resetAdministrator(broker.store, ADMIN);
  const keys = await keysOf(broker);
  assertEquals(keys.length, 8);
  const state = (await broker.store.get("security/state"))!;
  const user = (await broker.store.get("users/admin"))!;
  await resetAdministrator(broker.store, { ...ADMIN, password: "other" });
  assertEquals(await keysOf(broker), keys);
  assertEquals((await broker.store.get("security/state"))!.revision, state.revision);
  const changed = (await broker.store.get("users/admin"))!;
  assertEquals(changed.value.toBase64() === user.value.toBase64(), false);
});

Deno.test("createFirstAdministrator() refuses names and passwords that are empty or too long", async () => {
  await using broker = await TestBroker.start();
  for (
    const wrong of [
      { ...ADMIN, name: "" },
      { ...ADMIN, password: "" },
      { ...ADMIN, name: "x".repeat(2000) },
    ]
  ) await assertRejects(() => createFirstAdministrator(broker.store, wrong), AdministratorError);
  assertEquals(await keysOf(broker), []);
});
