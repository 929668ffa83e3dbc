import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { HttpIdentity } from "./authentication.ts";
import { Sessions } from "./sessions.ts";
import { ManualClock } from "../time/clock.ts";

const HOUR_MS = 60 * 60_000;

function identity(name: string, isCurrent = () => true): HttpIdentity {
  return { principal: { type: "User", name }, isCurrent };
}

function withSession(token: string): Request {
  return new Request("http://a/", { headers: { authorization: `Session ${token}` } });
}

function withTicket(token: string): Request {
  return new Request("http://a/", {
    headers: { "upgrade": "websocket", "sec-websocket-protocol": `dqueue.v1, ticket.${token}` },
  });
}

Deno.test("Sessions live an hour without requests, at the address that began them", () => {
  const clock = new ManualClock();
  const sessions = new Sessions(clock);
  const alice = identity("alice");
  const { token, validMs } = sessions.open(alice, "10.0.0.1");
  assertEquals([token.length, validMs], [43, HOUR_MS]);
  assertEquals(sessions.identify(withSession(token), "10.0.0.2"), undefined);
  for (let i = 0; i < 3; i++) {
    clock.advance(HOUR_MS - 1);
    assertEquals(sessions.identify(withSession(token), "10.0.0.1"), alice);
  }
  clock.advance(HOUR_MS);
  assertEquals(sessions.identify(withSession(token), "10.0.0.1"), undefined);
});

Deno.test("Sessions take all addresses of this machine for one, and IPv4 within IPv6 for IPv4", () => {
  const sessions = new Sessions(new ManualClock());
  const alice = identity("alice");
  const here = sessions.open(alice, "127.0.0.1").token;
  for (const address of ["::1", "127.0.0.1", "::ffff:127.0.0.1"]) {
    assertEquals(sessions.identify(withSession(here), address), alice, address);
  }
  assertEquals(sessions.identify(withSession(here), "10.0.0.1"), undefined);
  const there = sessions.open(alice, "::ffff:10.0.0.1").token;
  assertEquals(sessions.identify(withSession(there), "10.0.0.1"), alice);
  assertEquals(sessions.identify(withSession(there), "::1"), undefined);
});

Deno.test("Sessions end with what they were given for", () => {
  const sessions = new Sessions(new ManualClock());
  let isCurrent = true;
  const { token } = sessions.open(identity("alice", () => isCurrent), "::1");
  assert(sessions.identify(withSession(token), "::1") !== undefined);
  isCurrent = false;
  assertEquals(sessions.identify(withSession(token), "::1"), undefined);
  isCurrent = true;
  assertEquals(sessions.identify(withSession(token), "::1"), undefined, "for good");
});

Deno.test("Sessions make tickets that are valid once, for half a minute, and for WebSockets alone", () => {
  const clock = new ManualClock();
  const sessions = new Sessions(clock);
  const alice = identity("alice");
  const ticket = () => sessions.ticket(alice, "::1").token;
  const one = ticket();
  assertEquals(sessions.identify(withSession(one), "::1"), undefined);
  assertEquals(sessions.identify(withTicket(one), "::1"), alice);
  assertEquals(sessions.identify(withTicket(one), "::1"), undefined);
  const stolen = ticket();
  assertEquals(sessions.identify(withTicket(stolen), "10.0.0.2"), undefined);
  assertEquals(sessions.identify(withTicket(stolen), "::1"), undefined, "it is used up");
  const late = ticket();
  clock.advance(30_000);
  assertEquals(sessions.identify(withTicket(late), "::1"), undefined);
  const plain = new Request("http://a/", {
    headers: { "sec-websocket-protocol": `ticket.${ticket()}` },
  });
  assertEquals(sessions.identify(plain, "::1"), undefined);
  assertNotEquals(ticket(), ticket());
});

Deno.test("Sessions of one user end their own, the least used first, when there are too many", () => {
  const sessions = new Sessions(new ManualClock());
  const bob = sessions.open(identity("bob"), "::1").token;
  const first = sessions.open(identity("alice"), "::1").token;
  const second = sessions.open(identity("alice"), "::1").token;
  const is = (token: string) => sessions.identify(withSession(token), "::1") !== undefined;
  assert(is(first), "used last");
  for (let i = 0; i < 199; i++) sessions.open(identity("alice"), "::1");
  assertEquals([is(second), is(first), is(bob)], [false, true, true]);
});
