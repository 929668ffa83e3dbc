/**
 * Clients reach a broker by TLS, and what else connects there does not hinder them.
 *
 * `DQUEUE_TEST_HALF_OPEN` sets the number of connections without a handshake, `DQUEUE_TEST_FUZZ_FRAMES`
 * that of random writes before and after a handshake.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import net from "node:net";
import tls from "node:tls";
import { Buffer } from "node:buffer";
import { partsOf } from "../../broker/broker.ts";
import { Health } from "../../broker/http/health.ts";
import { HttpCounters } from "../../broker/http/http_counters.ts";
import { MetricsPage } from "../../broker/http/metrics/mod.ts";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { seededRandom } from "../../protocol/messages/sample_message_testing.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";
import { runWith } from "../support/prometheus.ts";
import { testWith } from "../support/outside.ts";
import { requestFrame } from "../support/protocol/raw_connection.ts";
import { TlsBroker } from "../support/security/tls_broker.ts";
import { SkippingClock } from "../support/skipping_clock.ts";
import { TestAuthority, type TestCertificate } from "../support/security/test_authority.ts";
import { within } from "../support/within.ts";

const HALF_OPEN = Number(Deno.env.get("DQUEUE_TEST_HALF_OPEN") ?? 300);
const FUZZ_WRITES = Number(Deno.env.get("DQUEUE_TEST_FUZZ_FRAMES") ?? 300);

/** Has a client of the broker write and read a message. */
async function useBroker(client: ReturnType<TlsBroker["client"]>, topic: string): Promise<void> {
  await client.admin().createTopic({ name: topic });
  const { offset } = await client.producer().send({ topic, value: "hello" });
  const { messages } = await client.consumer().fetchFrom(topic, 0, offset);
  assertEquals(messages.length, 1);
}

Deno.test("Broker serves clients by TLS, and shows when its certificate expires", async () => {
  await using server = await TlsBroker.start();
  {
    await using client = server.client();
    await useBroker(client, "a");
  }
  const parts = partsOf(server.broker);
  const page = new MetricsPage({
    parts,
    version: "1",
    health: new Health(parts),
    http: new HttpCounters(),
  });
  const text = await page.text();
  page.close();
  const [, seconds] =
    /^dqueue_tls_certificate_expiry_seconds\{listener="SSL",name="CN=server"\} (\S+)$/m.exec(text)!;
  assert(Number(seconds) > Date.now() / 1000);
  assertStringIncludes(text, 'dqueue_tls_certificate_stale{listener="SSL"} 0');
  assertEquals(server.problems, []);
});

Deno.test("Broker knows a user by its certificate", async (t) => {
  await using server = await TlsBroker.start({
    config: {
      "ssl.client.auth": "requested",
      "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
      "super.users": "User:alice",
      "authorizer": "required",
    } as never,
  });
  const { authority } = server;
  const day = (days: number) => new Date(Date.now() + days * 24 * 60 * 60 * 1000);
  const attempt = async (certificate?: TestCertificate) => {
    await using client = server.client(
      certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key },
    );
    await useBroker(client, crypto.randomUUID());
  };
  await t.step("that may do what it wants", async () => {
    await attempt(authority.issueClient("O=Acme,CN=alice"));
  });
  await t.step("that may not", async () => {
    const error = await assertRejects(() => attempt(authority.issueClient("CN=bob")));
    assertStringIncludes(String(error), "AUTHORIZATION_FAILED");
    await assertRejects(() => attempt(), Error, "AUTHORIZATION_FAILED");
  });
  await t.step("not by a certificate of another authority, or an old one", async () => {
    const stranger = TestAuthority.create({ subject: "CN=test authority" });
    await assertRejects(() => attempt(stranger.issueClient("CN=alice")));
    assertStringIncludes(
      server.problems.at(-1)!,
      "of the client is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
    );
    const old = authority.issueClient("CN=alice", { notBefore: day(-2), notAfter: day(-1) });
    await assertRejects(() => attempt(old));
  });
});

testWith(
  "kcat",
  "Broker tells what a client speaks that has the wrong kind of port",
  async (kcat, t) => {
    await using server = await TlsBroker.start();
    const list = async (...flags: string[]) => {
      server.lines.length = 0;
      const { output } = await runWith(kcat, ["-L", "-m", "1", ...flags], "");
      return [output, server.problems] as const;
    };
    await t.step("TLS at the TLS port", async () => {
      const trust = ["-X", "security.protocol=SSL", "-X", `ssl.ca.location=${server.caFile}`];
      const [output, problems] = await list("-b", server.address, ...trust);
      assertStringIncludes(output, `from broker 1: ssl://${server.address}/1`);
      assertEquals(problems, []);
    });
    await t.step("no TLS at the TLS port", async () => {
      const [output, [problem]] = await list("-b", server.address);
      assertStringIncludes(output, "connecting to a SSL listener?");
      assertStringIncludes(problem!, "client speaks Kafka's protocol without TLS");
      assertStringIncludes(problem!, "set security.protocol=SSL");
    });
    await t.step("TLS at a port without TLS", async () => {
      const [output, [problem]] = await list("-b", server.plaintext, "-X", "security.protocol=SSL");
      assertMatch(output, /SSL handshake failed|state SSL_HANDSHAKE/);
      assertStringIncludes(problem!, "client speaks TLS");
      assertStringIncludes(problem!, "set security.protocol=PLAINTEXT");
    });
    await t.step("a client that does not know the authority", async () => {
      const [output] = await list("-b", server.address, "-X", "security.protocol=SSL");
      assertStringIncludes(output, "certificate verify failed");
    });
  },
);

Deno.test(`Broker serves its neighbours while ${HALF_OPEN} connections have no handshake`, async () => {
  await using server = await TlsBroker.start();
  await using before = server.client();
  await before.admin().createTopic({ name: "a" });
  await before.producer().send({ topic: "a", value: "before" });
  const conns: Deno.TcpConn[] = [];
  try {
    for (let i = 0; i < HALF_OPEN; i++) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      // Some begin a handshake, some never say a word.
      if (i % 2 === 0) await conn.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc));
      conns.push(conn);
    }
    for (let i = 0; i < 20; i++) await before.producer().send({ topic: "a", value: "during" });
    await using after = server.client();
    await useBroker(after, "b");
    // Those of one address are bounded, in favour of the newest.
    assert(server.broker.connectionCount <= 2048 + 10);
  } finally {
    for (const conn of conns) conn.close();
  }
});

Deno.test("Broker completes the handshakes of many clients that come at once from one address", async () => {
  await using server = await TlsBroker.start();
  const conns = await Promise.all(Array.from({ length: HALF_OPEN }, async () => {
    const conn = await Deno.connectTls({
      hostname: "127.0.0.1",
      port: server.port,
      caCerts: [server.authority.cert],
    });
    await conn.handshake();
    return conn;
  }));
  for (const conn of conns) conn.close();
  assertEquals(server.problems, []);
});

Deno.test("Broker takes new certificates under load", async (t) => {
  const clock = new SkippingClock();
  // Files are looked at every ten seconds. Handshakes have as long, and take less than this.
  const { setTimeout: after } = clock;
  clock.setTimeout = (callback, ms) => after(callback, ms === 10_000 ? 500 : ms);
  await using server = await TlsBroker.start({ clock });
  await using client = server.client();
  await client.admin().createTopic({ name: "a" });
  let isLoaded = true;
  let sent = 0;
  const load = async () => {
    while (isLoaded) {
      await client.producer().send({ topic: "a", value: String(sent++) });
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  const loaded = load();
  const shown = async () => {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const socket = tls.connect({ host: "127.0.0.1", port: server.port, ca: server.authority.cert });
    socket.on("error", reject);
    socket.once("secureConnect", () => resolve(socket.getPeerX509Certificate()!.raw));
    try {
      return new Uint8Array(await within(promise, "a handshake"));
    } finally {
      socket.destroy();
    }
  };
  const until = async (what: string, isTrue: () => Promise<boolean> | boolean) => {
    const wait = async () => {
      while (!await isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await within(wait(), what);
  };
  const next = server.authority.issueServer();
  await t.step("that can be used", async () => {
    await Deno.writeTextFile(server.file("next.pem"), next.keystore);
    await Deno.rename(server.file("next.pem"), server.keystoreFile);
    await until("the new certificate", async () => Buffer.compare(await shown(), next.der) === 0);
  });
  await t.step("not what cannot be used", async () => {
    await Deno.writeTextFile(server.keystoreFile, next.keystore.slice(0, 200));
    await until("a log line", () => server.problems.length > 0);
    assertStringIncludes(server.problems[0]!, "ERROR Cannot load new certificates of a listener");
    assertEquals(await shown(), next.der);
  });
  isLoaded = false;
  await loaded;
  // The connection of the producer was never lost.
  const { messages } = await client.consumer().fetchFrom("a", 0, 0);
  assert(sent > 0 && messages.length > 0);
  assertEquals(server.problems.length, 1);
});

Deno.test("Broker survives random bytes before and after a handshake", async (t) => {
  await using server = await TlsBroker.start();
  await using neighbour = server.client();
  await neighbour.admin().createTopic({ name: "a" });
  const hello = requestFrame(apiVersions, 3, {
    clientSoftwareName: "fuzz",
    clientSoftwareVersion: "1",
  });
  await eachSeed(t, 1, async (seed) => {
    const random = seededRandom(seed);
    const noise = () => Uint8Array.from({ length: 1 + random(300) }, () => random(256));
    for (let i = 0; i < FUZZ_WRITES / 3; i++) {
      // Noise, noise that begins like TLS, and the beginning of a record.
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      const bytes = noise();
      if (i % 3 > 0) bytes.set([0x16, 3, random(5)].slice(0, bytes.length));
      await conn.write(bytes).catch(() => {});
      if (i % 3 === 1) await conn.closeWrite().catch(() => {});
    }
    for (let i = 0; i < FUZZ_WRITES / 3; i++) {
      const { raw, socket } = await secured(server);
      socket.write(hello);
      socket.write(noise());
      // What follows is not encrypted at all.
      if (i % 2 === 0) raw.write(noise());
      await closed(socket, i % 3 === 0);
    }
  });
  await neighbour.producer().send({ topic: "a", value: "still here" });
  assertEquals(server.lines.filter((line) => line.startsWith("ERROR")), []);
});

/** Completes a handshake. */
async function secured(server: TlsBroker): Promise<{ raw: net.Socket; socket: tls.TLSSocket }> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const raw = net.connect({ host: "127.0.0.1", port: server.port });
  raw.on("error", reject);
  const host = "127.0.0.1";
  const socket = tls.connect({ socket: raw, host, ca: server.authority.cert }, resolve);
  socket.on("error", reject);
  socket.resume();
  await within(promise, "a handshake");
  return { raw, socket };
}

/** Ends a connection at once, or waits until the broker ends it. */
async function closed(socket: tls.TLSSocket, atOnce: boolean): Promise<void> {
  const end = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  if (atOnce) socket.destroy();
  else socket.end();
  await within(end, "the end of a connection");
}
