import { assertEquals } from "@std/assert";
import { ClientTelemetry } from "./client_telemetry.ts";

function subscribe(telemetry: ClientTelemetry, instanceId: string, intervalMs = 1000): void {
  telemetry.subscribed({
    instanceId,
    clientId: "c".repeat(500),
    address: "192.0.2.1",
    software: telemetry.softwareOf(new AbortController().signal),
    intervalMs,
    subscribedMs: 0,
  });
}

Deno.test("ClientTelemetry counts sums since a client's start once, also after it restarts", () => {
  const telemetry = new ClientTelemetry();
  subscribe(telemetry, "a");
  const push = (value: number) =>
    telemetry.pushed("a", [{ name: "sent", value, kind: "cumulative" }], false, 0);
  for (const value of [10, 15, 15, 3]) push(value);
  assertEquals([...telemetry.metrics(0)].map(({ total }) => total), [18]);
});

Deno.test("ClientTelemetry has bounded names and clients, and forgets the oldest", () => {
  const telemetry = new ClientTelemetry();
  for (let i = 0; i < 1200; i++) {
    subscribe(telemetry, `${i}`);
    telemetry.pushed(`${i}`, [{ name: `m${i}`, value: i, kind: "gauge" }], false, 0);
  }
  assertEquals(telemetry.clients(0).length, 1000);
  assertEquals(telemetry.client("199"), undefined);
  assertEquals(telemetry.client("200")!.clientId.length, 100);
  assertEquals([...telemetry.metrics(0)].length, 400);
  assertEquals(telemetry.dropped, 800);
  assertEquals([...telemetry.gaugesOf("200")], [["m200", 200]]);
  assertEquals(telemetry.gaugesOf("none").size, 0);
});

Deno.test("ClientTelemetry.clients() forgets a client that missed three intervals, or pushed its last", () => {
  const telemetry = new ClientTelemetry();
  subscribe(telemetry, "a", 1000);
  subscribe(telemetry, "b", 10_000);
  subscribe(telemetry, "c", 1000);
  for (const id of ["a", "b"]) telemetry.pushed(id, [], false, 0);
  assertEquals(telemetry.clients(3000).map(({ instanceId }) => instanceId), ["a", "b"]);
  assertEquals(telemetry.clients(3001).map(({ instanceId }) => instanceId), ["b"]);
  telemetry.pushed("b", [{ name: "x", value: 1, kind: "delta" }], true, 3001);
  assertEquals(telemetry.clients(3001), []);
  assertEquals([...telemetry.metrics(3001)].map(({ total }) => total), [1], "sums stay");
});
