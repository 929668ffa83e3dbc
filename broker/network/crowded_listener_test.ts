import { assertEquals } from "@std/assert";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import {
  ConfigOperation,
  incrementalAlterConfigs,
} from "../../protocol/messages/configs/incremental_alter_configs.ts";
import { RawConnection } from "../../tests/support/protocol/raw_connection.ts";
import { Broker } from "../broker.ts";
import { TestBroker } from "../broker_testing.ts";
import { HandlerTable } from "../handlers/mod.ts";
import { createLogger } from "../logger.ts";
import type { GivenSettings } from "../settings/config.ts";
import { ManualClock } from "../time/clock.ts";
import { Server } from "./server.ts";
import type { SecureConn, SecureListener } from "./tls/secure_listener.ts";

const REQUEST = { clientSoftwareName: "test", clientSoftwareVersion: "1" };

async function start(config: GivenSettings, protocol = "PLAINTEXT") {
  const clock = new ManualClock();
  const lines: string[] = [];
  const broker = await Broker.start({
    storage: "memory",
    listen: ["EXTERNAL://127.0.0.1:0", "INTERNAL://127.0.0.1:0"],
    clock,
    config: {
      "listener.security.protocol.map": `EXTERNAL:${protocol},INTERNAL:PLAINTEXT`,
      "inter.broker.listener.name": "INTERNAL",
      "sasl.enabled.mechanisms": ["PLAIN"],
      ...config,
    },
    logger: createLogger({ sink: (line) => lines.push(line), clock }),
  });
  const [external, internal] = broker.addresses.map(({ host, port }) => `${host}:${port}`);
  const connect = (to: "EXTERNAL" | "INTERNAL") =>
    RawConnection.connect(to === "EXTERNAL" ? external! : internal!);
  return {
    broker,
    lines,
    connect,
    /** Connects, and makes sure that the connection is served. */
    async served(to: "EXTERNAL" | "INTERNAL"): Promise<RawConnection> {
      const connection = await connect(to);
      assertEquals((await connection.request(apiVersions, 3, REQUEST)).errorCode, 0);
      return connection;
    },
    /** Connects, and sees that the connection is closed. */
    async refused(to: "EXTERNAL" | "INTERNAL"): Promise<void> {
      using connection = await connect(to);
      await connection.ended();
    },
    [Symbol.asyncDispose]: () => broker.abort(),
  };
}

Deno.test("Server lets brokers in however many clients there are", async () => {
  await using server = await start({ "max.connections": 10 });
  const open: RawConnection[] = [];
  for (let i = 0; i < 9; i++) open.push(await server.served("EXTERNAL"));
  for (let i = 0; i < 5; i++) await server.refused("EXTERNAL");
  // One is reserved, and further ones come all the same.
  for (let i = 0; i < 3; i++) open.push(await server.served("INTERNAL"));
  await server.refused("EXTERNAL");
  for (const connection of open) await connection.request(apiVersions, 3, REQUEST);
  assertEquals(server.broker.connectionCount, 12);
  assertEquals(server.lines.filter((line) => line.includes("Refusing connections")).length, 1);
  for (const connection of open) connection.close();
});

Deno.test("Server makes room for brokers with clients that have not logged in, and never with brokers", async () => {
  await using server = await start({ "max.connections": 4 }, "SASL_PLAINTEXT");
  const strangers: RawConnection[] = [];
  for (let i = 0; i < 3; i++) strangers.push(await server.served("EXTERNAL"));
  const brokers = [await server.served("INTERNAL"), await server.served("INTERNAL")];
  await strangers[0]!.ended();
  // Another client takes the place of the next.
  strangers.push(await server.served("EXTERNAL"));
  await strangers[1]!.ended();
  for (let i = 0; i < 4; i++) brokers.push(await server.served("INTERNAL"));
  for (const stranger of strangers.slice(2)) await stranger.ended();
  await server.refused("EXTERNAL");
  for (const broker of brokers) await broker.request(apiVersions, 3, REQUEST);
  for (const connection of [...strangers, ...brokers]) connection.close();
});

Deno.test("Server takes a listener's max.connections at once when it is altered", async () => {
  await using server = await start({ "listener.name.external.max.connections": "1" });
  using admin = await server.served("INTERNAL");
  using _first = await server.served("EXTERNAL");
  await server.refused("EXTERNAL");
  const alter = async (resourceName: string, name: string, value: string | null) => {
    const { responses } = await admin.request(incrementalAlterConfigs, 1, {
      resources: [{
        resourceType: 4,
        resourceName,
        configs: [{
          name,
          configOperation: value === null ? ConfigOperation.delete : ConfigOperation.set,
          value,
        }],
      }],
      validateOnly: false,
    });
    return responses[0]!;
  };
  const NAME = "listener.name.external.max.connections";
  assertEquals((await alter("1", NAME, "2")).errorCode, 0);
  using second = await server.served("EXTERNAL");
  await server.refused("EXTERNAL");
  assertEquals((await alter("1", NAME, null)).errorCode, 0);
  assertEquals((await alter("", NAME, "3")).errorCode, 0);
  using _third = await server.served("EXTERNAL");
  await server.refused("EXTERNAL");
  second.close();
  while (server.broker.connectionCount > 3) await admin.request(apiVersions, 3, REQUEST);
  using _fourth = await server.served("EXTERNAL");
});

/** A connection of the tests' listener. */
function connection(): SecureConn {
  const handshake = Promise.withResolvers<never>();
  handshake.promise.catch(() => {});
  return {
    readable: new ReadableStream({ type: "bytes" }),
    writable: new WritableStream(),
    remoteAddr: { transport: "tcp", hostname: "192.0.2.1", port: 1 },
    handshake: () => handshake.promise,
    close: () => handshake.reject(new Deno.errors.ConnectionAborted()),
  };
}

Deno.test("Server accepts 64 connections of a listener, and polls sockets before the next", async (t) => {
  for (const protocol of ["PLAINTEXT", "SSL"] as const) {
    await t.step(protocol, async () => {
      const { context } = await TestBroker.start();
      let polls = 0;
      let accepted = 0;
      const acceptedByPoll: number[] = [];
      const ready = Promise.withResolvers<void>();
      let release = () => {};
      const clock = new class extends ManualClock {
        override async yield(): Promise<void> {
          acceptedByPoll.push(accepted);
          accepted = 0;
          if (++polls < 4) return;
          ready.resolve();
          await new Promise<void>((resolve) => release = resolve);
        }
      }();
      let isClosed = false;
      // A storm: there always is another connection.
      const storm: SecureListener = {
        addr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
        certificates: [],
        accept() {
          if (isClosed) return Promise.reject(new Deno.errors.BadResource());
          accepted++;
          return Promise.resolve(connection());
        },
        close: () => isClosed = true,
      };
      const server = new Server({ ...context, clock }, new HandlerTable());
      server.serveTls(storm, { name: "STORM", protocol });
      server.start();
      await ready.promise;
      assertEquals(acceptedByPoll, [64, 64, 64, 64]);
      isClosed = true;
      const closed = server.close();
      release();
      if (protocol === "PLAINTEXT") clock.advance(2000);
      await closed;
    });
  }
});
