import { assert, assertEquals } from "@std/assert";
import { newScramCredential, type ScramCredential } from "../../../protocol/sasl/mod.ts";
import type { ScramMechanism } from "../../../protocol/sasl/scram.ts";
import { ManualClock } from "../../time/clock.ts";
import { PasswordChecker } from "./password_checker.ts";

async function start() {
  const clock = new ManualClock();
  const users = new Map<string, Map<ScramMechanism, ScramCredential>>();
  const set = async (user: string, password: string, ...mechanisms: ScramMechanism[]) => {
    const credentials = new Map<ScramMechanism, ScramCredential>();
    for (const mechanism of mechanisms) {
      credentials.set(mechanism, await newScramCredential(mechanism, password, 4096));
    }
    users.set(user, credentials);
  };
  await set("alice", "a", "SCRAM-SHA-256");
  await set("bob", "b", "SCRAM-SHA-512");
  await set("carol", "c", "SCRAM-SHA-512", "SCRAM-SHA-256");
  const checker = new PasswordChecker({
    credentialsOf: (user) => users.get(user),
    fakeSaltSecret: () => new Uint8Array(32),
    clock,
  });
  const isRight = async (user: string, password: string) =>
    await checker.check(user, password) !== undefined;
  return { checker, clock, users, set, isRight };
}

Deno.test("PasswordChecker checks passwords against whatever SCRAM keeps of them", async () => {
  const { isRight, set } = await start();
  for (const [user, password] of [["alice", "a"], ["bob", "b"], ["carol", "c"]] as const) {
    assertEquals(await isRight(user, password), true, user);
    assertEquals(await isRight(user, password.toUpperCase()), false, user);
    assertEquals(await isRight(user, ""), false, user);
  }
  assertEquals(await isRight("nobody", "a"), false);
  await set("none", "");
  assertEquals(await isRight("none", ""), false);
});

Deno.test("PasswordChecker does the same work for wrong passwords and for users that do not exist", async () => {
  const { checker, isRight } = await start();
  for (const user of ["alice", "bob", "nobody"]) {
    const before = checker.computed;
    for (let i = 0; i < 3; i++) assertEquals(await isRight(user, `wrong ${i}`), false);
    assertEquals(checker.computed - before, 3, user);
  }
});

Deno.test("PasswordChecker remembers a right password for a minute, until it is changed", async () => {
  const { checker, clock, isRight, set } = await start();
  const work = async (user: string, password: string) => {
    const before = checker.computed;
    const isGood = await isRight(user, password);
    return [isGood, checker.computed - before];
  };
  assertEquals(await work("alice", "a"), [true, 1]);
  assertEquals(await work("alice", "a"), [true, 0]);
  assertEquals(await work("alice", "b"), [false, 1]);
  assertEquals(await work("alice", "b"), [false, 1]);
  clock.advance(60_000);
  assertEquals(await work("alice", "a"), [true, 1]);
  await set("alice", "new", "SCRAM-SHA-256");
  assertEquals(await work("alice", "a"), [false, 1]);
  assertEquals(await work("alice", "new"), [true, 1]);
});

Deno.test("PasswordChecker says when a password is no longer the user's", async () => {
  const { checker, users, set } = await start();
  const isCurrent = await checker.check("alice", "a");
  const isBobCurrent = await checker.check("bob", "b");
  assert(isCurrent !== undefined && isBobCurrent !== undefined);
  assertEquals(isCurrent(), true);
  users.get("alice")!.set("SCRAM-SHA-512", await newScramCredential("SCRAM-SHA-512", "x", 4096));
  assertEquals(isCurrent(), true);
  await set("alice", "a", "SCRAM-SHA-256");
  assertEquals(isCurrent(), false);
  users.delete("bob");
  assertEquals(isBobCurrent(), false);
});

Deno.test("PasswordChecker refuses passwords when very many are being checked", async () => {
  const { checker } = await start();
  const before = checker.computed;
  const wrong = Array.from({ length: 2000 }, (_, i) => checker.check("alice", `wrong ${i}`));
  // The queue is full, whatever the password.
  assertEquals(await checker.check("alice", "a"), undefined);
  await Promise.all(wrong);
  const computed = checker.computed - before;
  assert(computed < 300, `${computed} were computed`);
  const together = Array.from({ length: 200 }, () => checker.check("alice", "a"));
  const results = await Promise.all(together);
  assertEquals(results.filter((result) => result === undefined).length, 0);
  const more = checker.computed - before - computed;
  assert(more < 10, `${more} were computed for the same password`);
  assert(await checker.check("alice", "a") !== undefined);
});
