import { assertEquals, assertInstanceOf } from "@std/assert";
import { Client } from "../client.ts";
import { ClosedError, ConnectionError } from "../errors.ts";
import { QUICK_RETRIES, texts, write } from "../testing/client_setup.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";
import { ConnectionMonitor, type ConnectionStatus } from "./connection_status.ts";

const A = { host: "a", port: 1 };
const B = { host: "b", port: 2 };

/** What statuses say, as in `a:1 connected`. */
function shown(statuses: readonly ConnectionStatus[]): string[] {
  return statuses.map(({ broker, state, error }) =>
    `${broker} ${state}${error === undefined ? "" : `: ${error.message}`}`
  );
}

Deno.test("ConnectionMonitor reports the first connection to a broker and the end of the last", () => {
  const reported: ConnectionStatus[] = [];
  const monitor = new ConnectionMonitor((status) => reported.push(status));
  monitor.onOpen(A);
  monitor.onOpen(A);
  monitor.onOpen(B);
  monitor.onEnd(A, new ConnectionError("lost"));
  assertEquals(shown(reported), ["a:1 connected", "b:2 connected"]);
  monitor.onEnd(A, new ConnectionError("lost too"));
  assertEquals(shown(reported.slice(2)), ["a:1 disconnected: lost too"]);
  assertEquals(shown(monitor.statuses), ["a:1 disconnected: lost too", "b:2 connected"]);
});

Deno.test("ConnectionMonitor reports failed attempts only while no connection is open", () => {
  const reported: ConnectionStatus[] = [];
  const monitor = new ConnectionMonitor((status) => reported.push(status));
  monitor.onFailure(A, new ConnectionError("refused"));
  monitor.onOpen(A);
  monitor.onFailure(A, new ConnectionError("refused again"));
  assertEquals(shown(reported), ["a:1 unreachable: refused", "a:1 connected"]);
});

Deno.test("ConnectionMonitor forgets a broker whose connections the client has closed", () => {
  const reported: ConnectionStatus[] = [];
  const monitor = new ConnectionMonitor((status) => reported.push(status));
  monitor.onOpen(A);
  monitor.onEnd(A, new ClosedError("closed"));
  assertEquals(shown(reported), ["a:1 connected", "a:1 disconnected"]);
  assertEquals(monitor.statuses, []);
});

Deno.test("ConnectionMonitor reports an error of the callback as uncaught, and continues", () => {
  const failure = new Error("callback failed");
  const uncaught: unknown[] = [];
  const listener = (event: ErrorEvent) => {
    event.preventDefault();
    uncaught.push(event.error);
  };
  addEventListener("error", listener);
  try {
    const monitor = new ConnectionMonitor(() => {
      throw failure;
    });
    monitor.onOpen(A);
    assertEquals(shown(monitor.statuses), ["a:1 connected"]);
  } finally {
    removeEventListener("error", listener);
  }
  assertEquals(uncaught, [failure]);
});

Deno.test("Client.onStatus reports connections of all its users, an outage and the recovery", async () => {
  const cluster = new FakeCluster({ topics: { a: 1 } });
  write(cluster, "a", 0, ["0"]);
  const reported: ConnectionStatus[] = [];
  const unreachable = Promise.withResolvers<void>();
  const client = new Client({
    broker: cluster,
    retry: QUICK_RETRIES,
    onStatus(status) {
      reported.push(status);
      if (status.state === "unreachable") unreachable.resolve();
    },
  });
  assertEquals(client.connections, []);
  const consumer = client.consumer({ maxWaitMs: 5, onStatus() {} });
  await consumer.subscribe("a");
  assertEquals(texts(await consumer.poll(1, { timeoutMs: Infinity })), ["0"]);
  assertEquals(client.connections.map(({ state }) => state), ["connected", "connected"]);
  cluster.down.add(0);
  cluster.disconnect();
  await unreachable.promise;
  const lost = reported.find(({ state }) => state === "disconnected")!;
  assertInstanceOf(lost.error, ConnectionError);
  cluster.down.clear();
  write(cluster, "a", 0, ["1"]);
  assertEquals(texts(await consumer.poll(1, { timeoutMs: Infinity })), ["1"]);
  assertEquals(
    client.connections.find(({ broker }) => broker === "broker-0:9092")?.state,
    "connected",
  );
  await client.close();
  await cluster.idle();
  const open = client.connections.filter(({ state }) => state === "connected");
  assertEquals(open, []);
});

Deno.test("Client.onStatus reports each failed attempt, and none that close() ends", async () => {
  const cluster = new FakeCluster({ topics: { a: 1 } });
  cluster.down.add(0);
  const reported: ConnectionStatus[] = [];
  const failed = Promise.withResolvers<void>();
  const client = new Client({
    broker: cluster,
    retry: QUICK_RETRIES,
    onStatus(status) {
      reported.push(status);
      if (reported.length === 3) failed.resolve();
    },
  });
  const listing = client.admin().listTopics().catch((error) => error);
  await failed.promise;
  await client.close();
  assertInstanceOf(await listing, ClosedError);
  assertEquals(new Set(reported.map(({ state }) => state)), new Set(["unreachable"]));
  await cluster.idle();
});
