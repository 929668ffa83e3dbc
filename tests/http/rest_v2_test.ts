/**
 * Requests to Confluent's REST API, version 2, and what it answers.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertObjectMatch } from "@std/assert";
import { partsOf } from "../../broker/broker.ts";
import { HttpServer } from "../../broker/http/mod.ts";
import { Broker, Cluster, ManualClock } from "../../broker/mod.ts";
import { type Answer, HttpBroker } from "../support/http.ts";
import { within } from "../support/within.ts";

const JSON_V2 = "application/vnd.kafka.json.v2+json";
const BINARY_V2 = "application/vnd.kafka.binary.v2+json";
const V2 = "application/vnd.kafka.v2+json";

/** Sends a request with the types of version 2. */
function send(
  http: HttpBroker,
  method: string,
  path: string,
  body?: unknown,
  { accept = V2, type = V2 } = {},
): Promise<Answer> {
  return http.send(method, path, body, { accept, "content-type": type });
}

Deno.test("REST v2 lists and describes topics, partitions and brokers", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "b", partitions: 2 });
  await http.client.admin().createTopic({ name: "a" });
  await http.client.producer().send({ topic: "b", partition: 1, value: "x" });
  const topics = await send(http, "GET", "/topics");
  assertEquals([topics.status, topics.json], [200, ["a", "b"]]);
  assertEquals(topics.headers.get("content-type"), V2);
  const partition = {
    partition: 1,
    leader: 1,
    replicas: [{ broker: 1, leader: true, in_sync: true }],
  };
  const topic = await send(http, "GET", "/topics/b");
  assertObjectMatch(topic.json, { name: "b", configs: { "cleanup.policy": "delete" } });
  assertEquals(topic.json.partitions[1], partition);
  assertEquals((await send(http, "GET", "/topics/b/partitions")).json[1], partition);
  assertEquals((await send(http, "GET", "/topics/b/partitions/1")).json, partition);
  const offsets = await send(http, "GET", "/topics/b/partitions/1/offsets");
  assertEquals(offsets.json, { beginning_offset: 0, end_offset: 1 });
  assertEquals((await send(http, "GET", "/brokers")).json, { brokers: [1] });
  const missing = await send(http, "GET", "/topics/nix");
  assertEquals([missing.status, missing.json.error_code], [404, 40401]);
  const noPartition = await send(http, "GET", "/topics/b/partitions/2");
  assertEquals([noPartition.status, noPartition.json.error_code], [404, 40402]);
});

Deno.test("REST v2 produces JSON and binary, and reads it directly", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", partitions: 2 });
  const json = await send(
    http,
    "POST",
    "/topics/a",
    '{"records":[{"key":{"id":1},"value":73314510714175488,"partition":1},{"value":null,"partition":1},' +
      '{"value":"x","partition":9}]}',
    { type: JSON_V2 },
  );
  assertEquals(json.status, 200);
  const { offsets, ...schemas } = json.json;
  assertEquals(schemas, { key_schema_id: null, value_schema_id: null });
  assertEquals(offsets.slice(0, 2), [
    { partition: 1, offset: 0, error_code: null, error: null },
    { partition: 1, offset: 1, error_code: null, error: null },
  ]);
  assertEquals(offsets[2].error_code, 1);
  const binary = await send(
    http,
    "POST",
    "/topics/a/partitions/1",
    { records: [{ key: "aw==", value: "/w==" }] },
    { type: BINARY_V2 },
  );
  assertObjectMatch(binary.json.offsets[0], { partition: 1, offset: 2 });
  const at = "/topics/a/partitions/1/records";
  const all = await send(http, "GET", at, undefined, { accept: BINARY_V2 });
  assertEquals(all.headers.get("content-type"), BINARY_V2);
  assertEquals(all.json[2], { topic: "a", key: "aw==", value: "/w==", partition: 1, offset: 2 });
  const text = await (await fetch(`${http.url}${at}?max_bytes=1`, {
    headers: { accept: JSON_V2 },
  })).text();
  assertEquals(
    text.startsWith(
      '[{"topic":"a","key":{"id":1},"value":73314510714175488,"partition":1,"offset":0}',
    ),
    true,
    text,
  );
  const notJson = await send(http, "GET", `${at}?offset=2`, undefined, { accept: JSON_V2 });
  assertEquals([notJson.status, notJson.json.error_code], [422, 42203]);
  const beyond = await send(http, "GET", `${at}?offset=4`);
  assertEquals([beyond.status, beyond.json.error_code], [404, 40402]);
  assertMatch(beyond.json.message, /has 0 up to 3/);
  const atEnd = await send(http, "GET", `${at}?offset=3&timeout=0`, undefined, { accept: "*/*" });
  assertEquals([atEnd.status, atEnd.json], [200, []]);
  const extra = await send(http, "GET", `${at}?offset=2&include=headers,timestamp`);
  assertEquals(extra.json[0].headers, []);
  assert(extra.json[0].timestamp > 1_700_000_000_000);
});

Deno.test("REST v2 refuses other media types and bad records", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const records = { records: [{ value: 1 }] };
  const avro = "application/vnd.kafka.avro.v2+json";
  const cases: [
    method: string,
    path: string,
    body: unknown,
    types: object,
    status: number,
    code: number,
  ][] = [
    ["POST", "/topics/a", records, { type: avro }, 415, 415],
    ["POST", "/topics/a", records, { type: "text/plain" }, 415, 415],
    ["POST", "/topics/a", records, { type: BINARY_V2 }, 400, 400],
    ["POST", "/topics/a", { records: [{ value: "*" }] }, { type: BINARY_V2 }, 422, 42206],
    ["POST", "/topics/a", { records: [] }, { type: JSON_V2 }, 422, 42206],
    ["POST", "/topics/a", {}, { type: JSON_V2 }, 400, 400],
    ["POST", "/topics/nix", records, { type: JSON_V2 }, 404, 40401],
    ["POST", "/topics/a/partitions/1", records, { type: JSON_V2 }, 404, 40402],
    ["GET", "/topics/a/partitions/0/records", undefined, { accept: avro }, 406, 40601],
  ];
  for (const [method, path, body, types, status, code] of cases) {
    await t.step(`${method} ${path} ${JSON.stringify(types)}`, async () => {
      const answer = await send(http, method, path, body, types);
      assertEquals([answer.status, answer.json.error_code], [status, code], answer.json.message);
    });
  }
});

/** Creates a consumer, and returns the path of its instance. */
async function createConsumer(http: HttpBroker, options: object = {}): Promise<string> {
  const created = await send(http, "POST", "/consumers/g", {
    format: "json",
    "auto.offset.reset": "earliest",
    ...options,
  });
  assertEquals(created.status, 200, JSON.stringify(created.json));
  const { instance_id: id, base_uri: uri } = created.json;
  assertEquals(uri, `${http.url}/consumers/g/instances/${id}`);
  return `/consumers/g/instances/${id}`;
}

/** Polls until there are records. */
async function poll(http: HttpBroker, at: string, query = ""): Promise<unknown[]> {
  for (let i = 0; i < 50; i++) {
    const answer = await send(http, "GET", `${at}/records?timeout=1000${query}`, undefined, {
      accept: JSON_V2,
    });
    assertEquals(answer.status, 200, JSON.stringify(answer.json));
    if (answer.json.length > 0) {
      return answer.json.map(({ value }: { value: unknown }) => value);
    }
  }
  throw new Error("There were no records");
}

function committed(http: HttpBroker, group = "g"): Promise<[number, number][]> {
  return http.client.admin().listGroupOffsets(group).then((offsets) =>
    offsets.map(({ partition, offset }) => [partition, offset])
  );
}

Deno.test("REST v2 consumers subscribe, poll, commit and leave", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const producer = http.client.producer();
  await producer.sendBatch([1, 2, 3].map((value) => ({ topic: "a", value: `${value}` })));
  const at = await createConsumer(http);
  const unsubscribed = await send(http, "GET", `${at}/records`, undefined, { accept: JSON_V2 });
  assertEquals([unsubscribed.status, unsubscribed.json.error_code], [409, 40903]);
  assertEquals((await send(http, "POST", `${at}/subscription`, { topics: ["a"] })).status, 204);
  assertEquals((await send(http, "GET", `${at}/subscription`)).json, { topics: ["a"] });
  assertEquals(await poll(http, at), [1, 2, 3]);
  assertEquals(await committed(http), [], "nothing is committed unless that is asked for");
  assertEquals((await send(http, "POST", `${at}/offsets`)).status, 200);
  assertEquals(await committed(http), [[0, 3]]);
  await send(http, "POST", `${at}/offsets`, { offsets: [{ topic: "a", partition: 0, offset: 1 }] });
  assertEquals(await committed(http), [[0, 2]], "a client names the last record it is done with");
  const offsets = await send(http, "GET", `${at}/offsets?partitions=a:0`);
  assertEquals(offsets.json, { offsets: [{ topic: "a", partition: 0, offset: 2, metadata: "" }] });
  const { members } = await http.client.admin().describeGroup("g");
  assertEquals(members.length, 1);
  assertEquals((await send(http, "DELETE", at)).status, 204);
  assertEquals((await http.client.admin().describeGroup("g")).members.length, 0);
  const gone = await send(http, "GET", `${at}/records`);
  assertEquals([gone.status, gone.json.error_code], [404, 40403]);
  // The next one continues where it was.
  const next = await createConsumer(http);
  await send(http, "POST", `${next}/subscription`, { topics: ["a"] });
  assertEquals(await poll(http, next), [3]);
});

Deno.test("REST v2 consumers deliver as much as was asked for, and commit no more", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const values = Array.from({ length: 10 }, (_, i) => `"${"x".repeat(97)}${i}"`);
  await http.client.producer().sendBatch(values.map((value) => ({ topic: "a", value })));
  const at = await createConsumer(http, { "auto.commit.enable": "true" });
  await send(http, "POST", `${at}/subscription`, { topics: ["a"] });
  assertEquals((await poll(http, at, "&max_bytes=350")).length, 3);
  assertEquals((await poll(http, at, "&max_bytes=1")).length, 1, "at least one");
  await send(http, "DELETE", at);
  assertEquals(await committed(http), [[0, 4]]);
});

Deno.test("REST v2 consumers poll until there are enough bytes, or the time is over", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const at = await createConsumer(http, { "fetch.min.bytes": "6" });
  await send(http, "POST", `${at}/subscription`, { topics: ["a"] });
  const producer = http.client.producer();
  const polling = poll(http, at, "0");
  await producer.send({ topic: "a", value: "111" });
  await producer.send({ topic: "a", value: "222" });
  assertEquals(await polling, [111, 222]);
  const nothing = await send(http, "GET", `${at}/records?timeout=1`, undefined, {
    accept: JSON_V2,
  });
  assertEquals([nothing.status, nothing.json], [200, []]);
});

Deno.test("REST v2 consumers read assigned partitions, from any place", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", partitions: 2 });
  const producer = http.client.producer();
  for (let i = 0; i < 4; i++) {
    await producer.send({ topic: "a", partition: 1, value: `${i}`, timestamp: 1000 + i });
  }
  const place = { topic: "a", partition: 1 };
  const at = await createConsumer(http);
  const assign = await send(http, "POST", `${at}/assignments`, { partitions: [place] });
  assertEquals(assign.status, 204);
  assertEquals((await send(http, "GET", `${at}/assignments`)).json, { partitions: [place] });
  assertEquals(await poll(http, at), [0, 1, 2, 3]);
  const seek = async (path: string, body: object) => {
    assertEquals((await send(http, "POST", `${at}/positions${path}`, body)).status, 204);
    return await poll(http, at);
  };
  assertEquals(await seek("", { offsets: [{ ...place, offset: 2 }] }), [2, 3]);
  assertEquals(await seek("/beginning", { partitions: [place] }), [0, 1, 2, 3]);
  const timestamps = [{ ...place, timestamp: "1970-01-01T00:00:01.003Z" }];
  assertEquals(await seek("", { timestamps }), [3]);
  await send(http, "POST", `${at}/offsets`);
  assertEquals(await committed(http), [[1, 4]]);
  const other = await send(http, "POST", `${at}/positions`, {
    offsets: [{ topic: "a", partition: 0, offset: 0 }],
  });
  assertEquals([other.status, other.json.error_code], [409, 40903]);
  const subscribe = await send(http, "POST", `${at}/subscription`, { topics: ["a"] });
  assertEquals([subscribe.status, subscribe.json.error_code], [409, 40901]);
  await send(http, "DELETE", `${at}/subscription`);
  assertEquals((await send(http, "POST", `${at}/subscription`, { topics: ["a"] })).status, 204);
});

Deno.test("REST v2 consumers are checked when they are created, and have their names alone", async () => {
  await using http = await HttpBroker.start();
  const create = (body: unknown, query = "") => send(http, "POST", `/consumers/g${query}`, body);
  for (
    const body of [
      { format: "avro" },
      { format: "text" },
      { "auto.offset.reset": "now" },
      { "auto.commit.enable": "perhaps" },
      { "isolation.level": "read_all" },
      { "fetch.min.bytes": "few" },
      { name: "x".repeat(300) },
    ]
  ) {
    const answer = await create(body);
    assertEquals([answer.status, answer.json.error_code], [422, 42204], JSON.stringify(body));
  }
  const first = await create({ name: "mine" });
  assertEquals(first.json, {
    instance_id: "mine",
    base_uri: `${http.url}/consumers/g/instances/mine`,
  });
  const again = await create({ name: "mine" });
  assertEquals([again.status, again.json.error_code], [409, 40902]);
  assertEquals((await create({ name: "mine" }, "?replace=true")).status, 200);
  assertEquals((await create({})).json.instance_id.startsWith("i-1-"), true);
  const binary = "/consumers/g/instances/mine";
  const mismatch = await send(http, "GET", `${binary}/records`, undefined, { accept: JSON_V2 });
  assertEquals([mismatch.status, mismatch.json.error_code], [406, 40601]);
  const both = await send(http, "POST", `${binary}/subscription`, {
    topics: ["a"],
    topic_pattern: "a",
  });
  assertEquals([both.status, both.json.error_code], [409, 40901]);
  for (const body of [{}, { topics: [] }, { topic_pattern: "(" }, { topic_pattern: "nothing" }]) {
    const answer = await send(http, "POST", `${binary}/subscription`, body);
    assertEquals([answer.status, answer.json.error_code], [400, 400], JSON.stringify(body));
  }
});

Deno.test("REST v2 consumers subscribe by a regular expression", async () => {
  await using http = await HttpBroker.start();
  for (const name of ["log-a", "log-b", "other"]) await http.client.admin().createTopic({ name });
  await http.client.producer().send({ topic: "log-b", value: "1" });
  const at = await createConsumer(http);
  await send(http, "POST", `${at}/subscription`, { topic_pattern: "log-.*" });
  const { topics } = (await send(http, "GET", `${at}/subscription`)).json;
  assertEquals(topics.toSorted(), ["log-a", "log-b"]);
  assertEquals(await poll(http, at), [1]);
});

Deno.test("REST v2 closes consumers that nobody uses, and says so", async () => {
  const clock = new ManualClock();
  await using broker = await Broker.start({ storage: "memory", clock });
  await using server = HttpServer.start({
    broker,
    address: { host: "127.0.0.1", port: 0 },
    version: "1",
  });
  const url = `http://127.0.0.1:${server.address.port}/consumers/g`;
  const headers = { "content-type": V2 };
  await (await fetch(url, { method: "POST", headers, body: '{"name":"idle"}' })).text();
  const status = async () => {
    const answer = await fetch(`${url}/instances/idle/subscription`);
    return [answer.status, await answer.json()] as const;
  };
  clock.advance(200_000);
  assertEquals((await status())[0], 200, "a request renews it");
  clock.advance(200_000);
  assertEquals((await status())[0], 200);
  clock.advance(320_000);
  const [code, { error_code, message }] = await status();
  assertEquals([code, error_code], [404, 40403]);
  assertMatch(message, /closed after 300 s without a request/);
  assert(partsOf(broker).context.clock === clock);
});

Deno.test("REST v2 sends a client to the broker that has its consumer", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  const [first, second, third] = cluster.brokers.map((broker) => HttpBroker.of(broker));
  try {
    await first!.client.admin().createTopic({ name: "a" });
    await first!.client.producer().send({ topic: "a", value: "x" });
    const created = await second!.send("POST", "/consumers/g", { "auto.offset.reset": "earliest" });
    const id = created.json.instance_id;
    const path = `/consumers/g/instances/${id}`;
    const subscription = { topics: ["a"] };
    const sent = await within(
      (async () => {
        for (;;) {
          const answer = await first!.send("POST", `${path}/subscription`, subscription);
          // Until the other broker has announced its port.
          if (answer.status !== 404) return answer;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })(),
      "a redirect",
    );
    assertEquals(sent.status, 307);
    assertEquals(sent.headers.get("location"), `${second!.url}${path}/subscription`);
    // As clients do, with the body.
    const followed = await fetch(`${first!.url}${path}/subscription`, {
      method: "POST",
      headers: { "content-type": "application/vnd.kafka.v2+json" },
      body: JSON.stringify(subscription),
    });
    await followed.body?.cancel();
    assertEquals(followed.status, 204);
    const query = await third!.get(`${path}/records?timeout=10`);
    assertEquals(query.headers.get("location"), `${second!.url}${path}/records?timeout=10`);
    assertEquals((await second!.get(`${path}/subscription`)).json, subscription);
    const gone = await first!.get("/consumers/g/instances/i-9-x/records");
    assertEquals([gone.status, gone.json.error_code], [404, 40403], "no such broker");
    const named = await first!.get("/consumers/g/instances/mine/records");
    assertEquals([named.status, named.json.error_code], [404, 40403], "a name says no broker");
    assertEquals((await first!.send("DELETE", path)).status, 307);
    assertEquals((await second!.send("DELETE", path)).status, 204);
    const deleted = await first!.get(`${path}/records`);
    assertEquals(deleted.status, 307, "the other broker knows best");
    await second![Symbol.asyncDispose]();
    const away = await first!.get(`${path}/records`);
    assertEquals([away.status, away.json.error_code], [404, 40403], "its broker is away");
  } finally {
    for (const http of [first, third]) await http![Symbol.asyncDispose]();
  }
});
