import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  TestAuthority,
  type TestCertificate,
} from "../../../tests/support/security/test_authority.ts";
import { silentLogger } from "../../logger.ts";
import { BrokerConfig } from "../../settings/config.ts";
import { Secret } from "../../settings/secret.ts";
import { systemClock } from "../../time/clock.ts";
import { TlsConnectError, TlsConnector } from "./tls_connector.ts";
import { openTlsListener } from "./tls_listener.ts";

const authority = TestAuthority.create();

type Settings = Parameters<typeof BrokerConfig.from>[0];

function settingsOf(own: TestCertificate, trusted = authority, settings: Settings = {}) {
  return BrokerConfig.from({
    "ssl.keystore.type": "PEM",
    "ssl.keystore.key": new Secret(own.key),
    "ssl.keystore.certificate.chain": new Secret(own.cert),
    "ssl.truststore.type": "PEM",
    "ssl.truststore.certificates": new Secret(trusted.cert),
    ...settings,
  });
}

/** Has one broker connect to another, and returns how the other knows it, or why it cannot. */
async function connect(
  { from = settingsOf(authority.issueServer({ subject: "CN=broker-1" })), to }: {
    from?: BrokerConfig;
    to?: BrokerConfig;
  },
  host = "127.0.0.1",
): Promise<string> {
  const common = { clock: systemClock, logger: silentLogger };
  const listener = await openTlsListener({
    ...common,
    address: { host: "127.0.0.1", port: 0 },
    identity: { name: "SSL", protocol: "SSL" },
    config: to ?? settingsOf(authority.issueServer(), authority, { "ssl.client.auth": "required" }),
  });
  const connector = await TlsConnector.open({ ...common, config: from, listener: "SSL" });
  const serve = async () => {
    const conn = await listener.accept();
    try {
      const { principalName } = await conn.handshake();
      const writer = conn.writable.getWriter();
      await writer.write(new TextEncoder().encode(principalName ?? "nobody"));
      await writer.close();
    } catch {
      // The other side says why.
    } finally {
      conn.close();
    }
  };
  const served = serve();
  try {
    const { signal } = new AbortController();
    const duplex = await connector.connect({ host, port: listener.addr.port }, signal);
    const text = await new Response(duplex.readable).text();
    duplex.close();
    return text;
  } finally {
    await served;
    listener.close();
  }
}

async function refusal(...args: Parameters<typeof connect>): Promise<string> {
  return (await assertRejects(() => connect(...args), TlsConnectError)).message;
}

Deno.test("TlsConnector shows the other broker a certificate, and checks that one's", async (t) => {
  await t.step("by address and by name", async () => {
    assertEquals(await connect({}), "CN=broker-1");
    assertEquals(await connect({}, "localhost"), "CN=broker-1");
  });
  await t.step("not of an authority that it does not know", async () => {
    const stranger = TestAuthority.create({ subject: "CN=stranger" });
    const from = settingsOf(authority.issueServer(), stranger);
    assertStringIncludes(await refusal({ from }), "add its authority to ssl.truststore.location");
  });
  await t.step("not for another host, unless names are not checked", async () => {
    const to = settingsOf(authority.issueServer({ hosts: ["elsewhere.test"] }));
    assertStringIncludes(await refusal({ to }), "its certificate is not for 127.0.0.1");
    const from = settingsOf(authority.issueServer(), authority, {
      "ssl.endpoint.identification.algorithm": "",
    });
    assertEquals(await connect({ from, to }), "nobody");
  });
});

Deno.test("TlsConnector says that another broker does not speak TLS", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const config = settingsOf(authority.issueServer());
  const connector = await TlsConnector.open({
    config,
    listener: "SSL",
    clock: systemClock,
    logger: silentLogger,
  });
  const served = listener.accept().then(async (conn) => {
    await conn.read(new Uint8Array(1000));
    conn.close();
  });
  const { message } = await assertRejects(
    () =>
      connector.connect(
        { host: "127.0.0.1", port: listener.addr.port },
        new AbortController().signal,
      ),
    TlsConnectError,
  );
  assertStringIncludes(message, "does it speak TLS at that port?");
  await served;
});

Deno.test("TlsConnector gives up when it is aborted", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connector = await TlsConnector.open({
    config: settingsOf(authority.issueServer()),
    listener: "SSL",
    clock: systemClock,
    logger: silentLogger,
  });
  const stop = new AbortController();
  const address = { host: "127.0.0.1", port: listener.addr.port };
  const connecting = connector.connect(address, stop.signal);
  using _conn = await listener.accept();
  const reason = new Error("enough");
  stop.abort(reason);
  assertEquals(await assertRejects(() => connecting), reason);
  assertEquals(await assertRejects(() => connector.connect(address, stop.signal)), reason);
});

Deno.test("TlsConnector loads authorities again at once when a handshake fails", async () => {
  const next = TestAuthority.create({ subject: "CN=next" });
  const truststore = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(truststore, authority.cert);
    const own = authority.issueServer();
    const config = BrokerConfig.from({
      "ssl.keystore.type": "PEM",
      "ssl.keystore.key": new Secret(own.key),
      "ssl.keystore.certificate.chain": new Secret(own.cert),
      "ssl.truststore.type": "PEM",
      "ssl.truststore.location": truststore,
    });
    const common = { clock: systemClock, logger: silentLogger };
    const connector = await TlsConnector.open({ ...common, config, listener: "SSL" });
    const listener = await openTlsListener({
      ...common,
      address: { host: "127.0.0.1", port: 0 },
      identity: { name: "SSL", protocol: "SSL" },
      config: settingsOf(next.issueServer(), next),
    });
    const serve = async () => {
      for (let i = 0; i < 3; i++) {
        const conn = await listener.accept();
        await conn.handshake().catch(() => {});
        conn.close();
      }
    };
    const served = serve();
    const attempt = () =>
      connector.connect(
        { host: "127.0.0.1", port: listener.addr.port },
        new AbortController().signal,
      );
    await assertRejects(attempt, TlsConnectError, "its certificate is not trusted");
    await Deno.writeTextFile(truststore, authority.cert + next.cert);
    (await attempt()).close();
    await served;
    listener.close();
  } finally {
    await Deno.remove(truststore);
  }
});
