import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { apiVersions, metadata, produce } from "../protocol/messages/mod.ts";
import denoConfig from "../deno.json" with { type: "json" };
import { Client, coreOf } from "./client.ts";
import type { ClientOptions } from "./client_options.ts";
import { ClosedError, ConnectionError, TimeoutError, UsageError } from "./errors.ts";
import { QUICK_RETRIES, setup } from "./testing/client_setup.ts";
import { DISCONNECT, FakeCluster, NO_ANSWER } from "./testing/fake_cluster.ts";
import { CLIENT_SOFTWARE_VERSION } from "./connection/version.ts";

Deno.test("Client() throws for invalid options", () => {
  const refused: [ClientOptions, string][] = [
    [{}, 'give either "brokers" or "broker"'],
    [{ brokers: "a", broker: new FakeCluster() }, 'give either "brokers" or "broker"'],
    [{ brokers: [] }, '"brokers" is empty'],
    [{ brokers: "host:port" }, 'Cannot use "host:port" as a broker\'s address'],
    [{ brokers: "a", timeoutMs: 0 }, "Cannot use timeoutMs of 0: it must be at least 1"],
    [{ brokers: "a", retry: { attempts: NaN } }, "Cannot use retry.attempts of NaN"],
    [{ brokers: "a", timeoutMs: "5s" as unknown as number }, "Cannot use timeoutMs of 5s"],
  ];
  for (const [options, message] of refused) {
    assertThrows(() => new Client(options), UsageError, message);
  }
});

Deno.test("Client connects on first use", async () => {
  const cluster = new FakeCluster({ brokers: 2 });
  await using client = new Client({ broker: cluster, clientId: "me" });
  assertEquals([client.controller, client.brokers, client.clusterId], [undefined, [], null]);
  assertEquals(cluster.connectionCount, 0);
  const controller = await client.discoverController();
  assertEquals(controller, { id: 0, host: "broker-0", port: 9092, rack: null });
  assertEquals(client.controller, controller);
  assertEquals(client.brokers.length, 2);
  assertEquals(client.clusterId, "fake");
});

Deno.test("Client.discoverController() asks the cluster on each call", async () => {
  const cluster = new FakeCluster({ brokers: 2 });
  await using client = new Client({ broker: cluster });
  assertEquals((await client.discoverController()).id, 0);
  cluster.controllerId = 1;
  assertEquals((await client.discoverController()).id, 1);
  assertEquals(cluster.received(metadata).map(({ body }) => body.topics), [[], []]);
});

Deno.test("Client.discoverController() waits while the cluster has none", async () => {
  const cluster = new FakeCluster();
  cluster.controllerId = -1;
  await using client = new Client({ broker: cluster, retry: QUICK_RETRIES });
  cluster.once(metadata, async (_request, { usual }) => {
    const answer = await usual();
    cluster.controllerId = 0;
    return answer;
  });
  assertEquals((await client.discoverController()).id, 0);
});

Deno.test("Client tries its addresses in turn", async () => {
  const cluster = new FakeCluster({ brokers: 3 });
  cluster.down.add(0).add(1);
  const connect = cluster.connect.bind(cluster);
  const addresses: string[] = [];
  const broker = {
    connect(address: string) {
      addresses.push(address);
      return connect(address);
    },
  };
  await using client = new Client({ broker, retry: QUICK_RETRIES });
  await client.admin().listTopics();
  assertEquals(addresses, ["embedded:9092"]);
});

Deno.test("Client falls back to its bootstrap addresses when no known broker answers (KIP-899)", async () => {
  const cluster = new FakeCluster({ brokers: 2 });
  await using client = new Client({ broker: cluster, retry: QUICK_RETRIES });
  cluster.down.add(1);
  await client.discoverController();
  cluster.down.add(0);
  cluster.disconnect();
  cluster.down.delete(1);
  cluster.controllerId = 1;
  assertEquals((await client.discoverController()).id, 1);
});

Deno.test("Client retries after a lost connection until its timeout", async () => {
  const cluster = new FakeCluster();
  await using client = new Client({ broker: cluster, timeoutMs: 50, retry: QUICK_RETRIES });
  cluster.once(metadata, () => DISCONNECT);
  await client.discoverController();
  cluster.down.add(0);
  cluster.disconnect();
  const error = await assertRejects(() => client.discoverController(), TimeoutError);
  assert(error.message.startsWith("Cannot discover the controller within 50 ms: Cannot "));
  assert(error.cause instanceof ConnectionError);
});

Deno.test("Client makes no more attempts than retry.attempts", async () => {
  const cluster = new FakeCluster();
  await using client = new Client({ broker: cluster, retry: { ...QUICK_RETRIES, attempts: 3 } });
  cluster.on(metadata, () => DISCONNECT);
  await assertRejects(() => client.discoverController(), ConnectionError);
  assertEquals(cluster.received(metadata).length, 3);
});

Deno.test("Client operations reject with the reason of an aborted signal", async () => {
  const cluster = new FakeCluster();
  await using client = new Client({ broker: cluster });
  cluster.on(metadata, () => NO_ANSWER);
  const controller = new AbortController();
  const reason = new Error("enough");
  const waiting = client.admin().listTopics({ signal: controller.signal });
  controller.abort(reason);
  assertEquals(await assertRejects(() => waiting), reason);
  await assertRejects(() => client.admin().listTopics({ timeoutMs: 5 }), TimeoutError);
});

Deno.test("Client times out on a broker that accepts connections but does not answer", async () => {
  const cluster = new FakeCluster();
  cluster.on(apiVersions, () => NO_ANSWER);
  await using client = new Client({
    broker: cluster,
    timeoutMs: 40,
    connectTimeoutMs: 10,
    retry: QUICK_RETRIES,
  });
  const error = await assertRejects(() => client.discoverController(), TimeoutError);
  assert(error.cause instanceof TimeoutError);
});

Deno.test("Client.close() ends pending operations and rejects new ones", async () => {
  const cluster = new FakeCluster();
  const client = new Client({ broker: cluster });
  cluster.on(metadata, () => NO_ANSWER);
  const waiting = client.discoverController();
  await Promise.all([assertRejects(() => waiting, ClosedError), client.close()]);
  await assertRejects(() => client.discoverController(), ClosedError);
  assertThrows(() => client.consumer(), ClosedError);
  assertEquals(cluster.connectionCount, 0);
  await client.close();
  await client[Symbol.asyncDispose]();
});

Deno.test("Client.close() with a timeout rejects messages that could not be sent", async () => {
  const cluster = new FakeCluster({ topics: { a: 1 } });
  const client = new Client({ broker: cluster });
  cluster.on(produce, () => NO_ANSWER);
  const sent = client.producer().send({ topic: "a", value: "v" });
  await Promise.all([assertRejects(() => sent, ClosedError), client.close({ timeoutMs: 10 })]);
});

Deno.test("Client.closed() resolves once the client is closed, however often it is asked", async () => {
  await using test = setup();
  const { client } = test;
  let isClosed = false;
  const closed = client.closed().then((error) => {
    isClosed = true;
    return error;
  });
  await client.admin().listTopics();
  assertEquals(isClosed, false);
  await client.close();
  assertEquals([await closed, await client.closed()], [undefined, undefined]);
});

Deno.test("Client.closed() resolves with the error of closing, and does not reject", async () => {
  const client = new Client({ broker: new FakeCluster() });
  const failure = new TimeoutError("Cannot leave");
  coreOf(client).addUser({ close: () => Promise.reject(failure) });
  const closed = client.closed();
  assertEquals(await assertRejects(() => client.close()), failure);
  assertEquals(await closed, failure);
});

Deno.test("Client under await using closes open producers and consumers", async () => {
  const cluster = new FakeCluster({ topics: { a: 1 } });
  {
    await using client = new Client({ broker: cluster });
    const consumer = client.consumer();
    await consumer.subscribe("a");
    const sent = client.producer().send({ topic: "a", value: "v" });
    for await (const message of consumer) {
      assertEquals(message.text(), "v");
      break;
    }
    await sent;
  }
  await cluster.idle();
  assertEquals(cluster.connectionCount, 0);
});

Deno.test("Client sends the version of the project", () => {
  assertEquals(CLIENT_SOFTWARE_VERSION, denoConfig.version);
});
