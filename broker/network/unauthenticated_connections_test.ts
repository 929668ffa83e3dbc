import { assertEquals } from "@std/assert";
import { ManualClock } from "../time/clock.ts";
import {
  type EndReason,
  UnauthenticatedConnections,
  type UnauthenticatedLimits,
} from "./unauthenticated_connections.ts";

function start(limits: UnauthenticatedLimits = {}) {
  const clock = new ManualClock();
  const ended: [name: string, reason: EndReason][] = [];
  const connections = new UnauthenticatedConnections({ clock, maxMs: () => 1000, ...limits });
  const enter = (name: string, host = name) =>
    connections.enter(host, (reason) => ended.push([name, reason]));
  return { clock, connections, ended, enter };
}

Deno.test("UnauthenticatedConnections ends the oldest beyond their number", () => {
  const { connections, ended, enter } = start({ maxConnections: 3 });
  for (const name of ["a", "b", "c"]) enter(name);
  enter("d");
  enter("e");
  assertEquals(ended, [["a", "too many"], ["b", "too many"]]);
  assertEquals(connections.size, 3);
  connections.close();
  assertEquals([connections.size, connections.bytes], [0, 0]);
});

Deno.test("UnauthenticatedConnections ends the oldest of an address that has too many", () => {
  const { connections, ended, enter } = start({ maxPerHost: 2 });
  enter("other", "192.0.2.1");
  enter("first", "2001:db8:1:2::1");
  enter("second", "2001:db8:1:2:ffff::");
  enter("third", "2001:0db8:1:2::3".replace("0db8", "db8"));
  assertEquals(ended, [["first", "too many of its address"]]);
  enter("neighbour", "2001:db8:1:3::1");
  assertEquals([ended.length, connections.size], [1, 4]);
  enter("fourth", "::ffff:192.0.2.1");
  enter("fifth", "192.0.2.1");
  assertEquals(ended.at(-1), ["other", "too many of its address"]);
  connections.close();
});

Deno.test("UnauthenticatedConnections ends those that hold memory, beyond that of all", () => {
  const { connections, ended, enter } = start({ maxBytes: 100 });
  enter("idle");
  const a = enter("a");
  const b = enter("b");
  a.hold(60);
  b.hold(40);
  assertEquals([ended, connections.bytes], [[], 100]);
  b.hold(41);
  assertEquals([ended, connections.bytes], [[["a", "too much memory"]], 41]);
  // It is gone already.
  a.hold(1000);
  a.leave();
  b.hold(101);
  assertEquals([ended.at(-1), connections.bytes], [["b", "too much memory"], 0]);
  connections.close();
});

Deno.test("UnauthenticatedConnections ends the one that holds most memory, not those beside it", () => {
  const { connections, ended, enter } = start({ maxBytes: 100 });
  const neighbour = enter("neighbour");
  neighbour.hold(1);
  for (let i = 0; i < 100; i++) {
    const attacker = enter(`attacker ${i}`);
    for (let bytes = 8; bytes <= 64; bytes *= 2) attacker.hold(bytes);
  }
  assertEquals(ended.some(([name]) => name === "neighbour"), false);
  assertEquals(ended.length > 90 && connections.bytes <= 100, true);
  connections.close();
});

Deno.test("UnauthenticatedConnections beyond their number ends one of the address that has most", () => {
  const { connections, ended, enter } = start({ maxConnections: 6, maxPerHost: 4 });
  enter("neighbour", "10.0.0.1");
  for (let i = 0; i < 20; i++) enter(`a${i}`, `10.0.0.${2 + i % 2}`);
  assertEquals(ended.some(([name]) => name === "neighbour"), false);
  assertEquals(connections.size, 6);
  connections.makeRoom();
  assertEquals(ended.some(([name]) => name === "neighbour"), false);
  connections.close();
});

Deno.test("UnauthenticatedConnections ends each in time, and no sooner", () => {
  const { clock, connections, ended, enter } = start();
  const early = enter("early");
  clock.advance(400);
  enter("late");
  early.leave();
  clock.advance(600);
  assertEquals([ended, connections.size], [[], 1]);
  clock.advance(400);
  assertEquals([ended, connections.size, clock.timerCount], [[["late", "too slow"]], 0, 0]);
  enter("again").leave();
  assertEquals(clock.timerCount, 0);
});

Deno.test("UnauthenticatedConnections makes room for connections that may stay", () => {
  const { connections, ended, enter } = start();
  assertEquals(connections.makeRoom(), false);
  enter("a");
  enter("b");
  assertEquals(connections.makeRoom(), true);
  assertEquals(ended, [["a", "too many"]]);
  connections.close();
});

Deno.test("UnauthenticatedConnections makes room with the oldest of a listener", () => {
  const { connections, ended } = start();
  const enter = (name: string, listener: string) =>
    connections.enter("192.0.2.1", (reason) => ended.push([name, reason]), listener);
  enter("a", "INTERNAL");
  enter("b", "EXTERNAL");
  enter("c", "EXTERNAL");
  assertEquals(connections.makeRoom("EXTERNAL"), true);
  assertEquals(connections.makeRoom("OTHER"), false);
  assertEquals(ended, [["b", "too many"]]);
  connections.close();
});
