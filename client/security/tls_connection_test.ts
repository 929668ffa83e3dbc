import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { metadata, saslHandshake } from "../../protocol/messages/mod.ts";
import { encryptKey, TestAuthority } from "../../tests/support/security/test_authority.ts";
import { resolveClientOptions } from "../client_options.ts";
import { ClientCore } from "../connection/client_core.ts";
import {
  AuthenticationError,
  CertificateError,
  ConnectionError,
  type DqueueError,
  ProtocolError,
  TimeoutError,
  UsageError,
} from "../errors.ts";
import { DISCONNECT, FakeCluster } from "../testing/fake_cluster.ts";
import { type FakePort, plaintextPort, tlsPort } from "../testing/fake_port.ts";
import { demandSasl } from "../testing/fake_sasl.ts";
import { resolveTls, type SecurityOptions } from "./security_options.ts";

const authority = TestAuthority.create();
const server = authority.issueServer();
/** The server of the test closes without an alert. */
const NOT_ACCEPTED = "closes the connection after it has got the client's certificate";
const client = authority.issueClient("CN=alice");

/** Asks for metadata through a port. */
async function ask(
  { port }: FakePort,
  security: SecurityOptions,
  options: { readonly host?: string; readonly timeoutMs?: number } = {},
): Promise<void> {
  const { host = "127.0.0.1", timeoutMs = 20_000 } = options;
  const core = new ClientCore(
    resolveClientOptions({
      brokers: `${host}:${port}`,
      timeoutMs,
      retry: { initialBackoffMs: 1, maxBackoffMs: 10 },
      ...security,
    }),
  );
  try {
    await core.retry("ask", {}, () => core.requestAny(metadata, { topics: [] }));
  } finally {
    await core.close();
  }
}

async function refusal<E extends DqueueError>(
  port: FakePort,
  security: SecurityOptions,
  kind: abstract new (...args: never[]) => E,
  message: string,
): Promise<E> {
  const error = await assertRejects(
    () => ask(port, security),
    kind as unknown as abstract new () => E,
    message,
  );
  assertEquals(error.retriable, false, error.message);
  return error;
}

Deno.test("Client with tls speaks to a port with TLS", async (t) => {
  const cluster = new FakeCluster();
  await using port = await tlsPort(cluster, server);
  const ways: readonly [name: string, tls: NonNullable<SecurityOptions["tls"]>][] = [
    ["trusting an authority", { ca: authority.cert }],
    ["trusting several", { ca: [TestAuthority.create().cert, authority.cert] }],
    ["with options of a function", () => Promise.resolve({ ca: authority.cert })],
    ["by another name of the broker", { ca: authority.cert, serverName: "localhost" }],
    ["without a check of the name", {
      ca: authority.cert,
      serverName: "elsewhere",
      verifyServerName: false,
    }],
    ["with a certificate that nobody asks for", { ca: authority.cert, ...pemOf(client) }],
    ["with a certificate and another name", {
      ca: authority.cert,
      ...pemOf(client),
      serverName: "localhost",
    }],
    ["with a certificate and no check of the name", {
      ca: authority.cert,
      ...pemOf(client),
      serverName: "elsewhere",
      verifyServerName: false,
    }],
  ];
  for (const [name, tls] of ways) await t.step(name, () => ask(port, { tls }));
});

function pemOf({ cert, key }: { readonly cert: string; readonly key: string }) {
  return { cert, key };
}

/** Servers of Deno ask for no certificates before 2.8. */
const asksForNone = /^2\.[0-7]\./.test(Deno.version.deno);

Deno.test({
  name: "Client with a certificate speaks to a port that asks for one",
  ignore: asksForNone,
  fn: speakWithCertificate,
});

async function speakWithCertificate(t: Deno.TestContext): Promise<void> {
  const cluster = new FakeCluster();
  await using port = await tlsPort(cluster, { ...server, clientCa: authority.cert });
  const ca = authority.cert;
  await t.step("its own", () => ask(port, { tls: { ca, ...pemOf(client) } }));
  for (const form of ["pkcs8", "traditional"] as const) {
    await t.step(`with an encrypted key (${form})`, async () => {
      const rsa = authority.issueClient("CN=alice", { keyKind: "rsa" });
      const key = encryptKey(rsa, "passphrase", form);
      await ask(port, { tls: { ca, cert: rsa.cert, key, passphrase: "passphrase" } });
      const locked = { ca, cert: rsa.cert, key };
      await refusal(port, { tls: locked }, UsageError, "tls.passphrase");
      await refusal(
        port,
        { tls: { ...locked, passphrase: "canary" } },
        UsageError,
        "Cannot use tls.key",
      ).then((error) => assert(!Deno.inspect(error).includes("canary")));
    });
  }
  await t.step("not without one", async () => {
    const error = await refusal(port, { tls: { ca } }, CertificateError, "asks for a certificate");
    assert(error.advice.includes("tls.cert"));
  });
  await t.step("not with one of a stranger", async () => {
    const stranger = TestAuthority.create({ subject: "CN=stranger" }).issueClient("CN=alice");
    await refusal(port, { tls: { ca, ...pemOf(stranger) } }, CertificateError, NOT_ACCEPTED);
  });
  await t.step("not with an expired one", async () => {
    const notAfter = new Date(Date.now() - 86_400_000);
    const notBefore = new Date(Date.now() - 2 * 86_400_000);
    const old = authority.issueClient("CN=alice", { notBefore, notAfter });
    await refusal(port, { tls: { ca, ...pemOf(old) } }, CertificateError, NOT_ACCEPTED);
  });
  await t.step("not with the key of another", async () => {
    const other = authority.issueClient("CN=bob");
    await refusal(
      port,
      { tls: { ca, cert: client.cert, key: other.key } },
      UsageError,
      "it is not the key of tls.cert",
    );
  });
}

Deno.test("Client says why it does not trust a broker", async (t) => {
  const cluster = new FakeCluster();
  const ca = authority.cert;
  const withCertificate = (tls: object) => ({ tls: { ...tls, ...pemOf(client) } });
  await using port = await tlsPort(cluster, server);
  await t.step("an authority that it does not know", async () => {
    const stranger = TestAuthority.create({ subject: "CN=stranger" }).cert;
    for (const tls of [true, { ca: stranger }]) {
      const error = await refusal(port, { tls }, CertificateError, "no authority");
      assert(error.advice.includes("tls.ca"));
    }
    await refusal(port, withCertificate({ ca: stranger }), CertificateError, "no authority");
  });
  await t.step("another name", async () => {
    const tls = { ca, serverName: "kafka.example" };
    const error = await refusal(port, { tls }, CertificateError, "is for another name");
    assert(error.advice.includes("tls.serverName"));
    await refusal(port, withCertificate(tls), CertificateError, "is for another name");
  });
  const dated = async (name: string, fromDays: number, toDays: number, message: string) => {
    await t.step(name, async () => {
      const at = (days: number) => new Date(Date.now() + days * 86_400_000);
      const certificate = authority.issueServer({ notBefore: at(fromDays), notAfter: at(toDays) });
      await using port = await tlsPort(new FakeCluster(), certificate);
      await refusal(port, { tls: { ca } }, CertificateError, message);
      await refusal(port, withCertificate({ ca }), CertificateError, message);
    });
  };
  await dated("an expired certificate", -2, -1, "has expired");
  await dated("a certificate of the future", 1, 2, "not valid yet");
});

Deno.test("Client without tls says that a port speaks TLS", async () => {
  await using port = await tlsPort(new FakeCluster(), server);
  const error = await refusal(port, {}, ConnectionError, "that port speaks TLS");
  assert(error.advice.includes("tls"));
});

Deno.test("Client with tls says that a port speaks plaintext", async () => {
  await using port = plaintextPort(new FakeCluster());
  for (const tls of [{ ca: authority.cert }, { ca: authority.cert, ...pemOf(client) }]) {
    const error = await refusal(port, { tls }, ConnectionError, "that port speaks plaintext");
    assert(error.advice.includes("leave out tls"));
  }
});

Deno.test("Client without sasl says that a port demands it, and which mechanisms it offers", async (t) => {
  const cluster = new FakeCluster();
  await demandSasl(cluster, { mechanisms: ["PLAIN", "SCRAM-SHA-512"] });
  const message = "that port demands SASL, and the client has no credentials";
  await t.step("without TLS", async () => {
    await using port = plaintextPort(cluster);
    const error = await refusal(port, {}, AuthenticationError, message);
    assertEquals(error.mechanisms, ["PLAIN", "SCRAM-SHA-512"]);
  });
  await t.step("with TLS", async () => {
    await using port = await tlsPort(cluster, server);
    await refusal(port, { tls: { ca: authority.cert } }, AuthenticationError, message);
  });
  await t.step("but not of a broker that only fails", async () => {
    const failing = new FakeCluster();
    failing.on(metadata, () => DISCONNECT);
    failing.on(saslHandshake, () => ({ errorCode: ErrorCode.ILLEGAL_SASL_STATE, mechanisms: [] }));
    await using port = plaintextPort(failing);
    const error = await assertRejects(() => ask(port, {}, { timeoutMs: 300 }), TimeoutError);
    assert(error.message.includes("closed by the broker"), error.message);
  });
});

Deno.test("Client authenticates over TLS", async () => {
  const cluster = new FakeCluster();
  const logins = await demandSasl(cluster, { mechanisms: ["PLAIN"] });
  await using port = await tlsPort(cluster, server);
  const sasl = { mechanism: "PLAIN", username: "alice", password: "secret" } as const;
  await ask(port, { tls: { ca: authority.cert }, sasl });
  assertEquals(logins, ["alice"]);
});

Deno.test("Client does not take another protocol for a large response", async (t) => {
  const answers: readonly [name: string, bytes: Uint8Array, message: string][] = [
    [
      "HTTP",
      new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
      "does not seem to speak",
    ],
    ["a size of 16 MiB", Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 1), "does not seem to speak"],
    ["a TLS alert", Uint8Array.of(0x15, 3, 3, 0, 2, 2, 50), "that port speaks TLS"],
    ["a TLS handshake", Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0), "that port speaks TLS"],
  ];
  for (const [name, bytes, message] of answers) {
    await t.step(name, async () => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const serving = (async () => {
        const conn = await listener.accept();
        await conn.read(new Uint8Array(100));
        await conn.write(bytes);
        return conn;
      })();
      const port = { port: listener.addr.port, [Symbol.asyncDispose]: () => Promise.resolve() };
      const error = await assertRejects(() => ask(port, {}), Error, message);
      assert(error instanceof ProtocolError || error instanceof ConnectionError);
      (await serving).close();
    });
  }
});

Deno.test("resolveTls() refuses wrong options without showing keys", async (t) => {
  const { cert, key } = pemOf(client);
  const wrong: readonly [name: string, tls: unknown, message: string][] = [
    ["a path as ca", { ca: "/etc/ca.pem" }, 'tls.ca of "/etc/ca.pem"'],
    ["a path as cert", { cert: "client.pem", key }, 'tls.cert of "client.pem"'],
    ["a text as key", { cert, key: "canary" }, "tls.key"],
    ["cert without key", { cert }, "tls.cert without tls.key"],
    ["key without cert", { key }, "tls.key without tls.cert"],
    ["a passphrase for nothing", { passphrase: "canary" }, "tls.passphrase without tls.key"],
    ["a misspelled option", { certificate: cert }, '"certificate" of tls'],
    ["an empty name", { serverName: "" }, "tls.serverName"],
  ];
  for (const [name, tls, message] of wrong) {
    await t.step(name, () => {
      const error = assertThrows(
        () => resolveTls(tls as SecurityOptions["tls"]),
        UsageError,
        message,
      );
      assert(!Deno.inspect(error).includes("canary"));
    });
  }
});
