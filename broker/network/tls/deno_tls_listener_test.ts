import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { TestAuthority } from "../../../tests/support/security/test_authority.ts";
import { within } from "../../../tests/support/within.ts";
import { BrokerConfig } from "../../settings/config.ts";
import { Secret } from "../../settings/secret.ts";
import { ManualClock } from "../../time/clock.ts";
import { parseCredentials, type TlsCredentials } from "./credentials.ts";
import { listenDenoTls } from "./deno_tls_listener.ts";
import { type SecureConn, TlsHandshakeError } from "./secure_listener.ts";

const authority = TestAuthority.create();
const ADDRESS = { host: "127.0.0.1", port: 0 };

function credentials(): { der: Uint8Array; credentials: TlsCredentials } {
  const { key, cert, der } = authority.issueServer();
  const config = BrokerConfig.from({
    "ssl.keystore.type": "PEM",
    "ssl.keystore.key": new Secret(key),
    "ssl.keystore.certificate.chain": new Secret(cert),
  });
  const files = { keystore: undefined, truststore: undefined };
  return { der, credentials: parseCredentials(config, files, Date.now()) };
}

function listen() {
  const clock = new ManualClock();
  const listener = listenDenoTls(ADDRESS, credentials().credentials, {
    clock,
    versions: ["TLSv1.2", "TLSv1.3"],
    isClientAuthRequired: false,
    clients: undefined,
  });
  return { clock, listener, port: (listener.addr as Deno.NetAddr).port };
}

function connect(port: number): Promise<Deno.TlsConn> {
  return Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [authority.cert] });
}

/** Connects as soon as somebody listens. */
async function connectSoon(port: number): Promise<Deno.TlsConn> {
  for (;;) {
    try {
      return await connect(port);
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

async function handshakeOf(accepted: Promise<SecureConn>) {
  const conn = await accepted;
  await conn.handshake();
  return conn;
}

Deno.test("listenDenoTls() serves clients by TLS, with new certificates after a change", async () => {
  const { clock, listener, port } = listen();
  for (let i = 0; i < 2; i++) {
    const [client, conn] = await Promise.all([connect(port), handshakeOf(listener.accept())]);
    await client.write(new TextEncoder().encode("hello"));
    const reader = conn.readable.getReader({ mode: "byob" });
    const { value } = await reader.read(new Uint8Array(100));
    assertEquals(new TextDecoder().decode(value), "hello");
    client.close();
    conn.close();
    // Those who wait for a connection get those of the next listener.
    const accepting = listener.accept();
    listener.use(credentials().credentials);
    const [next, taken] = await Promise.all([connectSoon(port), handshakeOf(accepting)]);
    next.close();
    taken.close();
  }
  listener.close();
  await assertRejects(() => listener.accept(), Deno.errors.BadResource);
  assertEquals(clock.timerCount, 0);
});

Deno.test("listenDenoTls() ends clients that do not speak TLS, or take too long", async () => {
  const { clock, listener, port } = listen();
  const failureOf = async (start: (conn: Deno.TcpConn) => Promise<unknown> | void) => {
    using client = await Deno.connect({ hostname: "127.0.0.1", port });
    const conn = await listener.accept();
    const shaking = assertRejects(() => conn.handshake(), TlsHandshakeError);
    await start(client);
    const { kind, message } = await within(shaking, "the end of a handshake");
    return `${kind}: ${message}`;
  };
  const garbage = new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n");
  assertStringIncludes(await failureOf((conn) => conn.write(garbage)), "foreign: ");
  assertStringIncludes(await failureOf((conn) => conn.closeWrite()), "gone: ");
  assertEquals(
    await failureOf(() => clock.advance(10_000)),
    "overdue: the handshake took too long",
  );
  assertEquals(clock.timerCount, 0);
  listener.close();
});
