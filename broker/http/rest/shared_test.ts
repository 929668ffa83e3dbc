import { assert, assertEquals } from "@std/assert";
import type { BrokerParts } from "../../broker.ts";
import { EMBEDDED_SESSION, type Session } from "../../security/session.ts";
import { openShared, placesOf } from "./shared.ts";

const PARTS = { context: {}, network: {} } as unknown as BrokerParts;
const MIB = 1024 * 1024;

function user(name: string, host = "10.0.0.1"): Session {
  return { ...EMBEDDED_SESSION, principal: { type: "User", name }, host };
}

Deno.test("placesOf() gives a user half of the places, from however many addresses", () => {
  const shared = openShared(PARTS);
  for (const kind of ["streams", "uploads", "consumers"] as const) {
    const take = (session: Session | undefined) => placesOf(shared, session)[kind].take();
    const half = shared[kind].max.all / 2;
    for (let i = 0; i < half; i++) {
      assert(take(user("alice", `10.0.1.${i % 64}`)) !== undefined, kind);
    }
    assertEquals(take(user("alice", "10.0.2.1")), undefined, kind);
    for (let i = 0; i < half; i++) assert(take(user("bob")) !== undefined, kind);
    // All together have no more than there are, nor do those whom nobody knows.
    assertEquals([take(user("carol")), take(undefined)], [undefined, undefined], kind);
  }
});

Deno.test("placesOf() bounds bodies of all users together, and leaves others some of the memory", async () => {
  const shared = openShared(PARTS);
  const { signal } = new AbortController();
  const request = () => new Request("http://localhost/");
  const bodiesOf = (name: string) => placesOf(shared, user(name)).bodies;
  const alice = bodiesOf("alice");
  const first = request();
  await alice.acquire(first, 16 * MIB, signal);
  const closing = new AbortController();
  const waiting = alice.acquire(request(), MIB, closing.signal).catch(() => "given up");
  await bodiesOf("bob").acquire(request(), MIB, signal);
  for (const name of ["carol", "dave"]) await bodiesOf(name).acquire(request(), 16 * MIB, signal);
  await bodiesOf("eve").acquire(request(), 15 * MIB, signal);
  // Nothing is left for all.
  const late = bodiesOf("frank");
  const last = late.acquire(request(), MIB, closing.signal).catch(() => "given up");
  closing.abort();
  assertEquals([await waiting, await last], ["given up", "given up"]);
  assertEquals([alice.held, late.held, shared.bodies.acquired], [16 * MIB, 0, 64 * MIB]);
  alice.release(first);
  assertEquals([alice.held, shared.bodies.acquired], [0, 48 * MIB]);
});
