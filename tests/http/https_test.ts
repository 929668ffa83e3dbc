/**
 * HTTPS of the broker's own.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HttpServer } from "../../broker/http/mod.ts";
import { Broker, type BrokerSettings, createLogger, silentLogger } from "../../broker/mod.ts";
import { BrokerConfig, ConfigError } from "../../broker/settings/config.ts";
import { ProcessBrokers } from "../../broker/workers/mod.ts";
import { ManualClock } from "../../broker/time/clock.ts";
import { Client } from "../../client/mod.ts";
import { EventStream } from "../support/event_stream.ts";
import { TestAuthority } from "../support/security/test_authority.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const ADDRESS = { host: "127.0.0.1", port: 0 };

/** A broker that serves HTTPS, and a client that trusts it. */
class Fixture implements AsyncDisposable {
  readonly folder: TemporaryFolder;
  readonly authority: TestAuthority;
  readonly server: HttpServer;
  readonly lines: readonly string[];
  readonly broker: Broker;
  readonly client: Deno.HttpClient;

  private constructor(
    folder: TemporaryFolder,
    authority: TestAuthority,
    broker: Broker,
    server: HttpServer,
    lines: readonly string[],
  ) {
    this.folder = folder;
    this.authority = authority;
    this.server = server;
    this.lines = lines;
    this.broker = broker;
    this.client = Deno.createHttpClient({ caCerts: [authority.cert] });
  }

  static async start(config: Partial<BrokerSettings> = {}, clock?: ManualClock): Promise<Fixture> {
    const folder = await TemporaryFolder.create();
    const authority = TestAuthority.create();
    await Deno.writeTextFile(folder.join("http.pem"), authority.issueServer().keystore);
    const lines: string[] = [];
    const broker = await Broker.start({
      storage: "memory",
      config: {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder.join("http.pem"),
        ...config,
      },
      logger: createLogger({ sink: (line) => lines.push(line) }),
      ...(clock === undefined ? {} : { clock }),
    });
    const options = { broker, address: ADDRESS, isSecure: true, version: "1.2.3" };
    try {
      const server = await HttpServer.open(options);
      return new Fixture(folder, authority, broker, server, lines);
    } catch (error) {
      await broker.close();
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  get host(): string {
    return `localhost:${this.server.address.port}`;
  }

  async get(path: string, client = this.client): Promise<{ status: number; text: string }> {
    const response = await fetch(`https://${this.host}${path}`, { client });
    return { status: response.status, text: await response.text() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.server.close();
    await this.broker.close();
    await this.folder[Symbol.asyncDispose]();
  }
}

/** Waits for something, and lets the broker's time pass. */
async function withTime<T>(clock: ManualClock, awaited: Promise<T>): Promise<T> {
  const timer = setInterval(() => clock.advance(1000), 5);
  try {
    return await within(awaited, "what time brings");
  } finally {
    clearInterval(timer);
  }
}

Deno.test("HttpServer.open() serves everything by TLS, with the keys of the listeners", async () => {
  await using fixture = await Fixture.start();
  assertEquals((await fixture.get("/livez")).status, 200);
  const { text } = await fixture.get("/v3/clusters");
  assertStringIncludes(
    JSON.parse(text).data[0].metadata.self,
    `https://${fixture.host}/v3/clusters`,
  );
  assertEquals((await fixture.get("/ui/")).status, 200);
  const metrics = await fixture.get("/metrics");
  assertStringIncludes(metrics.text, 'dqueue_tls_certificate_expiry_seconds{listener="HTTP",');
  // A client that does not trust the authority gets nothing, and one without TLS neither.
  await assertRejects(() => fetch(`https://${fixture.host}/livez`), TypeError);
  await assertRejects(() => fetch(`http://${fixture.host}/livez`), TypeError);
});

Deno.test("HttpServer.open() uses keys of its own, and says what it cannot use", async () => {
  await using folder = await TemporaryFolder.create();
  const authority = TestAuthority.create();
  const own = folder.join("own.pem");
  await Deno.writeTextFile(own, authority.issueServer().keystore);
  const listener = "listener.name.http.ssl";
  {
    await using fixture = await Fixture.start({ [`${listener}.keystore.location`]: own } as never);
    using client = Deno.createHttpClient({ caCerts: [authority.cert] });
    assertEquals((await fixture.get("/livez", client)).status, 200);
    await assertRejects(() => fixture.get("/livez"), TypeError);
  }
  const refused: [Record<string, string>, string][] = [
    [{ "ssl.enabled.protocols": "TLSv1.3" }, `${listener}.enabled.protocols=TLSv1.2,TLSv1.3`],
    [{ [`${listener}.client.auth`]: "required" }, "not for a certificate"],
    [{ [`${listener}.keystore.location`]: folder.join("none.pem") }, "none.pem"],
  ];
  for (const [config, message] of refused) {
    await assertRejects(() => Fixture.start(config as never), ConfigError, message);
  }
  // What is about clients of Kafka's protocol is not about those of HTTP.
  const mutual = { "ssl.client.auth": "required", "ssl.enabled.protocols": ["TLSv1.3"] };
  const both = { ...mutual, [`${listener}.enabled.protocols`]: "TLSv1.2,TLSv1.3" };
  await using fixture = await Fixture.start(both as never);
  assertEquals((await fixture.get("/livez")).status, 200);
});

Deno.test("HttpServer takes a new certificate for new connections, and continues streams", async () => {
  const clock = new ManualClock(Date.now());
  await using fixture = await Fixture.start({}, clock);
  await using sdk = new Client({ broker: fixture.broker });
  await sdk.admin().createTopic({ name: "t", partitions: 1 });
  await using producer = sdk.producer();
  const send = (value: string) => producer.send({ topic: "t", value });
  await send("before");
  const url = `https://${fixture.host}/topics/t/stream?offset=start`;
  const stream = await EventStream.open(url, undefined, {}, fixture.client);
  const read = async () => (await withTime(clock, stream.records(1)))[0]!.value;
  assertEquals(await read(), "before");
  const successor = TestAuthority.create();
  await Deno.writeTextFile(
    fixture.folder.join("next.pem"),
    successor.issueServer().keystore,
  );
  await Deno.rename(fixture.folder.join("next.pem"), fixture.folder.join("http.pem"));
  using client = Deno.createHttpClient({ caCerts: [successor.cert] });
  const asked = async () => {
    for (;;) {
      try {
        return await fixture.get("/livez", client);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
      }
    }
  };
  assertEquals((await withTime(clock, asked())).status, 200);
  await send("after");
  assertEquals(await read(), "after");
  // New connections have the new one alone.
  using former = Deno.createHttpClient({ caCerts: [fixture.authority.cert] });
  await assertRejects(() => fixture.get("/livez", former), TypeError);
  // The broker closes while the first stream is read, of the server that was replaced.
  assert(
    fixture.lines.some((line) => line.includes("Loaded the certificates of a listener again")),
  );
  await fixture.server.close();
  await stream[Symbol.asyncDispose]();
});

Deno.test("HTTPS is served by the brokers of all workers", async () => {
  await using folder = await TemporaryFolder.create();
  const authority = TestAuthority.create();
  const keystore = folder.join("http.pem");
  await Deno.writeTextFile(keystore, authority.issueServer().keystore);
  const texts = {
    "log.dirs": folder.join("data"),
    "listeners": ["127.0.0.1:0"],
    "listener.name.http.ssl.keystore.type": "PEM",
    "listener.name.http.ssl.keystore.location": keystore,
  };
  await using brokers = await ProcessBrokers.start({
    count: 2,
    config: BrokerConfig.from(texts as never),
    logger: silentLogger,
    sink: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
  const settings = { address: ADDRESS, isSecure: true, version: "1.2.3" };
  await using first = await HttpServer.open({ ...settings, broker: brokers.first });
  const [second] = await brokers.serveHttp(settings);
  using client = Deno.createHttpClient({ caCerts: [authority.cert] });
  for (const bound of [first.address, second!.bound]) {
    const { port } = bound as { port: number };
    const answer = await fetch(`https://localhost:${port}/v3/clusters`, { client });
    assertEquals([answer.status, (await answer.json()).data.length], [200, 1]);
  }
});
