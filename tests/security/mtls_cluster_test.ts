/**
 * Brokers that know each other by certificates, which are replaced while the cluster works, and those that
 * are kept out.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import tls from "node:tls";
import { Cluster } from "../../broker/cluster.ts";
import { createLogger } from "../../broker/logger.ts";
import { Client } from "../../client/mod.ts";
import { SkippingClock } from "../support/skipping_clock.ts";
import { TestAuthority, type TestCertificate } from "../support/security/test_authority.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const BROKERS = 3;
const TOPIC = "t";
const SUBJECT = { subject: "O=Acme,CN=broker" };
const DAY_MS = 24 * 60 * 60 * 1000;

/** Files are looked at every ten seconds; here, sooner. Handshakes have as long, and take less. */
function impatientClock(): SkippingClock {
  const clock = new SkippingClock();
  const { setTimeout: after } = clock;
  clock.setTimeout = (callback, ms) => after(callback, ms === 10_000 ? 500 : ms);
  return clock;
}

/** A cluster whose brokers trust the authorities of a file, and show the certificate of another. */
class MtlsCluster implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  readonly #client: Client;
  readonly #sent: string[] = [];
  readonly cluster: Cluster;
  readonly lines: string[];

  private constructor(folder: TemporaryFolder, cluster: Cluster, lines: string[]) {
    this.#folder = folder;
    this.cluster = cluster;
    this.lines = lines;
    this.#client = new Client({ brokers: cluster.addressesOf("CLIENTS") });
  }

  static async start(authority: TestAuthority): Promise<MtlsCluster> {
    const folder = await TemporaryFolder.create();
    await Deno.writeTextFile(folder.join("keystore.pem"), authority.issueServer(SUBJECT).keystore);
    await Deno.writeTextFile(folder.join("ca.pem"), authority.cert);
    const lines: string[] = [];
    const cluster = await Cluster.start({
      brokers: BROKERS,
      listen: ["CLIENTS://127.0.0.1:0", "BROKERS://127.0.0.1:0"],
      config: {
        "listener.security.protocol.map": "CLIENTS:PLAINTEXT,BROKERS:SSL",
        "inter.broker.listener.name": "BROKERS",
        "listener.name.brokers.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": folder.join("keystore.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": folder.join("ca.pem"),
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+),O=Acme$/$1/,DEFAULT",
        "authorizer": "required",
        "super.users": "User:broker;User:ANONYMOUS",
        "default.replication.factor": BROKERS,
        "min.insync.replicas": BROKERS - 1,
      } as never,
      logger: createLogger({ sink: (line) => lines.push(line) }),
      clock: impatientClock(),
    });
    const started = new MtlsCluster(folder, cluster, lines);
    await started.#client.admin().createTopic({ name: TOPIC, partitions: BROKERS });
    return started;
  }

  /** Replaces a file as a whole, and waits until all brokers have loaded it. */
  async replace(name: "keystore.pem" | "ca.pem", text: string): Promise<void> {
    const isLoaded = (line: string) => line.includes("Loaded the certificates of a listener again");
    const before = this.lines.filter(isLoaded).length;
    await Deno.writeTextFile(this.#folder.join(`new-${name}`), text);
    await Deno.rename(this.#folder.join(`new-${name}`), this.#folder.join(name));
    await this.until(() => this.lines.filter(isLoaded).length >= before + BROKERS);
  }

  /** Writes what only one broker shows; returns the file. */
  async write(certificate: TestCertificate): Promise<string> {
    const path = this.#folder.join(`${crypto.randomUUID()}.pem`);
    await Deno.writeTextFile(path, certificate.keystore);
    return path;
  }

  async until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const wait = async () => {
      while (!await isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await within(wait(), String(isTrue));
  }

  /** Sends a message to each partition; at least two brokers have it then. */
  async send(): Promise<void> {
    const producer = this.#client.producer();
    for (let partition = 0; partition < BROKERS; partition++) {
      const value = `${this.#sent.length}`;
      await producer.send({ topic: TOPIC, partition, value });
      this.#sent.push(value);
    }
  }

  /** Waits until these brokers are in sync, and no others. */
  async inSync(...ids: readonly number[]): Promise<void> {
    await this.until(async () => {
      await this.send();
      const [topic] = await this.#client.admin().describeTopics([TOPIC]);
      return topic!.partitions.every(({ isr }) => isr.toSorted().join() === ids.join());
    });
  }

  /** All that was sent is there. */
  async check(): Promise<void> {
    const received: string[] = [];
    for (let partition = 0; partition < BROKERS; partition++) {
      for (let offset = 0;;) {
        const { messages } = await this.#client.consumer().fetchFrom(TOPIC, partition, offset);
        if (messages.length === 0) break;
        received.push(...messages.map((message) => message.text()!));
        offset = messages.at(-1)!.offset + 1;
      }
    }
    assertEquals(received.sort(), this.#sent.toSorted());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.cluster.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}

Deno.test("Brokers replace their certificates and their authority on disk while the cluster works", async () => {
  const [old, next] = [TestAuthority.create(), TestAuthority.create({ subject: "CN=next" })];
  await using given = await MtlsCluster.start(old);
  const { cluster } = given;
  /** Makes connections in both directions between a broker and all others. */
  const reconnect = async (id: number) => {
    await cluster.killBroker(id);
    await cluster.startBroker(id);
    await given.inSync(1, 2, 3);
  };
  await given.inSync(1, 2, 3);
  await given.replace("ca.pem", old.cert + next.cert);
  await reconnect(3);
  await given.replace("keystore.pem", next.issueServer(SUBJECT).keystore);
  await reconnect(2);
  await given.replace("ca.pem", next.cert);
  await reconnect(1);
  await given.check();
});

Deno.test("A broker is kept out whose certificate is of a foreign authority, and both sides say so", async () => {
  const authority = TestAuthority.create();
  await using given = await MtlsCluster.start(authority);
  const { cluster, lines } = given;
  await given.inSync(1, 2, 3);
  const foreign = TestAuthority.create({ subject: "CN=foreign" }).issueServer(SUBJECT);
  await cluster.stopBroker(3);
  await given.inSync(1, 2);
  lines.length = 0;
  await cluster.startBroker(3, {
    config: { "ssl.keystore.location": await given.write(foreign) },
  });
  const logged = (text: string) => lines.find((line) => line.includes(text));
  const texts = [
    "certificate of the client is not trusted",
    "Cannot connect to another broker",
    "if its log says that this broker's certificate is not trusted",
  ];
  await given.until(() => texts.every((text) => logged(text) !== undefined));
  assertMatch(logged(texts[0]!)!, / WARN .*ssl|truststore/);
  await given.inSync(1, 2);
  await cluster.stopBroker(3);
  await cluster.startBroker(3);
  await given.inSync(1, 2, 3);
  await given.check();
});

Deno.test("Listener of brokers refuses certificates that have expired, and none at all", async (t) => {
  const authority = TestAuthority.create();
  await using given = await MtlsCluster.start(authority);
  const addresses = given.cluster.addressesOf("BROKERS");
  const expired = authority.issueServer({
    ...SUBJECT,
    notBefore: new Date(Date.now() - 2 * DAY_MS),
    notAfter: new Date(Date.now() - DAY_MS),
  });
  const cases: [string, { cert?: string; key?: string }, RegExp][] = [
    ["expired", { cert: expired.cert, key: expired.key }, /of the client is not trusted.*expired/],
    ["none", {}, /client has no certificate/],
  ];
  // A broker says it once a minute.
  for (const [i, [name, own, text]] of cases.entries()) {
    await t.step(name, async () => {
      const [host, port] = addresses[i]!.split(":");
      const closed = Promise.withResolvers<void>();
      const socket = tls.connect({ host, port: Number(port), ca: authority.cert, ...own });
      let received = 0;
      socket.on("data", (chunk) => received += chunk.length);
      socket.on("error", () => {});
      socket.once("close", () => closed.resolve());
      await within(closed.promise, "the end of the connection");
      assertEquals(received, 0);
      await given.until(() => given.lines.some((line) => / WARN /.test(line) && text.test(line)));
    });
  }
  await given.inSync(1, 2, 3);
});
