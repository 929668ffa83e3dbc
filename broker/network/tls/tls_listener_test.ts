import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import tls from "node:tls";
import { Buffer } from "node:buffer";
import { TestAuthority } from "../../../tests/support/security/test_authority.ts";
import { TemporaryFolder } from "../../../tests/support/temporary_folder.ts";
import { within } from "../../../tests/support/within.ts";
import { createLogger, silentLogger } from "../../logger.ts";
import { BrokerConfig, ConfigError } from "../../settings/config.ts";
import { Secret } from "../../settings/secret.ts";
import { ManualClock, systemClock } from "../../time/clock.ts";
import type { SecureListener, TlsHandshakeError, TlsPeer } from "./secure_listener.ts";
import { openTlsListener } from "./tls_listener.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const authority = TestAuthority.create();
const server = authority.issueServer();

type Settings = Parameters<typeof BrokerConfig.from>[0];

const SETTINGS: Settings = {
  "ssl.keystore.type": "PEM",
  "ssl.keystore.key": new Secret(server.key),
  "ssl.keystore.certificate.chain": new Secret(server.cert),
  "ssl.truststore.type": "PEM",
  "ssl.truststore.certificates": new Secret(authority.cert),
};

/** A listener that sends back what it receives. */
class EchoServer {
  readonly listener: SecureListener;
  readonly clock: ManualClock;
  readonly #outcomes: (TlsPeer | TlsHandshakeError)[] = [];
  #wake = () => {};
  readonly #serving: Set<Promise<void>> = new Set();
  readonly #accepting: Promise<void>;

  private constructor(listener: SecureListener, clock: ManualClock) {
    this.listener = listener;
    this.clock = clock;
    this.#accepting = this.#accept();
  }

  static async start(settings: Settings = {}, port = 0): Promise<EchoServer> {
    const clock = new ManualClock(Date.now());
    const listener = await openTlsListener({
      address: { host: "127.0.0.1", port },
      identity: { name: "SSL", protocol: "SSL" },
      config: BrokerConfig.from({ ...SETTINGS, ...settings }),
      clock,
      logger: createLogger({ level: "error", sink: () => {} }),
    });
    return new EchoServer(listener, clock);
  }

  get port(): number {
    return this.listener.addr.port;
  }

  /** How the next handshake ends: the name of the client, or what is wrong with it. */
  async outcome(): Promise<string | undefined> {
    const wait = async () => {
      while (this.#outcomes.length === 0) {
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    };
    await within(wait(), "a handshake");
    const outcome = this.#outcomes.shift()!;
    return outcome instanceof Error ? `${outcome.kind}: ${outcome.message}` : outcome.principalName;
  }

  async #accept(): Promise<void> {
    for (;;) {
      let conn;
      try {
        conn = await this.listener.accept();
      } catch (error) {
        assert(error instanceof Deno.errors.BadResource);
        return;
      }
      const echo = async () => {
        try {
          this.#outcomes.push(await conn.handshake());
          this.#wake();
          await conn.readable.pipeTo(conn.writable).catch(() => {});
        } catch (error) {
          this.#outcomes.push(error as TlsHandshakeError);
          this.#wake();
        } finally {
          conn.close();
        }
      };
      const served = echo();
      this.#serving.add(served);
      served.finally(() => this.#serving.delete(served));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.listener.close();
    await this.#accepting;
    await Promise.all(this.#serving);
    assertEquals(this.clock.timerCount, 0);
  }
}

/** A client that is connected. */
class TestClient implements Disposable {
  readonly #socket: tls.TLSSocket;
  readonly #ended: Promise<string>;
  #received = "";
  #wake = () => {};

  private constructor(socket: tls.TLSSocket, ended: Promise<string>) {
    this.#socket = socket;
    this.#ended = ended;
    socket.on("data", (chunk) => {
      this.#received += String(chunk);
      this.#wake();
    });
  }

  static async connect(port: number, options: tls.ConnectionOptions = {}): Promise<TestClient> {
    const opened = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<string>();
    const socket = tls.connect(
      { host: "127.0.0.1", port, ca: authority.cert, ...options },
      opened.resolve,
    );
    let failure = "closed";
    socket.on("error", (error) => failure = error.message);
    socket.on("close", () => {
      opened.reject(new Error(failure));
      ended.resolve(failure);
    });
    opened.promise.catch(() => {});
    await within(opened.promise, "the handshake of a client");
    return new TestClient(socket, ended.promise);
  }

  get certificate(): Uint8Array {
    return this.#socket.getPeerX509Certificate()!.raw;
  }

  get version(): string | null {
    return this.#socket.getProtocol();
  }

  /** Sends a text and resolves when it has come back. */
  async echo(text: string): Promise<void> {
    this.#received = "";
    this.#socket.write(Buffer.from(text));
    const wait = async () => {
      while (this.#received !== text) await new Promise<void>((resolve) => this.#wake = resolve);
    };
    await within(wait(), "an echo");
  }

  /** Resolves when the connection has ended, to the reason. */
  ended(): Promise<string> {
    return within(this.#ended, "the end of a connection");
  }

  /** Closes the connection, and resolves when it has ended. */
  async close(): Promise<void> {
    this.#socket.end();
    await this.ended();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

function certificateOf({ cert, key }: { cert: string; key: string }) {
  return { cert, key };
}

Deno.test("openTlsListener() serves clients by TLS 1.2 and 1.3", async () => {
  await using echo = await EchoServer.start();
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    using client = await TestClient.connect(echo.port, {
      maxVersion: version,
      minVersion: version,
    });
    assertEquals([client.version, await echo.outcome()], [version, undefined]);
    await client.echo("hello");
    await client.echo("x".repeat(300_000));
    await client.close();
  }
});

Deno.test("openTlsListener() serves only the versions of ssl.enabled.protocols", async (t) => {
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    await t.step(version, async () => {
      await using echo = await EchoServer.start({ "ssl.enabled.protocols": [version] });
      using client = await TestClient.connect(echo.port);
      assertEquals([client.version, await echo.outcome()], [version, undefined]);
      const other = version === "TLSv1.2" ? "TLSv1.3" : "TLSv1.2";
      await assertRejects(
        () => TestClient.connect(echo.port, { maxVersion: other, minVersion: other }),
      );
      assertStringIncludes((await echo.outcome())!, "other: the handshake failed");
      await client.close();
    });
  }
});

Deno.test("openTlsListener() asks clients for certificates as ssl.client.auth says", async (t) => {
  const stranger = TestAuthority.create({ subject: "CN=stranger" });
  const day = (days: number) => new Date(Date.now() + days * DAY_MS);
  const right = certificateOf(authority.issueClient("O=Acme,CN=alice"));
  const indirect = certificateOf(authority.issueAuthority().issueClient("CN=bob"));
  const wrong = {
    untrusted: certificateOf(stranger.issueClient("O=Acme,CN=alice")),
    "self-signed": certificateOf(stranger.own),
    expired: certificateOf(
      authority.issueClient("CN=alice", { notBefore: day(-2), notAfter: day(-1) }),
    ),
    "not valid yet": certificateOf(authority.issueClient("CN=alice", { notBefore: day(1) })),
    nameless: certificateOf(authority.issueClient([])),
  };
  for (const clientAuth of ["none", "requested", "required"] as const) {
    await using echo = await EchoServer.start({ "ssl.client.auth": clientAuth });
    const serves = async (options: tls.ConnectionOptions) => {
      using client = await TestClient.connect(echo.port, options);
      const name = await echo.outcome();
      await client.echo("hello");
      await client.close();
      return name;
    };
    const refuses = async (options: tls.ConnectionOptions) => {
      // With TLS 1.3 a client learns this after its own handshake.
      using client = await TestClient.connect(echo.port, options).catch(() => undefined);
      const outcome = await echo.outcome();
      await client?.ended();
      assertStringIncludes(outcome!, "certificate: ");
    };
    await t.step(`${clientAuth}: of a trusted authority`, async () => {
      assertEquals(
        [await serves(right), await serves(indirect)],
        clientAuth === "none" ? [undefined, undefined] : ["CN=alice,O=Acme", "CN=bob"],
      );
    });
    await t.step(`${clientAuth}: no certificate`, async () => {
      if (clientAuth === "required") await refuses({});
      else assertEquals(await serves({}), undefined);
    });
    for (const [name, options] of Object.entries(wrong)) {
      await t.step(`${clientAuth}: ${name}`, async () => {
        if (clientAuth !== "none") await refuses(options);
        else assertEquals(await serves(options), undefined);
      });
    }
  }
});

Deno.test("openTlsListener() maps names of certificates to users", async () => {
  await using echo = await EchoServer.start({
    "ssl.client.auth": "required",
    "ssl.principal.mapping.rules": "RULE:^CN=([^,]+),OU=users$/$1/U",
  });
  const options = certificateOf(authority.issueClient("OU=users,CN=alice"));
  using client = await TestClient.connect(echo.port, options);
  assertEquals(await echo.outcome(), "ALICE");
  await client.close();
  const others = certificateOf(authority.issueClient("OU=others,CN=alice"));
  using refused = await TestClient.connect(echo.port, others).catch(() => undefined);
  assertStringIncludes(
    (await echo.outcome())!,
    'no rule of ssl.principal.mapping.rules applies to "CN=alice',
  );
  await refused?.ended();
});

Deno.test("openTlsListener() shows a client the certificate with the name that it asks for", async () => {
  const [blue, green] = ["blue.test", "*.green.test"].map((host) =>
    authority.issueServer({ subject: `CN=${host}`, hosts: [host, "127.0.0.1"] })
  );
  await using echo = await EchoServer.start({
    "ssl.keystore.key": new Secret(blue!.key + green!.key),
    "ssl.keystore.certificate.chain": new Secret(green!.cert + blue!.cert),
    "ssl.enabled.protocols": ["TLSv1.3"],
  });
  const names = { "blue.test": blue, "a.green.test": green, "A.Green.TEST": green };
  for (const [servername, expected] of Object.entries(names)) {
    using client = await TestClient.connect(echo.port, { servername });
    assertEquals(new Uint8Array(client.certificate), expected!.der, servername);
    await client.echo("hello");
    await client.close();
    await echo.outcome();
  }
  // The first one is for all others.
  const checkServerIdentity = () => undefined;
  for (const servername of [undefined, "green.test", "a.b.green.test"]) {
    const options = servername === undefined ? {} : { servername };
    using client = await TestClient.connect(echo.port, { ...options, checkServerIdentity });
    assertEquals(new Uint8Array(client.certificate), blue!.der, servername);
    await client.close();
    await echo.outcome();
  }
  await assertRejects(() =>
    TestClient.connect(echo.port, { servername: "blue.test", maxVersion: "TLSv1.2" })
  );
  assertStringIncludes((await echo.outcome())!, "other");
});

Deno.test("openTlsListener() says what a client speaks that does not speak TLS", async (t) => {
  await using echo = await EchoServer.start();
  const cases: readonly [sent: string, said: string, answer: string][] = [
    ["GET / HTTP/1.1\r\n\r\n", "foreign: client speaks HTTP", "HTTP/1.1 400 Bad Request"],
    ["\0\0\0\x10\0\x12\0\x03", "foreign: client speaks Kafka's protocol without TLS", ""],
    ["garbage", "foreign: client does not speak TLS", ""],
    ["\x16\x03\x01\0\x05hello", "other: the handshake failed", ""],
    ["", "gone: ", ""],
  ];
  for (const [sent, said, answer] of cases) {
    await t.step(said, async () => {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: echo.port });
      await conn.write(new TextEncoder().encode(sent));
      if (said === "gone: ") await conn.closeWrite();
      assertStringIncludes((await echo.outcome())!, said);
      const buffer = new Uint8Array(24);
      const size = await conn.read(buffer).catch(() => null);
      if (answer !== "") assertEquals(new TextDecoder().decode(buffer.subarray(0, size!)), answer);
    });
  }
});

Deno.test("openTlsListener() ends handshakes that take too long", async () => {
  await using echo = await EchoServer.start();
  using silent = await Deno.connect({ hostname: "127.0.0.1", port: echo.port });
  using slow = await Deno.connect({ hostname: "127.0.0.1", port: echo.port });
  await slow.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1));
  // Connections are accepted in order.
  using client = await TestClient.connect(echo.port);
  assertEquals(await echo.outcome(), undefined);
  echo.clock.advance(10_000);
  for (let i = 0; i < 2; i++) {
    assertEquals(await echo.outcome(), "overdue: the handshake took too long");
  }
  for (const conn of [silent, slow]) {
    await within(conn.read(new Uint8Array(1)).catch(() => null), "the end of a connection");
  }
  await client.echo("hello");
  await client.close();
});

Deno.test("openTlsListener() stops a client whose bytes nobody reads, and loses none of them", async () => {
  const listener = await openTlsListener({
    address: { host: "127.0.0.1", port: 0 },
    identity: { name: "SSL", protocol: "SSL" },
    config: BrokerConfig.from(SETTINGS),
    clock: systemClock,
    logger: silentLogger,
  });
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const accepted = listener.accept();
  const [client, conn] = await Promise.all([
    Deno.startTls(tcp, { hostname: "localhost", caCerts: [authority.cert] }),
    accepted.then(async (conn) => {
      await conn.handshake();
      return conn;
    }),
  ]);
  const chunk = new Uint8Array(256 * 1024).fill(7);
  const total = 64 * 1024 * 1024;
  let written = 0;
  const write = async () => {
    while (written < total) written += await client.write(chunk);
    await client.closeWrite();
  };
  const writing = write();
  for (let before = -1, rounds = 0; rounds < 10; rounds++) {
    if (written !== before) rounds = 0;
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert(written < total / 2, `${written} bytes were taken that nobody has read`);

  let read = 0;
  for await (const bytes of conn.readable) {
    read += bytes.length;
    assert(bytes.every((byte) => byte === 7));
  }
  await writing;
  assertEquals(read, total);
  conn.close();
  client.close();
  listener.close();
});

Deno.test("openTlsListener() uses new certificates for new connections, and serves the old ones", async () => {
  await using folder = await TemporaryFolder.create();
  const path = folder.join("keystore.pem");
  await Deno.writeTextFile(path, server.keystore);
  await using echo = await EchoServer.start({
    "ssl.keystore.key": null,
    "ssl.keystore.certificate.chain": null,
    "ssl.keystore.location": path,
  });
  using before = await TestClient.connect(echo.port);
  await before.echo("before");
  assertEquals(echo.listener.certificates.map(({ name }) => name), ["CN=server"]);

  const next = authority.issueServer({ notAfter: new Date("2050-01-01") });
  await Deno.writeTextFile(folder.join("next.pem"), next.keystore);
  await Deno.rename(folder.join("next.pem"), path);
  const renewed = async () => {
    while (echo.listener.certificates[0]!.notAfterMs !== Date.UTC(2050, 0, 1)) {
      echo.clock.advance(10_000);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  await within(renewed(), "the new certificate");

  using after = await TestClient.connect(echo.port);
  assertEquals(new Uint8Array(after.certificate), next.der);
  assertEquals(new Uint8Array(before.certificate), server.der);
  await Promise.all([before.echo("still"), after.echo("after")]);
  await Promise.all([before.close(), after.close()]);
});

Deno.test("openTlsListener() says what to change when it cannot listen", async (t) => {
  const refusal = async (settings: Settings) =>
    (await assertRejects(() => EchoServer.start(settings), ConfigError)).message;
  await t.step("without authorities that sign clients' certificates", async () => {
    assertStringIncludes(
      await refusal({ "ssl.client.auth": "required", "ssl.truststore.certificates": null }),
      "set ssl.truststore.location",
    );
  });
  await t.step("with rules that cannot be used", async () => {
    assertStringIncludes(
      await refusal({ "ssl.principal.mapping.rules": "RULE:(/x/" }),
      "Cannot use ssl.principal.mapping.rules:",
    );
  });
  await t.step("on a port that is taken", async () => {
    await using echo = await EchoServer.start();
    await assertRejects(() => EchoServer.start({}, echo.port), Deno.errors.AddrInUse);
  });
});
