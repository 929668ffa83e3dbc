import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { Broker, createLogger } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";

/** Starts a broker whose log lines are kept. */
async function startBroker(): Promise<{ broker: Broker; address: string; log: string[] }> {
  const log: string[] = [];
  const logger = createLogger({ sink: (line) => log.push(line), level: "warn" });
  const broker = await Broker.start({ storage: "memory", listen: "127.0.0.1:0", logger });
  const { host, port } = broker.addresses[0]!;
  return { broker, address: `${host}:${port}`, log };
}

Deno.test("Broker answers HTTP with an explanation, and logs it once", async (t) => {
  const { broker, address, log } = await startBroker();
  await using _ = broker;
  for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
    await t.step(method, async () => {
      const body = ["GET", "DELETE", "OPTIONS"].includes(method) ? {} : { body: "x" };
      const response = await fetch(`http://${address}/topics`, { method, ...body });
      assertEquals(response.status, 400);
      assertStringIncludes(await response.text(), "speaks Apache Kafka's protocol, not HTTP");
    });
  }
  assertEquals((await fetch(`http://${address}/`, { method: "HEAD" })).status, 400);
  assertEquals(log.length, 1, log.join("\n"));
  assertMatch(log[0]!, /WARN +Closed connection: client speaks HTTP peer=127.0.0.1:\d+ hint=/);
  await using client = new Client({ brokers: address });
  assertEquals(await client.admin().listTopics(), []);
});

Deno.test("Broker without TLS logs that a client speaks TLS", async () => {
  const { broker, address, log } = await startBroker();
  await using _ = broker;
  const [hostname, port] = address.split(":");
  for (let i = 0; i < 2; i++) {
    const connection = await Deno.connectTls({ hostname: hostname!, port: Number(port) });
    await assertRejects(() => connection.handshake());
    connection.close();
  }
  assertEquals(log.length, 1, log.join("\n"));
  assertStringIncludes(log[0]!, "Closed connection: client speaks TLS");
  assertStringIncludes(log[0]!, "security.protocol=PLAINTEXT");
});

Deno.test("Broker closes a connection on any other impossible frame size, and logs each", async () => {
  const { broker, address, log } = await startBroker();
  await using _ = broker;
  const [hostname, port] = address.split(":");
  for (const start of ["SSH-2.0-x\r\n", "GETX", "\x16\x04\x01\x00"]) {
    using connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
    await connection.write(new TextEncoder().encode(start));
    assertEquals(await connection.read(new Uint8Array(10)).catch(() => null), null);
  }
  assertEquals(log.filter((line) => line.includes("client broke the protocol")).length, 3);
});
