import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { FrameChannel } from "../../protocol/frames/channel.ts";
import { metadata } from "../../protocol/messages/mod.ts";
import { ConnectionLane } from "./connection_lane.ts";
import { type Dialer, embeddedDialer, networkDialer } from "./dialer.ts";
import { ClosedError, ConnectionError, TimeoutError } from "../errors.ts";
import { FakeCluster } from "../testing/fake_cluster.ts";

const ADDRESS = { host: "broker-0", port: 9092 };

function open(dialer: Dialer, options = {}): ConnectionLane {
  return new ConnectionLane({
    dialer,
    clientId: "test",
    requestTimeoutMs: 5000,
    connectTimeoutMs: 5000,
    initialBackoffMs: 1,
    maxBackoffMs: 4,
    ...options,
  });
}

Deno.test("ConnectionLane opens one connection per broker for concurrent calls", async () => {
  const cluster = new FakeCluster({ brokers: 2 });
  const lane = open(embeddedDialer(cluster));
  assertEquals(lane.existing(ADDRESS), undefined);
  const [first, second] = await Promise.all([lane.connection(ADDRESS), lane.connection(ADDRESS)]);
  assertStrictEquals(first, second);
  assertStrictEquals(lane.existing(ADDRESS), first);
  await lane.connection({ host: "broker-1", port: 9092 });
  assertEquals(cluster.connectionCount, 2);
  await lane.close();
  assertEquals(cluster.connectionCount, 0);
});

Deno.test("ConnectionLane reopens a lost connection", async () => {
  const cluster = new FakeCluster();
  const lane = open(embeddedDialer(cluster));
  const first = await lane.connection(ADDRESS);
  cluster.disconnect();
  await assertRejects(() => first.request(metadata, { topics: [] }), ConnectionError);
  const second = await lane.connection(ADDRESS);
  assert(second !== first);
  await second.request(metadata, { topics: [] });
  await lane.close();
});

Deno.test("ConnectionLane throws the reason why a broker cannot be reached, and retries later", async () => {
  const cluster = new FakeCluster();
  cluster.down.add(0);
  const lane = open(embeddedDialer(cluster));
  for (let i = 0; i < 3; i++) {
    const error = await assertRejects(() => lane.connection(ADDRESS), ConnectionError);
    assertEquals(
      error.message,
      "Cannot connect to broker-0:9092: Connection refused: broker-0:9092",
    );
  }
  cluster.down.delete(0);
  await lane.connection(ADDRESS);
  await lane.close();
});

Deno.test("ConnectionLane times out an attempt that takes too long", async () => {
  const opened = Promise.withResolvers<FrameChannel>();
  const lane = open({ dial: () => opened.promise }, { connectTimeoutMs: 10 });
  await assertRejects(
    () => lane.connection(ADDRESS),
    TimeoutError,
    "Cannot connect to broker-0:9092 within 10 ms",
  );
  // A channel that opens after the time limit is closed.
  const cluster = new FakeCluster();
  opened.resolve(cluster.connect("broker-0:9092"));
  await lane.close();
  assertEquals(cluster.connectionCount, 0);
});

Deno.test("ConnectionLane.connection() can be aborted while other calls keep waiting", async () => {
  const opened = Promise.withResolvers<FrameChannel>();
  const lane = open({ dial: () => opened.promise });
  const controller = new AbortController();
  const given = lane.connection(ADDRESS, controller.signal);
  const waiting = lane.connection(ADDRESS);
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await assertRejects(() => given), reason);
  opened.resolve(new FakeCluster().connect("broker-0:9092"));
  assert((await waiting).isOpen);
  await lane.close();
});

Deno.test("ConnectionLane.close() ends pending attempts and rejects new ones", async () => {
  const opened = Promise.withResolvers<FrameChannel>();
  const lane = open({ dial: () => opened.promise });
  const waiting = lane.connection(ADDRESS);
  await Promise.all([assertRejects(() => waiting, ClosedError), lane.close()]);
  await assertRejects(() => lane.connection(ADDRESS), ClosedError);
  opened.reject(new Error("too late to matter"));
});

Deno.test("networkDialer() throws the reason why a broker cannot be reached", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(
    () => networkDialer().dial({ host: "127.0.0.1", port }, new AbortController().signal),
    ConnectionError,
    `Cannot connect to 127.0.0.1:${port}: `,
  );
  assert(error.retriable);
  assert(error.cause instanceof Deno.errors.ConnectionRefused);
});

Deno.test("networkDialer() opens a channel that carries frames", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const [channel, conn] = await Promise.all([
    networkDialer().dial({ host: "127.0.0.1", port }, new AbortController().signal),
    listener.accept(),
  ]);
  assertEquals(channel.peer, `127.0.0.1:${port}`);
  await conn.write(Uint8Array.of(0, 0, 0, 2, 7, 8));
  assertEquals(await channel.next(), Uint8Array.of(7, 8));
  conn.close();
  assertEquals(await channel.next(), null);
  await channel.close();
});

Deno.test("networkDialer() rejects for an aborted signal", async () => {
  await assertRejects(
    () =>
      networkDialer().dial({ host: "127.0.0.1", port: 1 }, AbortSignal.abort(new Error("enough"))),
    ConnectionError,
    "enough",
  );
});
