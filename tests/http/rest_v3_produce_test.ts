/**
 * Producing by Confluent's REST API, version 3: single records, batches, and streams of both.
 *
 * @module
 */

import { assertEquals, assertObjectMatch, assertStringIncludes } from "@std/assert";
import { HttpBroker } from "../support/http.ts";
import { checkRest, reports } from "../support/rest_cases.ts";

Deno.test("REST v3 produces records of every type, and reports each in order", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const path = `${http.cluster}/topics/a/records`;
  const body = [
    '{"key":{"type":"STRING","data":"k"},"value":{"type":"JSON","data":{"id":73314510714175488 , "b":1.0}},' +
    '"headers":[{"name":"h","value":"aGk="},{"name":"n","value":null}],"timestamp":"2026-01-02T03:04:05.006Z"}',
    '{"value":{"type":"BINARY","data":"AP8="}}',
    '{"value":{"data":"aGk="}}',
    '{"key":{"type":"STRING","data":"gone"},"value":{"type":"JSON","data":null}}',
    '{"value":{"type":"AVRO","data":"x"}}',
    '{"value":{"type":"STRING","data":5}}',
    '{"value":{"type":"BINARY","data":"***"}}',
    '{"partition_id":3}',
    '{"timestamp":"soon"}',
    '{"value":{"type":"STRING","data":"last"}}',
  ].join("");
  const answer = await http.send("POST", path, body);
  assertEquals(answer.status, 200);
  const all = reports(answer.json);
  assertEquals(
    all.map(({ error_code }) => error_code),
    [200, 200, 200, 200, 42206, 400, 400, 40402, 400, 200],
  );
  assertEquals(all[0], {
    error_code: 200,
    cluster_id: http.broker.clusterId,
    topic_name: "a",
    partition_id: 0,
    offset: 0,
    timestamp: "2026-01-02T03:04:05.006Z",
    key: { type: "STRING", size: 1 },
    value: { type: "JSON", size: 34 },
  });
  assertStringIncludes(String(all[4]!.message), "schema registry");
  const { messages } = await http.client.consumer().fetchFrom("a", 0, 0);
  assertEquals(messages.map((message) => message.value === null ? null : message.text()), [
    '{"id":73314510714175488 , "b":1.0}',
    "\0\ufffd",
    "hi",
    null,
    "last",
  ]);
  const headers = [...messages[0]!.headers].map(([name, value]) => [
    name,
    value === null ? null : new TextDecoder().decode(value),
  ]);
  assertEquals(headers, [["h", "hi"], ["n", null]]);
});

Deno.test("REST v3 refuses schemas, and fields that a record has not, in the report of the record", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const data = (more: Record<string, unknown>) => ({ value: { data: "aGk=", ...more } });
  const cases: [Record<string, unknown>, number][] = [
    [data({ type: "AVRO", schema: '{"type":"string"}' }), 42206],
    [data({ type: "PROTOBUF" }), 42206],
    [data({ type: "jsonschema" }), 42206],
    [data({ schema_id: 7 }), 42206],
    [data({ schema: '"string"' }), 42206],
    [data({ subject: "a-value", schema_version: 1 }), 42206],
    [data({ subject_name_strategy: "TOPIC_NAME" }), 42206],
    [data({ type: "STRING", schema_id: 7 }), 400],
    [data({ type: "BINARY", subject: "x" }), 400],
    [data({ type: "XML" }), 400],
    [data({ kind: "STRING" }), 400],
    [{ vlaue: { type: "STRING", data: "x" } }, 400],
    [{ partition: 0 }, 400],
    [{ headers: [{ key: "h", value: "aGk=" }] }, 400],
    [{ headers: [{ name: "h", value: "*" }] }, 400],
    [{ partition_id: -1 }, 40402],
    [{ partition_id: 0, value: { type: "STRING", data: "last" } }, 200],
  ];
  const body = cases.map(([record]) => JSON.stringify(record)).join("\n");
  const { json } = await http.send("POST", `${http.cluster}/topics/a/records`, body);
  const codes = reports(json).map(({ error_code: code }) => code);
  assertEquals(codes, cases.map(([, code]) => code));
  const { messages } = await http.client.consumer().fetchFrom("a", 0, 0);
  assertEquals(messages.map((message) => message.text()), ["last"]);
});

Deno.test("REST v3 refuses what is no record at all", async (t) => {
  await using http = await HttpBroker.start({ config: { "message.max.bytes": 1000 } });
  await http.client.admin().createTopic({ name: "a" });
  const large = (size: number) => ({ value: { type: "STRING", data: "x".repeat(size) } });
  await checkRest(http, t, [
    ["POST", "/topics/nix/records", {}, 404, { error_code: 40403 }],
    ["POST", "/topics/a/records", "{bad", 400, { error_code: 400 }],
    ["POST", "/topics/a/records", "", 422, { error_code: 42206 }],
    ["POST", "/topics/a/records", large(100_000), 413, { error_code: 413 }],
    ["POST", "/topics/a/records:batch", { entries: [] }, 422, { error_code: 42208 }],
    ["POST", "/topics/a/records:batch", { entries: [{ id: "1" }, { id: "1" }] }, 422, {
      error_code: 42208,
    }],
    ["POST", "/topics/a/records:batch", { entries: [{}] }, 422, { error_code: 42208 }],
    ["POST", "/topics/a/records:batch", { entries: [{ id: "a b" }] }, 422, { error_code: 42208 }],
    ["POST", "/topics/a/records:batch", { entries: [{ id: "1", val: 1 }] }, 422, {
      error_code: 422,
      message: "Unrecognized field: entries.val",
    }],
    ["POST", "/topics/a/records:batch", "", 422, { error_code: 42208 }],
  ]);
  const path = `${http.cluster}/topics/a/records`;
  const refused = reports(JSON.stringify((await http.send("POST", path, large(5000))).json));
  assertStringIncludes(JSON.stringify(refused), "413");
  const form = { "content-type": "application/x-www-form-urlencoded" };
  assertEquals((await http.send("POST", path, "{}", form)).status, 415);
  const syntax = await http.send("POST", path, '{"value":{"type":"STRING","data":"1"}}{bad}{}');
  assertEquals(reports(syntax.json).map(({ error_code }) => error_code), [200, 400]);
});

Deno.test("REST v3 produces batches, with successes and failures by id", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const path = `${http.cluster}/topics/a/records:batch`;
  const mixed = await http.send(
    "POST",
    path,
    '{"entries":[{"id":"x","value":{"type":"JSON","data":12345678901234567890}},{"id":"y","value":' +
      '{"type":"STRING","data":7}},{"value":{"type":"JSON","data":[1, {"a":"},{"}]},"id":"z"}]}',
  );
  assertEquals(mixed.status, 207);
  assertEquals(mixed.json.successes.map(({ id }: { id: string }) => id), ["x", "z"]);
  assertObjectMatch(mixed.json.failures[0], { id: "y", error_code: 400 });
  const good = await http.send("POST", path, { entries: [{ id: "1" }] });
  assertEquals([good.status, good.json.failures], [207, []]);
  const { messages } = await http.client.consumer().fetchFrom("a", 0, 0);
  assertEquals(
    messages.map((message) => message.value === null ? null : message.text()).sort(),
    ["12345678901234567890", '[1, {"a":"},{"}]', null].sort(),
  );
});

/** A request to produce whose records are sent one by one. */
class ProduceStream {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly response: Promise<Response>;
  #reader: ReadableStreamDefaultReader<string> | undefined;
  #text = "";

  constructor(http: HttpBroker, topic: string) {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.#writer = writable.getWriter();
    this.response = fetch(`${http.url}${http.cluster}/topics/${topic}/records`, {
      method: "POST",
      body: readable,
      headers: { "content-type": "application/json" },
    });
  }

  write(text: string): Promise<void> {
    return this.#writer.write(new TextEncoder().encode(text));
  }

  /** The next report; undefined at the end. */
  async report(): Promise<Record<string, unknown> | undefined> {
    this.#reader ??= (await this.response).body!.pipeThrough(new TextDecoderStream()).getReader();
    while (!this.#text.includes("\n")) {
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#text += value;
    }
    const end = this.#text.indexOf("\n");
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return JSON.parse(line);
  }

  end(): Promise<void> {
    return this.#writer.close();
  }
}

Deno.test("REST v3 reports a streamed record before the next is sent", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const stream = new ProduceStream(http, "a");
  for (let i = 0; i < 3; i++) {
    await stream.write(`{"value":{"type":"STRING","data":"${i}"}}`);
    assertEquals((await stream.report())!.offset, i);
  }
  await stream.end();
  assertEquals(await stream.report(), undefined);
});

Deno.test("REST v3 keeps the order of many streamed records", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const count = 5000;
  const body = Array.from(
    { length: count },
    (_, i) => JSON.stringify({ value: { type: "STRING", data: `${i}` } }),
  ).join("\n");
  const answer = await http.send("POST", `${http.cluster}/topics/a/records`, body);
  assertEquals(
    reports(answer.json).map(({ offset }) => offset),
    Array.from({ length: count }, (_, i) => i),
  );
});

Deno.test("REST v3 ends a stream when the broker stops", async () => {
  const http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const stream = new ProduceStream(http, "a");
  await stream.write("{}");
  assertEquals((await stream.report())!.offset, 0);
  await http[Symbol.asyncDispose]();
  await stream.end().catch(() => {});
  await stream.report().catch(() => {});
});
