/**
 * HTTP of a closed cluster of several brokers: each of them acts for its users at the others.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { HttpServer } from "../../broker/http/mod.ts";
import { silentLogger } from "../../broker/mod.ts";
import { BrokerConfig, type GivenSettings } from "../../broker/settings/config.ts";
import { ProcessBrokers } from "../../broker/workers/mod.ts";
import { createTopics } from "../../protocol/messages/mod.ts";
import { AclOperation, AclResourceType } from "../../protocol/messages/security/acl_types.ts";
import { EventStream } from "../support/event_stream.ts";
import type { Answer, HttpBroker } from "../support/http.ts";
import { testWith } from "../support/outside.ts";
import { writeCertificate } from "../support/security/certificate_files.ts";
import { basic, ClosedCluster, until } from "../support/security/closed_cluster.ts";
import { TestAuthority } from "../support/security/test_authority.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const { topic, group } = AclResourceType;
const { read, write, create } = AclOperation;
const BROKER_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required " +
  'username="broker" password="broker-secret" user_broker="broker-secret";';

/** What brokers listen on, which is also how they reach each other. */
interface Kind {
  readonly listen: readonly string[];
  readonly config: GivenSettings;
}

async function kinds(folder: TemporaryFolder): Promise<Record<string, Kind>> {
  const authority = TestAuthority.create();
  const caFile = folder.join("ca.pem");
  await Deno.writeTextFile(caFile, authority.cert);
  const issued = authority.issueServer({ subject: "CN=broker" });
  const { keystoreFile } = writeCertificate(folder.path, "broker", issued);
  const tls = {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": keystoreFile,
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": caFile,
  } as const;
  const plain = {
    "sasl.enabled.mechanisms": ["PLAIN"],
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
  } as const;
  return {
    "SASL_SSL": {
      listen: ["SASL_SSL://127.0.0.1:0"],
      config: { ...tls, ...plain, "listener.name.sasl_ssl.plain.sasl.jaas.config": BROKER_LOGIN },
    },
    "certificates": {
      listen: ["SSL://127.0.0.1:0"],
      config: {
        ...tls,
        "ssl.client.auth": "required",
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+)$/$1/,DEFAULT",
      },
    },
    // Clients have one that needs no login, which HTTP must not use.
    "PLAINTEXT for clients": {
      listen: ["PLAINTEXT://127.0.0.1:0", "SASL_PLAINTEXT://127.0.0.1:0"],
      config: {
        ...plain,
        "inter.broker.listener.name": "SASL_PLAINTEXT",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": BROKER_LOGIN,
      },
    },
  };
}

/** The topics orders and secrets, none of whose partitions the first broker leads. */
async function createAway({ admin }: ClosedCluster): Promise<void> {
  const { topics } = await admin.request(createTopics, 7, {
    topics: ["orders", "secrets"].map((name) => ({
      name,
      numPartitions: -1,
      replicationFactor: -1,
      assignments: [2, 3].map((id, partitionIndex) => ({ partitionIndex, brokerIds: [id] })),
    })),
    timeoutMs: 10_000,
  });
  assertEquals(topics.map(({ errorCode }) => errorCode), [0, 0]);
}

async function produce(
  http: HttpBroker,
  user: string,
  name: string,
  partition: number,
  text: string,
): Promise<Answer> {
  const answer = await http.send("POST", `${http.cluster}/topics/${name}/records`, {
    partition_id: partition,
    value: { type: "STRING", data: text },
  }, { ...basic(user), "content-type": "application/json" });
  // A line for each record.
  return {
    ...answer,
    json: typeof answer.json === "string" ? JSON.parse(answer.json) : answer.json,
  };
}

function get(http: HttpBroker, user: string, path: string): Promise<Answer> {
  return http.send("GET", path, undefined, basic(user));
}

/** Repeats what is denied as long as the brokers have not heard of a rule. */
async function untilAllowed(what: string, ask: () => Promise<Answer>): Promise<Answer> {
  return await until(what, async () => {
    const answer = await ask();
    return answer.status === 403 ? undefined : answer;
  });
}

for (const name of ["SASL_SSL", "certificates", "PLAINTEXT for clients"]) {
  testWith(
    "etcd",
    `HTTP acts for its users at brokers that it reaches by ${name}`,
    async (etcd) => {
      await using folder = await TemporaryFolder.create();
      const kind = (await kinds(folder))[name]!;
      await using cluster = await ClosedCluster.start({ etcd, brokers: 3, ...kind });
      const [http] = cluster.brokers as [HttpBroker];
      await cluster.setPasswords({ alice: "alice-secret", bob: "bob-secret" });
      await createAway(cluster);
      const alice = { principal: "User:alice", resourceType: topic, resourceName: "orders" };
      await cluster.allow(
        { ...alice, operation: read },
        { ...alice, operation: write },
        { ...alice, resourceName: "new", operation: create },
        { ...alice, resourceType: group, resourceName: "g", operation: read },
        { ...alice, principal: "User:bob", operation: write },
      );

      for (const partition of [0, 1]) {
        const written = await untilAllowed(
          "a record",
          () => produce(http, "alice", "orders", partition, `of ${partition}`),
        );
        assertEquals([written.json.error_code, written.json.offset], [200, 0], name);
        const path = `/topics/orders/partitions/${partition}/records?offset=0`;
        const records = await untilAllowed("records", () => get(http, "alice", path));
        assertEquals(records.json.map(({ value }: { value: string }) => atob(value)), [
          `of ${partition}`,
        ]);
        // A user that may only write does not read, whatever the broker may that asks for it.
        assertEquals((await produce(http, "bob", "orders", partition, "b")).status, 200);
        assertEquals((await get(http, "bob", path)).status, 403);
      }

      // Whether a topic exists does not show.
      const answers = await Promise.all(["secrets", "nothing"].map(async (hidden) => [
        await produce(http, "alice", hidden, 0, "x"),
        await get(http, "alice", `${http.cluster}/topics/${hidden}`),
        await get(http, "alice", `/topics/${hidden}/partitions/0/records?offset=0`),
        await get(http, "alice", `/topics/${hidden}/stream?offset=start`),
      ]));
      const [secret, absent] = answers.map((all) =>
        all.map(({ status, json }) => [
          status,
          JSON.stringify(json).replaceAll(/secrets|nothing/g, "TOPIC"),
        ])
      );
      assertEquals(secret, absent);
      assertEquals(secret!.map(([status]) => status), [403, 403, 403, 403]);

      const { status } = await http.send("POST", `${http.cluster}/topics`, {
        topic_name: "new",
        partitions_count: 3,
      }, { ...basic("alice"), "content-type": "application/json" });
      assertEquals(status, 201);
      const offsets = await get(http, "alice", `${http.cluster}/topics/orders/partitions/0/offset`);
      assertEquals([offsets.status, offsets.json.latest_offset], [200, 2]);

      // The group's coordinator is any of the brokers.
      const v2 = { ...basic("alice"), "content-type": "application/vnd.kafka.v2+json" };
      const created = await http.send("POST", "/consumers/g", {
        "auto.offset.reset": "earliest",
        "format": "binary",
      }, v2);
      assertEquals(created.status, 200, JSON.stringify(created.json));
      const consumer = `/consumers/g/instances/${created.json.instance_id}`;
      await http.send("POST", `${consumer}/subscription`, { topics: ["orders"] }, v2);
      const values: string[] = [];
      while (values.length < 4) {
        const polled = await http.send("GET", `${consumer}/records?timeout=1000`, undefined, {
          ...basic("alice"),
          accept: "application/vnd.kafka.binary.v2+json",
        });
        assertEquals(polled.status, 200);
        values.push(...polled.json.map(({ value }: { value: string }) => atob(value)));
      }
      assertEquals(values.sort(), ["b", "b", "of 0", "of 1"]);

      // The metrics of the group's coordinator have its lag at brokers that lead the partitions.
      const places = [0, 1].map((partition) => ({ topic: "orders", partition, offset: 0 }));
      const committed = await http.send("POST", `${consumer}/offsets`, { offsets: places }, v2);
      assertEquals(committed.status, 200);
      for (const partition of [0, 1]) {
        await until("the lag of the group", async () => {
          const texts = await Promise.all(
            cluster.brokers.map(({ url }) => fetch(`${url}/metrics`)),
          );
          const all = (await Promise.all(texts.map((answer) => answer.text()))).join("\n");
          const labels = `consumergroup="g",topic="orders",partition="${partition}"`;
          return all.includes(`kafka_consumergroup_lag{${labels}} 1`) || undefined;
        });
      }
      assertEquals((await http.send("DELETE", consumer, undefined, v2)).status, 204);
    },
  );
}

testWith(
  "etcd",
  "HTTP ends what a user does at other brokers with the user's password, and no other user's",
  async (etcd) => {
    await using folder = await TemporaryFolder.create();
    const kind = (await kinds(folder))["SASL_SSL"]!;
    await using cluster = await ClosedCluster.start({ etcd, brokers: 3, ...kind });
    const [http, leader] = cluster.brokers as [HttpBroker, HttpBroker];
    await cluster.setPasswords({ alice: "alice-secret", bob: "bob-secret" });
    await createAway(cluster);
    await cluster.allow(
      ...["User:alice", "User:bob"].flatMap((principal) =>
        [read, write].map((operation) => ({
          principal,
          operation,
          resourceType: topic,
          resourceName: "orders",
        }))
      ),
    );
    await untilAllowed("a record", () => produce(http, "alice", "orders", 0, "first"));
    const url = `${http.url}/topics/orders/stream?partition=0&offset=start`;
    const open = (user: string) => EventStream.open(url, undefined, basic(user));
    await using alice = await open("alice");
    const many = await Promise.all(Array.from({ length: 5 }, () => open("bob")));
    const first = [{ offset: 0, value: "first" }];
    const seen = async (stream: EventStream) =>
      (await stream.records(1)).map(({ offset, value }) => ({ offset, value }));
    assertEquals(await seen(alice), first);
    for (const bob of many) assertEquals(await seen(bob), first);

    // Streams wait at the leader, and keep nobody waiting.
    const { json } = await within(produce(http, "alice", "orders", 0, "second"), "a record");
    assertEquals(json.offset, 1);
    for (const bob of many) assertEquals((await seen(bob))[0]!.value, "second");

    await cluster.setPasswords({ alice: "another" });
    await within(alice.all(), "the end of alice's stream");
    assertEquals((await get(http, "alice", "/topics/orders")).status, 401);
    const again = await http.send(
      "GET",
      "/topics/orders/partitions/0/records?offset=1",
      undefined,
      basic("alice", "another"),
    );
    assertEquals(again.json.map(({ value }: { value: string }) => atob(value)), ["second"]);
    await produce(http, "bob", "orders", 0, "third");
    for (const bob of many) assertEquals((await seen(bob))[0]!.value, "third");
    for (const bob of many) await bob[Symbol.asyncDispose]();
    assert(leader.broker.connectionCount > 0);
  },
);

Deno.test("HTTP of workers acts for its users at the others, with listeners of SASL alone", async () => {
  await using folder = await TemporaryFolder.create();
  await using brokers = await ProcessBrokers.start({
    count: 2,
    config: BrokerConfig.from({
      "log.dirs": folder.path,
      "listeners": ["SASL_PLAINTEXT://127.0.0.1:0"],
      "sasl.enabled.mechanisms": ["SCRAM-SHA-256"],
      "connection.failed.authentication.delay.ms": 1,
    }),
    bootstrapUser: { name: "admin", password: "admin-secret" },
    logger: silentLogger,
    sink: () => {},
    onFatal: (error) => {
      throw error;
    },
  });
  const settings = { address: { host: "127.0.0.1", port: 0 }, version: "1.2.3" };
  await using first = HttpServer.start({ ...settings, broker: brokers.first });
  const [second] = await brokers.serveHttp(settings);
  const headers = { ...basic("admin"), "content-type": "application/json" };
  const cluster = `/v3/clusters/${brokers.first.clusterId}`;
  for (const [i, address] of [first.address, second!.bound].entries()) {
    const { port } = address as { port: number };
    const send = async (method: string, path: string, body?: unknown) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: response.status, text: await response.text() };
    };
    const name = `t${i}`;
    const created = await send("POST", `${cluster}/topics`, {
      topic_name: name,
      partitions_count: 4,
    });
    assertEquals(created.status, 201, created.text);
    for (const partition of [0, 1, 2, 3]) {
      const written = await send("POST", `${cluster}/topics/${name}/records`, {
        partition_id: partition,
        value: { type: "STRING", data: "x" },
      });
      assertEquals(written.status, 200);
      assertStringIncludes(written.text, '"offset":0');
      const records = await send("GET", `/topics/${name}/partitions/${partition}/records?offset=0`);
      assertStringIncludes(records.text, btoa("x"));
    }
  }
});
