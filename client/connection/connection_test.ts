import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { type FrameChannel, memoryChannels, StreamChannel } from "../../protocol/frames/channel.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { apiVersions, initProducerId, metadata } from "../../protocol/messages/mod.ts";
import { BrokerConnection } from "./connection.ts";
import {
  ClosedError,
  ConnectionError,
  KafkaError,
  ProtocolError,
  SerializationError,
  TimeoutError,
  UnsupportedVersionError,
} from "../errors.ts";
import {
  DISCONNECT,
  FakeCluster,
  type FakeClusterOptions,
  NO_ANSWER,
} from "../testing/fake_cluster.ts";

const OPTIONS = { clientId: "test", requestTimeoutMs: 5000 };
const IDENTIFY = { transactionalId: null, transactionTimeoutMs: 1 };

interface Setup extends AsyncDisposable {
  readonly cluster: FakeCluster;
  readonly connection: BrokerConnection;
}

async function connect(
  cluster: FakeCluster | FakeClusterOptions = {},
  requestTimeoutMs = 5000,
): Promise<Setup> {
  const own = cluster instanceof FakeCluster ? cluster : new FakeCluster(cluster);
  const channel = own.connect("broker-0:9092");
  const connection = await BrokerConnection.negotiate(channel, { ...OPTIONS, requestTimeoutMs });
  return { cluster: own, connection, [Symbol.asyncDispose]: () => connection.close() };
}

Deno.test("BrokerConnection.negotiate() sends the client's name and version (KIP-511)", async () => {
  await using test = await connect();
  const [request] = test.cluster.received(apiVersions);
  assertEquals(request!.body.clientSoftwareName, "dqueue");
  assert(/^\d+\.\d+\.\d+$/.test(request!.body.clientSoftwareVersion));
  assertEquals(test.connection.versions.pick(metadata), metadata.versions.max);
});

Deno.test("BrokerConnection.negotiate() falls back to the versions of an older broker (KIP-35)", async (t) => {
  for (const max of [3, 2, 1, 0]) {
    await t.step(`ApiVersions ${max}`, async () => {
      await using test = await connect({ maxVersions: { 18: max } });
      assertEquals(test.cluster.received(apiVersions).map(({ version }) => version), [4, max]);
      await test.connection.request(metadata, { topics: [] });
    });
  }
});

Deno.test("BrokerConnection.negotiate() throws if the broker refuses", async () => {
  const cluster = new FakeCluster();
  cluster.on(apiVersions, () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, apiKeys: [] }));
  await assertRejects(() => connect(cluster), KafkaError, "ILLEGAL_SASL_STATE");
  cluster.on(apiVersions, () => DISCONNECT);
  await assertRejects(() => connect(cluster), ConnectionError, "closed by the broker");
  cluster.on(apiVersions, () => NO_ANSWER);
  await assertRejects(() => connect(cluster, 10), TimeoutError, "to answer ApiVersions");
});

Deno.test("BrokerConnection.negotiate() throws if the peer does not speak Kafka's protocol", async () => {
  const answer = new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n");
  const duplex = {
    readable: new ReadableStream<Uint8Array>({
      type: "bytes",
      start: (controller) => controller.enqueue(answer),
    }),
    writable: new WritableStream<Uint8Array>(),
    close() {},
  };
  const channel = new StreamChannel(duplex, "web:80", { maxFrameSize: 1024 * 1024 });
  await assertRejects(
    () => BrokerConnection.negotiate(channel, OPTIONS),
    ProtocolError,
    "Cannot use response of web:80: it does not seem to speak Kafka's protocol",
  );
});

Deno.test("BrokerConnection.request() pipelines several requests", async () => {
  await using test = await connect({ topics: { a: 1 } });
  const answers = await Promise.all([
    test.connection.request(metadata, { topics: [{ name: "a" }] }),
    test.connection.request(initProducerId, IDENTIFY),
    test.connection.request(metadata, { topics: [] }),
  ]);
  assertEquals(answers[0].topics[0]!.name, "a");
  assertEquals(answers[1].producerId, 1000);
  assertEquals(answers[2].topics, []);
  assertEquals(test.connection.inFlight, 0);
});

Deno.test("BrokerConnection.request() creates the body for the version that is sent", async () => {
  await using test = await connect({ maxVersions: { 3: 2 } });
  const versions: number[] = [];
  const body = (version: number) => {
    versions.push(version);
    return { topics: [] };
  };
  await test.connection.request(metadata, body);
  await test.connection.request(metadata, body, { maxVersion: 1 });
  assertEquals(versions, [2, 1]);
  await assertRejects(
    () => test.connection.request(metadata, body, { minVersion: 3 }),
    UnsupportedVersionError,
  );
});

Deno.test("BrokerConnection.request() that cannot be encoded fails without affecting others", async () => {
  await using test = await connect();
  const error = await assertRejects(
    () => test.connection.request(metadata, { topics: [{ name: "x".repeat(40_000) }] }),
    SerializationError,
  );
  assertEquals(
    error.message,
    `Cannot send Metadata version ${metadata.versions.max} to broker-0:9092: ` +
      "Cannot encode string: it takes 40000 bytes, the limit is 32767",
  );
  await test.connection.request(metadata, { topics: [] });
});

Deno.test("BrokerConnection.request() that times out closes the connection", async () => {
  await using test = await connect();
  test.cluster.once(metadata, () => NO_ANSWER);
  await Promise.all([
    assertRejects(
      () => test.connection.request(metadata, { topics: [] }, { timeoutMs: 10 }),
      TimeoutError,
      "Cannot wait longer for broker-0:9092 to answer Metadata",
    ),
    assertRejects(
      async () => {
        test.cluster.once(initProducerId, () => NO_ANSWER);
        await test.connection.request(initProducerId, IDENTIFY);
      },
      ConnectionError,
      "it did not answer Metadata in time",
    ),
  ]);
  assert(!test.connection.isOpen);
  await assertRejects(() => test.connection.request(metadata, { topics: [] }), ConnectionError);
});

Deno.test("BrokerConnection.request() that is aborted leaves the connection open", async () => {
  await using test = await connect();
  const release = Promise.withResolvers<void>();
  test.cluster.once(metadata, async (_request, { usual }) => {
    await release.promise;
    return await usual();
  });
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = test.connection.request(metadata, { topics: [] }, { signal });
  const reason = new Error("enough");
  controller.abort(reason);
  assertEquals(await assertRejects(() => waiting), reason);
  assertEquals(
    await assertRejects(() => test.connection.request(metadata, { topics: [] }, { signal })),
    reason,
  );
  release.resolve();
  await test.connection.request(initProducerId, IDENTIFY);
});

Deno.test("BrokerConnection.request() rejects when the broker closes the connection", async () => {
  await using test = await connect();
  test.cluster.once(metadata, () => DISCONNECT);
  const error = await assertRejects(
    () => test.connection.request(metadata, { topics: [] }),
    ConnectionError,
  );
  assert(error.retriable);
  assert(!test.connection.isOpen);
});

Deno.test("BrokerConnection queues requests in order while throttled (KIP-219)", async () => {
  await using test = await connect();
  test.cluster.once(metadata, async (_request, { usual }) => ({
    ...await usual(),
    throttleTimeMs: 30,
  }));
  await test.connection.request(metadata, { topics: [] });
  const count = test.cluster.requests.length;
  const held = [
    test.connection.request(initProducerId, IDENTIFY),
    test.connection.request(initProducerId, IDENTIFY),
  ];
  assertEquals(test.connection.inFlight, 0);
  assertEquals((await Promise.all(held)).map(({ producerId }) => producerId), [1000, 1001]);
  assertEquals(test.cluster.requests.length, count + 2);
});

Deno.test("BrokerConnection ignores the throttle time of old versions (KIP-219)", async () => {
  await using test = await connect({ maxVersions: { 3: 5 } });
  test.cluster.once(metadata, async (_request, { usual }) => ({
    ...await usual(),
    throttleTimeMs: 60_000,
  }));
  await test.connection.request(metadata, { topics: [] });
  await test.connection.request(initProducerId, IDENTIFY);
});

Deno.test("BrokerConnection.close() rejects requests in flight and queued", async () => {
  const test = await connect();
  test.cluster.once(metadata, async (_request, { usual }) => ({
    ...await usual(),
    throttleTimeMs: 60_000,
  }));
  await test.connection.request(metadata, { topics: [] });
  const held = test.connection.request(metadata, { topics: [] });
  await Promise.all([
    assertRejects(() => held, ClosedError),
    test.connection.close(),
  ]);
  await test.connection.close();
});

Deno.test("BrokerConnection names the request whose response is invalid", async () => {
  const [client, server] = memoryChannels("odd");
  const serving = answerOddly(server);
  const connection = await BrokerConnection.negotiate(client, OPTIONS);
  await assertRejects(
    () => connection.request(metadata, { topics: [] }),
    ProtocolError,
    "Cannot read Metadata response of odd",
  );
  const error = await assertRejects(() => connection.request(metadata, { topics: [] }));
  assertInstanceOf(error, ProtocolError);
  assertEquals(
    error.message,
    "Cannot use response of odd: no request has correlation id 12345",
  );
  await connection.close();
  await serving;
});

/** Answers ApiVersions, then sends half a response, then one without a request. */
async function answerOddly(server: FrameChannel): Promise<void> {
  const frame = (write: () => void) => {
    server.out.beginFrame();
    write();
    server.out.endFrame();
    server.flush();
  };
  const correlationId = async () => {
    const bytes = (await server.next())!;
    return new DataView(bytes.buffer, bytes.byteOffset).getInt32(4);
  };
  const first = await correlationId();
  frame(() => {
    server.out.int32(first);
    server.out.int16(ErrorCode.NONE);
    server.out.uvarint(2);
    server.out.int16(metadata.key);
    server.out.int16(0);
    server.out.int16(1);
    server.out.uvarint(0);
    server.out.int32(0);
    server.out.uvarint(0);
  });
  const second = await correlationId();
  frame(() => {
    server.out.int32(second);
    server.out.int32(1000);
  });
  await correlationId();
  frame(() => server.out.int32(12345));
  assertEquals(await server.next(), null);
}
