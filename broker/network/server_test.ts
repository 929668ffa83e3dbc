import { assert, assertEquals, assertLess } from "@std/assert";
import net from "node:net";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { RawConnection, requestFrame } from "../../tests/support/protocol/raw_connection.ts";
import { batchOf } from "../../tests/support/protocol/records.ts";
import {
  append,
  createTopic,
  FETCH_BY_NAME,
  fetchRequest,
} from "../../tests/support/protocol/requests.ts";
import { Broker, type BrokerOptions } from "../broker.ts";
import { ManualClock } from "../time/clock.ts";
import { createLogger } from "../logger.ts";

const VERSION = 3;
const REQUEST = { clientSoftwareName: "test", clientSoftwareVersion: "1" };

/** A broker with a manual clock, so that none of its pauses end, and its log lines. */
async function start(options: BrokerOptions = {}) {
  const lines: string[] = [];
  const clock = new ManualClock();
  const broker = await Broker.start({
    storage: "memory",
    listen: "127.0.0.1:0",
    clock,
    logger: createLogger({ sink: (line) => lines.push(line), clock }),
    ...options,
  });
  const { host, port } = broker.addresses[0]!;
  return { broker, clock, lines, host, port, address: `${host}:${port}` };
}

/** Connects and resets the connection, possibly before it is accepted. */
function connectAndReset(host: string, port: number, send: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, host, () => {
      if (send !== "") socket.write(send);
      socket.resetAndDestroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

Deno.test("Server keeps accepting after clients that connect and reset", async (t) => {
  const { broker, lines, host, port, address } = await start();
  await using _ = broker;
  for (const send of ["", "\0\0\0\x0a", "GET / HTTP/1.0\r\n\r\n"]) {
    await t.step(`after sending ${JSON.stringify(send)}`, async () => {
      await Promise.all(Array.from({ length: 50 }, () => connectAndReset(host, port, send)));
      using connection = await RawConnection.connect(address);
      const { errorCode } = await connection.request(apiVersions, VERSION, REQUEST);
      assertEquals(errorCode, 0);
    });
  }
  assertEquals(lines.filter((line) => line.includes(" ERROR ")), []);
});

Deno.test("Server logs max.connections once and accepts again when a connection closes", async () => {
  const { broker, lines, address } = await start({ config: { "max.connections": 2 } });
  await using _ = broker;
  using first = await RawConnection.connect(address);
  await first.request(apiVersions, VERSION, REQUEST);
  {
    using second = await RawConnection.connect(address);
    await second.request(apiVersions, VERSION, REQUEST);
    for (let i = 0; i < 5; i++) {
      using refused = await RawConnection.connect(address);
      await refused.ended();
    }
  }
  assertEquals(lines.filter((line) => line.includes("Refusing connections")).length, 1);
  while (broker.connectionCount > 1) await new Promise((resolve) => setTimeout(resolve, 0));
  using third = await RawConnection.connect(address);
  await third.request(apiVersions, VERSION, REQUEST);
});

/** A Produce request of one megabyte for a topic that does not exist. */
function largeRequest(): Uint8Array<ArrayBuffer> {
  return requestFrame(produce, 9, {
    acks: 1,
    timeoutMs: 1000,
    topicData: [{
      name: "none",
      partitionData: [{ index: 0, records: new Uint8Array(1_000_000) }],
    }],
  });
}

/** Advances the broker's time until a condition holds, by at most a minute. */
async function passUntil(clock: ManualClock, isSo: () => boolean): Promise<number> {
  const startMs = clock.now();
  while (!isSo() && clock.now() - startMs < 60_000) {
    // Data on its way through sockets arrives meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 1));
    clock.advance(100);
  }
  return clock.now() - startMs;
}

Deno.test("Server releases the memory of a half-sent request within seconds", async () => {
  const { broker, clock, lines, address } = await start({
    config: { "queued.max.request.bytes": 1_500_000 },
  });
  await using _ = broker;
  using stuck = await RawConnection.connect(address);
  await stuck.request(apiVersions, VERSION, REQUEST);
  await stuck.sendBytes(largeRequest().subarray(0, 700_000));
  using other = await RawConnection.connect(address);
  await other.request(apiVersions, VERSION, REQUEST);
  const sent = other.sendBytes(largeRequest());
  const passedMs = await passUntil(clock, () => broker.connectionCount === 1);
  assertLess(passedMs, 10_000);
  await sent;
  assert(await other.receiveFrame("the response to Produce") !== null);
  assertEquals(lines.filter((line) => line.includes("the rest of a request")).length, 1);
});

Deno.test("Server disconnects clients that do not read their responses", async (t) => {
  const { broker, clock, lines, address } = await start();
  await using _ = broker;
  using connection = await RawConnection.connect(address);
  await createTopic(connection, "t");
  const batch = batchOf(Array.from({ length: 9 }, () => "v".repeat(100_000)));
  for (let i = 0; i < 40; i++) await append(connection, "t", batch);
  for (const leaves of [false, true]) {
    await t.step(leaves ? "after a half-close" : "while connected", async () => {
      const [hostname, port] = address.split(":");
      using conn = await Deno.connect({ hostname: hostname!, port: Number(port) });
      const request = fetchRequest("t", 0, { maxBytes: 50_000_000, partitionMaxBytes: 50_000_000 });
      const frame = requestFrame(fetch, FETCH_BY_NAME, request);
      await conn.write(frame);
      await conn.read(new Uint8Array(1));
      if (leaves) await conn.closeWrite();
      const passedMs = await passUntil(clock, () => broker.connectionCount === 1);
      assertLess(passedMs, 40_000);
    });
  }
  assertEquals(lines.filter((line) => line.includes("does not read its responses")).length, 1);
});
