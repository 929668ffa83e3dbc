/**
 * HTTP in a cluster where not everyone may do everything: who sends a request, and what it may do.
 *
 * @module
 */

import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { partsOf } from "../../broker/broker.ts";
import type { BrokerSettings } from "../../broker/mod.ts";
import { EMBEDDED_LISTENER } from "../../broker/security/mod.ts";
import {
  alterUserScramCredentials,
  createAcls,
  createTopics,
  deleteAcls,
  produce as produceApi,
} from "../../protocol/messages/mod.ts";
import { AclOperation, AclResourceType } from "../../protocol/messages/security/acl_types.ts";
import { scramSaltedPassword } from "../../protocol/sasl/scram.ts";
import { HttpBroker } from "../support/http.ts";
import { ChannelConnection } from "../support/protocol/channel_connection.ts";
import { batchOf } from "../support/protocol/records.ts";
import { produceRequest } from "../support/protocol/requests.ts";
import { keySetOf, TokenIssuer, tokenSettings } from "../support/security/token_issuer.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const ALICE = { authorization: `Basic ${btoa("alice:alice-secret")}` };
const TEXT = { value: { type: "STRING", data: "x" } };

/** A broker that nobody but its administrator may use, with the user alice and two topics. */
class Fixture implements AsyncDisposable {
  readonly http: HttpBroker;
  readonly admin: ChannelConnection;

  private constructor(http: HttpBroker, admin: ChannelConnection) {
    this.http = http;
    this.admin = admin;
  }

  static async start(config: Partial<BrokerSettings> = {}): Promise<Fixture> {
    const http = await HttpBroker.start({
      config: {
        "authorizer": "required",
        "super.users": "User:admin",
        "connection.failed.authentication.delay.ms": 1,
        ...config,
      },
    });
    const admin = new ChannelConnection(
      partsOf(http.broker).server.connect({
        principal: { type: "User", name: "admin" },
        host: "127.0.0.1",
        listener: EMBEDDED_LISTENER,
        isLocal: true,
      }),
    );
    const fixture = new Fixture(http, admin);
    await fixture.setPassword("alice-secret");
    await admin.request(createTopics, 7, {
      topics: ["orders", "secrets"].map((name) => ({
        name,
        numPartitions: 1,
        replicationFactor: 1,
      })),
      timeoutMs: 5000,
    });
    return fixture;
  }

  async setPassword(password: string): Promise<void> {
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const saltedPassword = await scramSaltedPassword("SCRAM-SHA-256", password, salt, 4096);
    const { results } = await this.admin.request(alterUserScramCredentials, 0, {
      deletions: [],
      upsertions: [{ name: "alice", mechanism: 1, iterations: 4096, salt, saltedPassword }],
    });
    assertEquals(results[0]!.errorCode, 0);
  }

  async deleteAlice(): Promise<void> {
    await this.admin.request(alterUserScramCredentials, 0, {
      deletions: [{ name: "alice", mechanism: 1 }],
      upsertions: [],
    });
  }

  async allow(operation: number, resourceType: number, resourceName: string): Promise<void> {
    const principal = "User:alice";
    const { results } = await this.admin.request(createAcls, 3, {
      creations: [
        { resourceType, resourceName, principal, host: "127.0.0.1", operation, permissionType: 3 },
      ],
    });
    assertEquals(results[0]!.errorCode, 0);
  }

  /** Sends a request, and reads its answer. */
  async send(
    path: string,
    headers: Record<string, string> = ALICE,
    body?: unknown,
  ): Promise<{ status: number; headers: Headers; text: string }> {
    const response = await fetch(`${this.http.url}${path}`, {
      headers: {
        ...headers,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  async status(...request: Parameters<Fixture["send"]>): Promise<number> {
    return (await this.send(...request)).status;
  }

  topic(name: string, rest = ""): string {
    return `${this.http.cluster}/topics/${name}${rest}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.admin[Symbol.asyncDispose]();
    await this.http[Symbol.asyncDispose]();
  }
}

Deno.test("HTTP of a closed cluster asks who sends a request, and takes a user's password", async () => {
  await using fixture = await Fixture.start();
  const asked = await fixture.send("/v3/clusters", {});
  assertEquals(asked.status, 401);
  assertStringIncludes(asked.headers.get("www-authenticate")!, 'Basic realm="dqueue"');
  assertEquals(JSON.parse(asked.text).error_code, 40101);
  const wrong = ["alice:wrong", "bob:alice-secret", "alice", ":alice-secret", "alice:"];
  for (const credentials of wrong) {
    const headers = { authorization: `Basic ${btoa(credentials)}` };
    assertEquals(await fixture.status("/v3/clusters", headers), 401, credentials);
  }
  for (const authorization of ["Basic", "Basic ???", "Bearer a.b.c", "Digest x", ""]) {
    assertEquals(await fixture.status("/v3/clusters", { authorization }), 401, authorization);
  }
  assertEquals(await fixture.status("/v3/clusters"), 200);
  // The scheme is not case-sensitive.
  const lower = { authorization: ALICE.authorization.replace("Basic", "basic") };
  assertEquals(await fixture.status("/v3/clusters", lower), 200);
});

Deno.test("HTTP of a closed cluster does what the ACLs of its user allow", async () => {
  await using fixture = await Fixture.start();
  const { topic } = AclResourceType;
  const produce = (name: string) => fixture.status(fixture.topic(name, "/records"), ALICE, TEXT);
  const read = (name: string) =>
    fixture.status(fixture.topic(name, "/partitions/0/records?offset=0"), ALICE);
  // Whether a topic exists does not show.
  for (const name of ["orders", "secrets", "nothing"]) {
    assertEquals(await fixture.status(fixture.topic(name)), 403, name);
    assertEquals(await produce(name), 403, name);
    assertEquals(await fixture.status(`/topics/${name}/stream`), 403, name);
  }
  const listed = async () => {
    const { text } = await fixture.send(`${fixture.http.cluster}/topics`);
    return JSON.parse(text).data.map((of: { topic_name: string }) => of.topic_name);
  };
  assertEquals(await listed(), []);
  await fixture.allow(AclOperation.write, topic, "orders");
  assertEquals(await listed(), ["orders"]);
  assertEquals(await fixture.status(fixture.topic("orders")), 200);
  assertEquals(await produce("orders"), 200);
  assertEquals(await produce("secrets"), 403);
  assertNotEquals(await read("orders"), 200);
  const created = await fixture.status(`${fixture.http.cluster}/topics`, ALICE, {
    topic_name: "new",
    partitions_count: 1,
  });
  assertEquals(created, 403);
  await fixture.allow(AclOperation.create, topic, "new");
  const again = await fixture.send(`${fixture.http.cluster}/topics`, ALICE, {
    topic_name: "new",
    partitions_count: 1,
  });
  assertEquals(again.status, 201, again.text);
  // What is revoked is denied with the next request.
  await fixture.admin.request(deleteAcls, 3, {
    filters: [{
      resourceTypeFilter: topic,
      resourceNameFilter: "orders",
      patternTypeFilter: 1,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    }],
  });
  assertEquals(await produce("orders"), 403);
});

Deno.test("HTTP of a closed cluster shows the broker's observations to those who may describe the cluster", async () => {
  await using fixture = await Fixture.start();
  const paths = ["health", "events", "history"].map((name) => `${fixture.http.cluster}/${name}`);
  for (const path of paths) assertEquals(await fixture.status(path), 403, path);
  const { cluster } = AclResourceType;
  await fixture.allow(AclOperation.describe, cluster, "kafka-cluster");
  for (const path of paths.slice(1)) assertEquals(await fixture.status(path), 200, path);
});

Deno.test("Probes and metrics need no credentials on loopback, nor do the files of the console", async () => {
  await using fixture = await Fixture.start();
  for (const path of ["/livez", "/readyz", "/metrics"]) {
    assertEquals(await fixture.status(path, {}), 200, path);
    assertEquals(await fixture.status(path, { "x-forwarded-for": "10.0.0.1" }), 401, path);
  }
  // The page asks who its user is; what it shows comes from the API.
  for (const path of ["/ui/", "/ui/topics/secrets/messages", "/ui/assets/app.js"]) {
    assertEquals(await fixture.status(path, { "x-forwarded-for": "10.0.0.1" }), 200, path);
  }
  assertEquals(await fixture.status("/ui/assets/nothing.js", {}), 404);
});

Deno.test("The first ACL is not taken from others through a proxy of the broker's machine", async () => {
  await using http = await HttpBroker.start();
  const acl = {
    resource_type: "TOPIC",
    resource_name: "orders",
    pattern_type: "LITERAL",
    principal: "User:eve",
    operation: "ALL",
    permission: "ALLOW",
  };
  const create = async (headers: Record<string, string>) => {
    const all = { "content-type": "application/json", ...headers };
    return (await http.send("POST", `${http.cluster}/acls`, acl, all)).status;
  };
  for (const header of ["forwarded", "x-forwarded-for", "via"]) {
    assertEquals(await create({ [header]: "10.0.0.1" }), 403, header);
  }
  assertEquals(await create({}), 201);
});

Deno.test("A user that is deleted, or has another password, is no longer let in over HTTP", async () => {
  await using fixture = await Fixture.start();
  await fixture.allow(AclOperation.read, AclResourceType.topic, "orders");
  assertEquals(await fixture.status(fixture.topic("orders")), 200);
  const stream = await fetch(`${fixture.http.url}/topics/orders/stream`, {
    headers: ALICE,
  });
  assertEquals(stream.status, 200, stream.statusText);
  await fixture.setPassword("another");
  assertEquals(await fixture.status(fixture.topic("orders")), 401);
  // What is in progress ends.
  await stream.text();
  const other = { authorization: `Basic ${btoa("alice:another")}` };
  assertEquals(await fixture.status(fixture.topic("orders"), other), 200);
  await fixture.deleteAlice();
  assertEquals(await fixture.status(fixture.topic("orders"), other), 401);
});

Deno.test("A stream ends with what its user may not read any more, and says so", async () => {
  await using fixture = await Fixture.start();
  const { admin, http } = fixture;
  const produce = (value: string) =>
    admin.request(produceApi, 12, produceRequest("orders", batchOf([value])));
  await fixture.allow(AclOperation.read, AclResourceType.topic, "orders");
  // One of them still reads what is there, the other follows the end.
  const streams = await Promise.all(["?offset=start", "?offset=end"].map(async (query) => {
    const response = await fetch(`${http.url}/topics/orders/stream${query}`, { headers: ALICE });
    assertEquals(response.status, 200);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    return { reader, text: (await reader.read()).value! };
  }));
  await produce("public");
  for (const stream of streams) {
    while (!stream.text.includes("public")) stream.text += (await stream.reader.read()).value!;
  }
  await admin.request(deleteAcls, 3, {
    filters: [{
      resourceTypeFilter: AclResourceType.topic,
      resourceNameFilter: "orders",
      patternTypeFilter: 3,
      principalFilter: null,
      hostFilter: null,
      operation: AclOperation.read,
      permissionType: 3,
    }],
  });
  await produce("secret");
  for (const { reader, text } of streams) {
    let rest = text;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      rest += value;
    }
    assertStringIncludes(rest, "event: error");
    assertEquals(rest.includes("secret"), false);
  }
});

Deno.test("HTTP takes tokens of an issuer, and nobody else's", async () => {
  await using folder = await TemporaryFolder.create();
  const [issuer, stranger] = [await TokenIssuer.create(), await TokenIssuer.create()];
  const keys = folder.join("keys.json");
  await Deno.writeTextFile(keys, keySetOf(issuer));
  await using fixture = await Fixture.start(tokenSettings(keys) as Partial<BrokerSettings>);
  await fixture.allow(AclOperation.describe, AclResourceType.topic, "orders");
  const status = async (token: string) =>
    await fixture.status(fixture.topic("orders"), { authorization: `Bearer ${token}` });
  assertEquals(await status(await issuer.sign({ subject: "alice" })), 200);
  assertEquals(await status(await issuer.sign({ subject: "bob" })), 403);
  assertEquals(await status(await issuer.sign({ expiresIn: -3600 })), 401);
  assertEquals(await status(await issuer.sign({ audience: "other" })), 401);
  assertEquals(await status(await stranger.sign()), 401);
  const asked = await fixture.send("/v3/clusters", {});
  assertStringIncludes(asked.headers.get("www-authenticate")!, "Bearer");
  assertEquals(await fixture.status("/v3/clusters"), 200);
});
