import { assertEquals } from "@std/assert";
import net from "node:net";
import { apiVersions } from "../protocol/messages/api_versions.ts";
import { RawConnection } from "../tests/support/raw_connection.ts";
import { Broker, type BrokerOptions } from "./broker.ts";
import { ManualClock } from "./clock.ts";
import { createLogger } from "./logger.ts";

const VERSION = 3;
const REQUEST = { clientSoftwareName: "test", clientSoftwareVersion: "1" };

/** A broker whose clock stands still, so that no pause in it ever ends, and what it logs. */
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
  return { broker, lines, host, port, address: `${host}:${port}` };
}

/** Connects, and resets the connection, maybe before it is accepted. */
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

Deno.test("Server accepts at once after clients that connect and reset", async (t) => {
  const { broker, lines, host, port, address } = await start();
  await using _ = broker;
  for (const send of ["", "\0\0\0\x0a", "GET / HTTP/1.0\r\n\r\n"]) {
    await t.step(`having sent ${JSON.stringify(send)}`, async () => {
      await Promise.all(Array.from({ length: 50 }, () => connectAndReset(host, port, send)));
      using connection = await RawConnection.connect(address);
      const { errorCode } = await connection.request(apiVersions, VERSION, REQUEST);
      assertEquals(errorCode, 0);
    });
  }
  assertEquals(lines.filter((line) => line.includes(" ERROR ")), []);
});

Deno.test("Server says once that max.connections are open, and takes others when one has gone", async () => {
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
