import { assertEquals } from "@std/assert";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { alterClientQuotas } from "../../protocol/messages/security/alter_client_quotas.ts";
import { RawConnection } from "../../tests/support/protocol/raw_connection.ts";
import { Broker } from "../broker.ts";
import { createLogger } from "../logger.ts";
import type { BrokerSettings } from "../settings/settings.ts";
import { ManualClock } from "../time/clock.ts";

const REQUEST = { clientSoftwareName: "test", clientSoftwareVersion: "1" };

async function start(config: Partial<BrokerSettings> = {}) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line), clock });
  const broker = await Broker.start({
    storage: "memory",
    listen: "127.0.0.1:0",
    clock,
    config,
    logger,
  });
  const { host, port } = broker.addresses[0]!;
  const address = `${host}:${port}`;
  return {
    clock,
    lines,
    broker,
    connect: () => RawConnection.connect(address),
    /** Connects, and makes sure that the connection is served. */
    async served(): Promise<RawConnection> {
      const connection = await RawConnection.connect(address);
      assertEquals((await connection.request(apiVersions, 3, REQUEST)).errorCode, 0);
      return connection;
    },
    [Symbol.asyncDispose]: () => broker.abort(),
  };
}

Deno.test("Server closes connections beyond max.connections.per.ip, until others have ended", async () => {
  await using server = await start({ "max.connections.per.ip": 2 });
  const first = await server.served();
  using second = await server.served();
  using third = await server.connect();
  await third.ended();
  first.close();
  // The end of the first one is noticed in the same order as a request of the second.
  await second.request(apiVersions, 3, REQUEST);
  while (server.broker.connectionCount > 1) await second.request(apiVersions, 3, REQUEST);
  using _fourth = await server.served();
  assertEquals(server.lines.filter((line) => line.includes("max.connections.per.ip")).length, 1);
});

Deno.test("Server takes the limit of max.connections.per.ip.overrides for its address", async () => {
  await using server = await start({
    "max.connections.per.ip": 0,
    "max.connections.per.ip.overrides": "10.0.0.1:0,127.0.0.1:1,[::1]:3",
  });
  using _ = await server.served();
  using second = await server.connect();
  await second.ended();
});

Deno.test("Server keeps a connection beyond connection_creation_rate unread, and closes it after the throttle (KIP-612)", async () => {
  await using server = await start();
  using admin = await server.served();
  const rate = async (entityName: string | null, value: number) => {
    const { entries } = await admin.request(alterClientQuotas, 1, {
      entries: [{
        entity: [{ entityType: "ip", entityName }],
        ops: [{ key: "connection_creation_rate", value, remove: false }],
      }],
      validateOnly: false,
    });
    assertEquals(entries[0]!.errorCode, 0);
  };
  await rate(null, 1000);
  await rate("127.0.0.1", 2);
  // Two are saved up, and a third is owed.
  const open = [await server.served(), await server.served(), await server.served()];
  using hasty = await server.connect();
  let hasEnded = false;
  const ended = hasty.ended().then(() => hasEnded = true);
  for (let i = 0; i < 5; i++) await admin.request(apiVersions, 3, REQUEST);
  assertEquals(hasEnded, false);
  server.clock.advance(499);
  for (let i = 0; i < 5; i++) await admin.request(apiVersions, 3, REQUEST);
  assertEquals(hasEnded, false);
  server.clock.advance(1);
  await ended;
  open.push(await server.served());
  for (const connection of open) connection.close();
});

Deno.test("Server accepts max.connection.creation.rate connections a second; others wait", async () => {
  await using server = await start({ "max.connection.creation.rate": 2 });
  using first = await server.served();
  const open = [await server.served(), await server.served()];
  using late = await server.connect();
  let isAnswered = false;
  const answered = late.request(apiVersions, 3, REQUEST).then(() => isAnswered = true);
  for (let i = 0; i < 5; i++) await first.request(apiVersions, 3, REQUEST);
  assertEquals(isAnswered, false);
  server.clock.advance(500);
  await answered;
  for (const connection of open) connection.close();
});
