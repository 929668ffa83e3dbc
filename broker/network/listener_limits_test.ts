import { assertEquals } from "@std/assert";
import { BrokerConfig } from "../settings/config.ts";
import { ManualClock } from "../time/clock.ts";
import { Entrances } from "./entrances.ts";
import { type LimitedListener, ListenerLimits } from "./listener_limits.ts";

const CLIENTS: LimitedListener = { name: "EXTERNAL", protocol: "SASL_SSL" };
const OTHERS: LimitedListener = { name: "PUBLIC", protocol: "SSL" };
const BROKERS: LimitedListener = { name: "INTERNAL", protocol: "SSL", isInterBroker: true };

function start(settings: Record<string, number> = {}, listeners = [CLIENTS, OTHERS, BROKERS]) {
  const clock = new ManualClock();
  const config = BrokerConfig.from(settings as never);
  const limits = new ListenerLimits({ clock, config });
  limits.use(listeners);
  /** Enters connections until a limit is reached, and returns how many and which. */
  const fill = (listener: LimitedListener, most = 100) => {
    const sockets: object[] = [];
    while (limits.reached(listener) === undefined && sockets.length < most) {
      const socket = {};
      limits.enter(socket, listener);
      sockets.push(socket);
    }
    return sockets;
  };
  return { clock, config, limits, fill };
}

Deno.test("ListenerLimits reserves a tenth of max.connections for the listener of brokers", async (t) => {
  for (const [max, ofClients] of [[100, 90], [10, 9], [11, 9], [2, 1], [1, 1], [0, 0]]) {
    await t.step(`of ${max}`, () => {
      const { limits, fill } = start({ "max.connections": max! });
      const half = ofClients! >> 1;
      assertEquals(fill(CLIENTS, half).length, half);
      assertEquals(fill(OTHERS).length, ofClients! - half);
      assertEquals([limits.reached(CLIENTS), limits.reached(OTHERS)], ["broker", "broker"]);
      assertEquals(fill(BROKERS).length, max! - ofClients!);
      assertEquals(limits.count, max);
    });
  }
});

Deno.test("ListenerLimits gives clients what brokers have left, but for the reserve", () => {
  const { limits, fill } = start({ "max.connections": 20 });
  assertEquals(fill(BROKERS, 15).length, 15);
  const clients = fill(CLIENTS);
  assertEquals(clients.length, 5);
  for (const socket of [...clients, ...clients]) limits.leave(socket);
  assertEquals([limits.count, fill(OTHERS).length], [15, 5]);
});

Deno.test("ListenerLimits reserves nothing if brokers and clients share a listener", () => {
  const shared = { ...CLIENTS, isInterBroker: true };
  const { limits, fill } = start({ "max.connections": 10 }, [shared, shared]);
  assertEquals([limits.hasReserved, fill(shared).length], [false, 10]);
  assertEquals(limits.reached(shared), "broker");
});

Deno.test("ListenerLimits holds each listener by its own max.connections, that of brokers too", () => {
  const { limits, fill } = start({
    "max.connections": 10,
    "listener.name.external.max.connections": 3,
    "listener.name.internal.max.connections": 4,
  });
  assertEquals([fill(CLIENTS).length, limits.reached(CLIENTS)], [3, "listener"]);
  assertEquals([fill(OTHERS).length, limits.reached(OTHERS)], [6, "broker"]);
  assertEquals(fill(BROKERS).length, 1);
  limits.enter({}, BROKERS);
  limits.enter({}, BROKERS);
  assertEquals(limits.reached(BROKERS), "broker");
  limits.enter({}, BROKERS);
  assertEquals(limits.reached(BROKERS), "listener");
});

Deno.test("ListenerLimits takes limits that are set at run time, those of this broker first", () => {
  const { config, fill } = start({ "listener.name.external.max.connections": 1 });
  const name = "listener.name.external.max.connections";
  config.setDynamic(new Map([[name, "2"]]), new Map());
  assertEquals(fill(CLIENTS).length, 2);
  config.setDynamic(
    new Map([[name, "2"]]),
    new Map([["listener.name.EXTERNAL.max.connections", "5"]]),
  );
  assertEquals(fill(CLIENTS).length, 3);
  assertEquals(config.overrideNames, [name, "listener.name.EXTERNAL.max.connections"]);
  config.setDynamic(new Map(), new Map([["max.connections", "7"], [name, "many"]]));
  assertEquals([fill(CLIENTS).length, fill(OTHERS).length], [0, 1]);
});

Deno.test("ListenerLimits paces clients by the broker's rate, and brokers by that of their listener (KIP-612)", () => {
  const { config, clock, limits } = start({ "max.connection.creation.rate": 2 });
  const pace = (listener: LimitedListener, count: number) =>
    Array.from({ length: count }, () => limits.pace(listener));
  assertEquals(pace(BROKERS, 100), Array(100).fill(0));
  assertEquals(pace(CLIENTS, 2), [0, 0]);
  // Listeners of clients share the rate.
  assertEquals(pace(OTHERS, 1), [500]);
  clock.advance(500);
  config.setDynamic(
    new Map([["listener.name.internal.max.connection.creation.rate", "4"]]),
    new Map(),
  );
  assertEquals(pace(BROKERS, 6), [0, 0, 0, 0, 250, 500]);
  assertEquals(pace(CLIENTS, 1), [500]);
});

Deno.test("ListenerLimits paces a listener by its own rate, and not its neighbour", () => {
  const { clock, limits } = start({ "listener.name.external.max.connection.creation.rate": 1 });
  assertEquals([limits.pace(CLIENTS), limits.pace(CLIENTS)], [0, 1000]);
  assertEquals(Array.from({ length: 50 }, () => limits.pace(OTHERS)), Array(50).fill(0));
  clock.advance(2000);
  assertEquals(limits.pace(CLIENTS), 0);
});

Deno.test("Entrances keeps brokers that log in, however many clients come", () => {
  const clock = new ManualClock();
  let count = 0;
  const entrances = new Entrances({
    hasReserved: true,
    clock,
    maxMs: () => 1000,
    onEnded: () => count++,
  });
  const ended: string[] = [];
  for (const stage of ["handshake", "login"] as const) {
    entrances.enter(stage, true, "INTERNAL", "192.0.2.1", () => ended.push("broker"));
    for (let i = 0; i < 5000; i++) {
      const host = `10.0.${i >> 8}.${i & 255}`;
      entrances.enter(stage, false, "EXTERNAL", host, () => ended.push("client"));
    }
  }
  // Nine tenths of 4096 stay in each stage.
  assertEquals([entrances.size, ended.length], [2 * (3686 + 1), 2 * (5000 - 3686)]);
  // The same address, which counts apart on the listener of brokers.
  for (let i = 0; i < 3000; i++) {
    entrances.enter("login", false, "EXTERNAL", "192.0.2.1", () => ended.push("client"));
  }
  while (entrances.makeRoom());
  assertEquals([entrances.size, ended.includes("broker"), count], [2, false, ended.length]);
  assertEquals([entrances.makeReservedRoom(), ended.at(-1)], [true, "broker"]);
  entrances.close();
});

Deno.test("Entrances gives all to clients if brokers come by the same listener", () => {
  const clock = new ManualClock();
  const entrances = new Entrances({ hasReserved: false, clock, maxMs: () => 1000 });
  for (let i = 0; i < 5000; i++) {
    entrances.enter("login", false, "PLAINTEXT", `10.0.${i >> 8}.${i & 255}`, () => {});
  }
  assertEquals(entrances.size, 4096);
  entrances.close();
});
