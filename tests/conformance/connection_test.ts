/**
 * Conformance tests of connections: requests are answered in order, and no client harms another.
 *
 * @module
 */

import { assertEquals, assertNotEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  apiVersions,
  createTopics,
  fetch,
  initProducerId,
  listOffsets,
  metadata,
  produce,
} from "../../protocol/messages/mod.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { frameOf, RawConnection, requestFrame } from "../support/protocol/raw_connection.ts";
import { batchOf, recordsOf } from "../support/protocol/records.ts";
import {
  append,
  createTopic,
  FETCH_BY_NAME,
  fetchRequest,
  PRODUCE_BY_NAME,
  produceRequest,
  read,
} from "../support/protocol/requests.ts";
import { within } from "../support/within.ts";

const SOFTWARE = { clientSoftwareName: "test", clientSoftwareVersion: "1.0" };

/** Runs `use` with a broker, a topic `t`, and a connection that must still work at the end. */
async function withBystander(
  use: (local: LocalBroker, bystander: RawConnection) => Promise<void>,
  config: NonNullable<Parameters<typeof LocalBroker.start>[0]>["config"] = {},
): Promise<void> {
  await using local = await LocalBroker.start({ config });
  using bystander = await RawConnection.connect(local.address);
  await createTopic(bystander, "t");
  await use(local, bystander);
  const { errorCode, baseOffset } = await append(bystander, "t", batchOf(["still here"]));
  assertEquals(errorCode, ErrorCode.NONE);
  const [record] = recordsOf((await read(bystander, "t", baseOffset)).records);
  assertEquals(record?.value, "still here");
}

Deno.test("Connection answers pipelined requests in order", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    const rounds = 40;
    for (let round = 0; round < rounds; round++) {
      const records = batchOf([`round ${round}`]);
      await connection.send(produce, PRODUCE_BY_NAME, produceRequest("t", records));
      await connection.send(metadata, 12, { topics: [] });
      await connection.send(fetch, FETCH_BY_NAME, fetchRequest("t", round));
      await connection.send(apiVersions, 3, SOFTWARE);
    }
    for (let round = 0; round < rounds; round++) {
      const { responses } = await connection.receive(produce);
      assertEquals(responses[0]!.partitionResponses[0]!.baseOffset, round);
      assertEquals((await connection.receive(metadata)).topics, []);
      const fetched = (await connection.receive(fetch)).responses[0]!.partitions[0]!;
      assertEquals(recordsOf(fetched.records)[0]?.value, `round ${round}`);
      assertEquals((await connection.receive(apiVersions)).errorCode, ErrorCode.NONE);
    }
  });
});

Deno.test("Connection makes a pipelined write visible to the next request", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    const topics = [{ name: "new", numPartitions: 2, replicationFactor: 1 }];
    await connection.send(createTopics, 7, { topics });
    await connection.send(produce, PRODUCE_BY_NAME, produceRequest("new", batchOf(["a", "b"])));
    const partitions = [{ partitionIndex: 0, timestamp: -1 }];
    await connection.send(listOffsets, 7, { topics: [{ name: "new", partitions }] });
    assertEquals((await connection.receive(createTopics)).topics[0]!.errorCode, ErrorCode.NONE);
    await connection.receive(produce);
    const listed = await connection.receive(listOffsets);
    assertEquals(listed.topics[0]!.partitions[0]!.offset, 2);
  });
});

Deno.test("Produce with acks=0 sends no response", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    for (let version = 3; version <= PRODUCE_BY_NAME; version++) {
      const request = produceRequest("t", batchOf([`version ${version}`]), { acks: 0 });
      await connection.send(produce, version, request, { isAnswered: false });
      const partitions = [{ partitionIndex: 0, timestamp: -1 }];
      const listed = await connection.request(listOffsets, 7, {
        topics: [{ name: "t", partitions }],
      });
      assertEquals(listed.topics[0]!.partitions[0]!.offset, version - 2);
    }
  });
});

Deno.test("Produce with acks=0 closes the connection on an error", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    const request = produceRequest("unknown", batchOf(["a"]), { acks: 0 });
    await connection.send(produce, PRODUCE_BY_NAME, request, { isAnswered: false });
    await connection.ended();
  });
});

Deno.test("Connection that does not read its answers delays no other", async () => {
  await withBystander(async (local, bystander) => {
    const megabyte = new Uint8Array(1_000_000).fill(120);
    for (let count = 0; count < 4; count++) await append(bystander, "t", batchOf([megabyte]));
    using slow = await RawConnection.connect(local.address);
    const fetches = 30;
    const options = { partitionMaxBytes: 50_000_000 };
    const answered = Array.from(
      { length: fetches },
      () => slow.send(fetch, FETCH_BY_NAME, fetchRequest("t", 0, options)),
    );
    for (let count = 0; count < 50; count++) {
      assertEquals((await bystander.request(metadata, 12, { topics: null })).topics.length, 1);
      assertEquals((await append(bystander, "t", batchOf(["other"]))).baseOffset, 4 + count);
    }
    // In the end the slow one gets everything that it requested.
    await Promise.all(answered);
    for (let count = 0; count < fetches; count++) {
      const { records } = (await slow.receive(fetch)).responses[0]!.partitions[0]!;
      assertNotEquals(records!.length, 0);
      assertEquals(recordsOf(records)[3]!.offset, 3);
    }
  });
});

Deno.test("Fetch that waits delays no other connection and no earlier request", async () => {
  await withBystander(async (local, bystander) => {
    using waiting = await RawConnection.connect(local.address);
    const request = fetchRequest("t", 0, { maxWaitMs: 60_000 });
    await waiting.send(fetch, FETCH_BY_NAME, request);
    assertEquals((await bystander.request(metadata, 12, { topics: [] })).topics, []);
    await append(bystander, "t", batchOf(["news"]));
    const fetched = (await waiting.receive(fetch)).responses[0]!.partitions[0]!;
    assertEquals(recordsOf(fetched.records).map(({ value }) => value), ["news"]);
  });
});

Deno.test("Connections that end in the middle of a request leave nothing open", async () => {
  await withBystander(async (local, bystander) => {
    const whole = requestFrame(produce, PRODUCE_BY_NAME, produceRequest("t", batchOf(["half"])));
    for (const size of [1, 3, 4, 5, 12, whole.length - 1]) {
      using connection = await RawConnection.connect(local.address);
      await connection.sendBytes(whole.subarray(0, size));
      await connection.closeWrite();
      await connection.ended();
    }
    using waiting = await RawConnection.connect(local.address);
    await waiting.send(fetch, FETCH_BY_NAME, fetchRequest("t", 0, { maxWaitMs: 60_000 }));
    await bystander.request(metadata, 12, { topics: [] });
    waiting.close();
    // The broker knows that the others have gone once it has answered on a connection opened later.
    while (local.broker.connectionCount > 1) {
      using later = await RawConnection.connect(local.address);
      await later.request(apiVersions, 3, SOFTWARE);
      later.close();
      await bystander.request(metadata, 12, { topics: [] });
    }
    assertEquals((await read(bystander, "t", 0)).highWatermark, 0);
  });
});

Deno.test("Connection accepts a request that arrives one byte at a time", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    const frame = requestFrame(apiVersions, 3, SOFTWARE, 7);
    for (const byte of frame) await connection.sendBytes(Uint8Array.of(byte));
    const answer = (await connection.receiveFrame())!;
    assertEquals(new DataView(answer.buffer).getInt32(0), 7);
  });
});

Deno.test("Connection is closed for a size below zero or above socket.request.max.bytes", async (t) => {
  const limit = 100_000;
  await withBystander(async (local) => {
    for (const size of [-1, -2147483648, limit + 1, 2147483647, 0x47455420 /* "GET " */]) {
      await t.step(`${size} bytes`, async () => {
        using connection = await RawConnection.connect(local.address);
        const bytes = new Uint8Array(4);
        new DataView(bytes.buffer).setInt32(0, size);
        await connection.sendBytes(bytes);
        await connection.ended();
      });
    }
    await t.step(`${limit} bytes`, async () => {
      using connection = await RawConnection.connect(local.address);
      const request = (size: number) => produceRequest("t", batchOf([new Uint8Array(size)]));
      const empty = requestFrame(produce, PRODUCE_BY_NAME, request(50_000)).length - 4 - 50_000;
      const largest = request(limit - empty);
      assertEquals(requestFrame(produce, PRODUCE_BY_NAME, largest).length - 4, limit);
      const { responses } = await connection.request(produce, PRODUCE_BY_NAME, largest);
      assertEquals(responses[0]!.partitionResponses[0]!.errorCode, ErrorCode.NONE);
    });
  }, { "socket.request.max.bytes": limit });
});

Deno.test("Connection is closed after a request that the broker cannot parse", async (t) => {
  const header = (apiKey: number, apiVersion: number, rest: number[] = []) =>
    Uint8Array.of(
      ...[apiKey >> 8, apiKey, apiVersion >> 8, apiVersion].map((byte) => byte & 0xff),
      ...[0, 0, 0, 9, 0xff, 0xff],
      ...rest,
    );
  const metadataBody = requestFrame(metadata, 8, { topics: [{ name: "t" }] }).subarray(4);
  const cases: Record<string, Uint8Array> = {
    "no bytes": new Uint8Array(0),
    "half a header": Uint8Array.of(0, 3, 0),
    "unknown API": header(9999, 0),
    "API key below zero": header(-1, 0),
    "API that only brokers among themselves use": header(4, 0),
    "version above the newest": header(3, 99),
    "version below zero": header(3, -1),
    "Produce version 2, advertised but gone": header(0, 2),
    "body cut short": metadataBody.subarray(0, -2),
    "array longer than the frame": header(3, 1, [0x7f, 0xff, 0xff, 0xff]),
    "text that ends beyond the frame": header(3, 1, [0, 0, 0, 1, 0x7f, 0xff]),
  };
  await withBystander(async (local) => {
    for (const [name, bytes] of Object.entries(cases)) {
      await t.step(name, async () => {
        using connection = await RawConnection.connect(local.address);
        await connection.sendBytes(frameOf(bytes));
        await connection.ended();
      });
    }
  });
});

Deno.test("Connection answers the requests before one that closes it", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    await connection.send(produce, PRODUCE_BY_NAME, produceRequest("t", batchOf(["a"])));
    await connection.send(metadata, 12, { topics: [] });
    await connection.sendBytes(frameOf(Uint8Array.of(0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff)));
    assertEquals((await connection.receive(produce)).responses[0]!.partitionResponses.length, 1);
    assertEquals((await connection.receive(metadata)).topics, []);
    await connection.ended();
  });
});

Deno.test("Broker closes while a client does not read its answers", async () => {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "t");
  const megabyte = new Uint8Array(1_000_000);
  for (let count = 0; count < 20; count++) await append(connection, "t", batchOf([megabyte]));
  // More than fits into the socket buffers of both ends.
  const request = fetchRequest("t", 0, { partitionMaxBytes: 50_000_000 });
  await connection.send(fetch, FETCH_BY_NAME, request);
  await connection.started();
  await within(local.broker.close(), "the broker to close");
});

Deno.test("ApiVersions in an unknown version is answered in version 0 (KIP-511)", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    const body = Uint8Array.of(0, 18, 0, 99, 0, 0, 0, 5, 0xff, 0xff, 1, 2, 3, 4, 5);
    await connection.sendBytes(frameOf(body));
    // Correlation id, error 35, one entry: key 18, versions 0 to 5. No throttle time, no tags.
    const expected = Uint8Array.of(0, 0, 0, 5, 0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 5);
    assertEquals(await connection.receiveFrame(), expected);
    const answer = await connection.request(apiVersions, 5, SOFTWARE);
    assertEquals(answer.errorCode, ErrorCode.NONE);
  });
});

Deno.test("ApiVersions refuses client software names with special characters (KIP-511)", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    for (const name of ["", "-dqueue", "dqueue-", "naïve", "a b", "a\n"]) {
      const request = { ...SOFTWARE, clientSoftwareName: name };
      const { errorCode } = await connection.request(apiVersions, 3, request);
      assertEquals(errorCode, ErrorCode.INVALID_REQUEST, JSON.stringify(name));
    }
    const { errorCode } = await connection.request(apiVersions, 4, SOFTWARE);
    assertEquals(errorCode, ErrorCode.NONE);
  });
});

Deno.test("ApiVersions refuses a client that expects another broker (KIP-1242)", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    const { clusterId, nodeId } = local.broker;
    const ask = async (means: { clusterId: string | null; nodeId: number }) =>
      (await connection.request(apiVersions, 5, { ...SOFTWARE, ...means })).errorCode;
    assertEquals(await ask({ clusterId, nodeId }), ErrorCode.NONE);
    assertEquals(await ask({ clusterId: null, nodeId: -1 }), ErrorCode.NONE);
    assertEquals(await ask({ clusterId, nodeId: nodeId + 1 }), ErrorCode.REBOOTSTRAP_REQUIRED);
    assertEquals(await ask({ clusterId: "another", nodeId }), ErrorCode.REBOOTSTRAP_REQUIRED);
  });
});

Deno.test("ApiVersions advertises Produce from version 0 (KAFKA-18659)", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    const { apiKeys } = await connection.request(apiVersions, 0, {});
    const found = apiKeys.find(({ apiKey }) => apiKey === produce.key);
    assertEquals(found, { apiKey: produce.key, minVersion: 0, maxVersion: 13 });
  });
});

Deno.test("Connection accepts a null client id and every correlation id", async () => {
  await withBystander(async (local) => {
    using connection = await RawConnection.connect(local.address);
    for (const correlationId of [2147483647, 0, -1]) {
      const frame = requestFrame(initProducerId, 1, {
        transactionalId: null,
        transactionTimeoutMs: 0,
      }, correlationId);
      // The client id "test" becomes null: two bytes of length, and four of text less.
      const bytes = new Uint8Array(frame.length - 8);
      bytes.set(frame.subarray(4, 12));
      bytes.set([0xff, 0xff], 8);
      bytes.set(frame.subarray(18), 10);
      await connection.sendBytes(frameOf(bytes));
      const answer = (await connection.receiveFrame())!;
      assertEquals(new DataView(answer.buffer).getInt32(0), correlationId);
    }
  });
});
