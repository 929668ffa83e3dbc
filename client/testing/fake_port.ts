/**
 * Ports in front of a fake cluster, for tests of what a client finds there.
 *
 * @module
 */

import { StreamChannel } from "../../protocol/frames/channel.ts";
import { socketDuplex } from "../../protocol/frames/socket_duplex.ts";
import type { FakeCluster } from "./fake_cluster.ts";

/** A port. */
export interface FakePort extends AsyncDisposable {
  readonly port: number;
}

type Duplex = ConstructorParameters<typeof StreamChannel>[0];

/** Passes frames of a socket to a broker of the cluster, and its answers back. */
async function relay(cluster: FakeCluster, duplex: Duplex): Promise<void> {
  const outside = new StreamChannel(duplex, "client", { maxFrameSize: 1024 * 1024 });
  const inside = cluster.connect("broker-0:9092");
  const pass = async (from: typeof inside, to: typeof inside) => {
    try {
      for (let frame = await from.next(); frame !== null; frame = await from.next()) {
        to.out.beginFrame();
        to.out.raw(frame);
        to.out.endFrame();
        to.flush();
        await to.drained();
      }
    } catch {
      // A frame that is too large: not Kafka's protocol.
    } finally {
      from.abort();
      to.abort();
    }
  };
  await Promise.all([pass(outside, inside), pass(inside, outside)]);
}

/** A plaintext port. */
export function plaintextPort(cluster: FakeCluster): FakePort {
  return portOf(cluster, Deno.listen({ hostname: "127.0.0.1", port: 0 }));
}

function portOf(cluster: FakeCluster, listener: Deno.TcpListener | Deno.TlsListener): FakePort {
  const relays: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const conn of listener) relays.push(relay(cluster, conn));
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting.catch(() => {});
      cluster.disconnect();
      await Promise.all(relays);
      await cluster.idle();
    },
  };
}

/** Certificates of a port with TLS. */
export interface FakeTlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Asks for certificates of clients by this authority. */
  readonly clientCa?: string;
}

/** A port with TLS. */
export function tlsPort(cluster: FakeCluster, options: FakeTlsOptions): Promise<FakePort> {
  return options.clientCa === undefined
    ? Promise.resolve(
      portOf(cluster, Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...options })),
    )
    : certificatePort(cluster, options);
}

/** A port that asks for certificates, which Deno has in `node:tls` only, from 2.8 on. */
async function certificatePort(cluster: FakeCluster, options: FakeTlsOptions): Promise<FakePort> {
  const { createServer } = await import("node:tls");
  const relays = new Set<Promise<void>>();
  const sockets = new Set<{ destroy(): unknown }>();
  const server = createServer({
    cert: options.cert,
    key: options.key,
    requestCert: true,
    rejectUnauthorized: true,
    ca: options.clientCa!,
  }, (socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    // deno-lint-ignore no-explicit-any
    relays.add(relay(cluster, socketDuplex(socket as any)));
  });
  server.on("tlsClientError", (_, socket) => socket.destroy());
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      cluster.disconnect();
      await Promise.all(relays);
      await closed;
      await cluster.idle();
    },
  };
}
