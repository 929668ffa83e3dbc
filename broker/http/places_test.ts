import { assert, assertEquals } from "@std/assert";
import { Places } from "./places.ts";

Deno.test("Places.take() leaves places to other users, and has no more for all", () => {
  const places = new Places({ all: 3, ofUser: 2 });
  const first = places.take("User:alice");
  assert(places.take("User:alice") !== undefined);
  assertEquals(places.take("User:alice"), undefined);
  assert(places.take("User:bob") !== undefined);
  assertEquals(places.take("User:carol"), undefined, "there are no more");
  first![Symbol.dispose]();
  first![Symbol.dispose]();
  assertEquals(places.taken, 2);
  assert(places.take("User:alice") !== undefined);
  assertEquals(places.take("User:alice"), undefined, "the other one is still taken");
});

Deno.test("Places.take() has all places for those whom nobody knows", () => {
  const places = new Places({ all: 3, ofUser: 1 });
  for (let i = 0; i < 3; i++) assert(places.take(undefined) !== undefined);
  assertEquals([places.take(undefined), places.take("User:alice")], [undefined, undefined]);
});
