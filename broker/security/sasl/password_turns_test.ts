import { assertEquals } from "@std/assert";
import { PasswordTurns } from "./password_turns.ts";

/** Turns whose outcomes are noted in the order in which they come. */
function given(maxAtOnce: number, maxWaiting: number) {
  const turns = new PasswordTurns({ maxAtOnce, maxWaiting });
  const outcomes: string[] = [];
  const take = (network: string, name: string) => {
    turns.take(network).then((hasTurn) => outcomes.push(hasTurn ? name : `not ${name}`));
  };
  const settled = async () => {
    await new Promise((resolve) => setTimeout(resolve));
    return outcomes.splice(0);
  };
  return { turns, take, settled };
}

Deno.test("PasswordTurns lets some in at once, and then networks by turns", async () => {
  const { turns, take, settled } = given(2, 100);
  for (let i = 0; i < 6; i++) take("a", `a${i}`);
  take("b", "b0");
  take("c", "c0");
  take("b", "b1");
  assertEquals(await settled(), ["a0", "a1"]);
  const order: string[] = [];
  for (let i = 0; i < 7; i++) {
    turns.leave();
    order.push(...await settled());
  }
  assertEquals(order, ["a2", "b0", "c0", "a3", "b1", "a4", "a5"]);
  turns.leave();
  turns.leave();
  take("d", "d0");
  take("d", "d1");
  assertEquals(await settled(), ["d0", "d1"]);
});

Deno.test("PasswordTurns refuses those of the network with the most, the newest first", async () => {
  const { turns, take, settled } = given(1, 3);
  for (let i = 0; i < 5; i++) take("a", `a${i}`);
  assertEquals((await settled()).sort(), ["a0", "not a4"]);
  take("b", "b0");
  assertEquals(await settled(), ["not a3"]);
  take("c", "c0");
  // Each has one: the oldest network's.
  assertEquals(await settled(), ["not a2"]);
  assertEquals(turns.waiting, 3);
  for (const expected of ["a1", "b0", "c0"]) {
    turns.leave();
    assertEquals(await settled(), [expected]);
  }
  assertEquals(turns.waiting, 0);
});

Deno.test("PasswordTurns lets another network log in, however many guess from one", async () => {
  const { turns, take, settled } = given(1, 256);
  for (let i = 0; i < 10_000; i++) take("attacker", "guess");
  take("neighbour", "login");
  const outcomes = await settled();
  assertEquals(outcomes.filter((text) => text === "not login"), []);
  turns.leave();
  turns.leave();
  assertEquals((await settled()).includes("login"), true);
  assertEquals(turns.waiting <= 256, true);
});
