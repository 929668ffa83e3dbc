/**
 * Tests of transactions over HTTP.
 *
 * @module
 */

import { assert, assertEquals, assertObjectMatch, assertRejects } from "@std/assert";
import { EventStream } from "../support/event_stream.ts";
import { HttpBroker } from "../support/http.ts";

Deno.test("GET …/transactions has none of a broker without transactions, and refuses bad queries", async () => {
  await using http = await HttpBroker.start();
  const at = `${http.cluster}/transactions`;
  for (const query of ["", "?open=true", "?min_duration_ms=1000"]) {
    const { status, json } = await http.get(`${at}${query}`);
    assertEquals([status, json.kind, json.data], [200, "DqueueTransactionList", []], query);
  }
  for (const query of ["-1", "x", "1.5"]) {
    assertEquals((await http.get(`${at}?min_duration_ms=${query}`)).status, 400, query);
  }
});

Deno.test("REST lists open transactions with the oldest first, describes and aborts them", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a", partitions: 2 });
  const producer = (transactionalId: string) => http.client.producer({ transactionalId });
  const [old, young] = ["z/old", "young"].map(producer);
  const done = producer("done");
  const oldTransaction = await old!.begin();
  await oldTransaction.send({ topic: "a", partition: 0, value: "1" });
  await oldTransaction.send({ topic: "a", partition: 1, value: "2" });
  const youngTransaction = await young!.begin();
  await youngTransaction.send({ topic: "a", partition: 1, value: "3" });
  const committed = await done.begin();
  await committed.send({ topic: "a", partition: 0, value: "4" });
  await committed.commit();

  const at = `${http.cluster}/transactions`;
  const open = (await http.get(`${at}?open=true`)).json.data;
  assertEquals(open.map((one: { transactional_id: string }) => one.transactional_id), [
    "z/old",
    "young",
  ]);
  assertObjectMatch(open[0], { state: "Ongoing", partitions_count: 2, coordinator_id: 1 });
  assert(Date.parse(open[0].start_time) <= Date.parse(open[1].start_time));
  assertEquals((await http.get(at)).json.data.length, 3);
  assertEquals((await http.get(`${at}?min_duration_ms=3600000`)).json.data, []);

  const one = `${at}/${encodeURIComponent("z/old")}`;
  const { json: described } = await http.get(one);
  assertEquals(described.partitions, [
    { topic_name: "a", partition_id: 0 },
    { topic_name: "a", partition_id: 1 },
  ]);
  const abort = (body?: unknown) => http.send("POST", `${one}/abort`, body);
  const wrong = await abort({ producer_epoch: described.producer_epoch + 1 });
  assertEquals([wrong.status, wrong.json.error_code], [409, 40903]);
  assertEquals((await abort({ producer_epoch: described.producer_epoch })).status, 204);
  await assertRejects(() => oldTransaction.commit());
  const { json: left } = await http.get(`${at}?open=true`);
  assertEquals(left.data.map((each: { transactional_id: string }) => each.transactional_id), [
    "young",
  ]);
  const again = await abort();
  assertEquals([again.status, again.json.error_code], [409, 40903], "it is not open any more");
  await youngTransaction.abort();
  for (const [method, path] of [["GET", "/no"], ["POST", "/no/abort"]] as const) {
    const none = await http.send(method, `${at}${path}`);
    assertEquals([none.status, none.json.error_code], [404, 404], path);
  }
});

Deno.test("GET /metrics has the transactions of a coordinator by state, and what became of them", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const valueOf = async (name: string) => {
    const text = await (await fetch(`${http.url}/metrics`)).text();
    const line = text.split("\n").find((line) => line.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.split(" ")[1]);
  };
  const producer = http.client.producer({ transactionalId: "t" });
  for (const end of ["commit", "commit", "abort"] as const) {
    const transaction = await producer.begin();
    await transaction.send({ topic: "a", value: "x" });
    await transaction[end]();
  }
  const open = await http.client.producer({ transactionalId: "open" }).begin();
  await open.send({ topic: "a", value: "x" });
  assertEquals(await valueOf('dqueue_transactions{state="Ongoing"}'), 1);
  assert((await valueOf("dqueue_transaction_oldest_seconds"))! >= 0);
  assertEquals(await valueOf('dqueue_transactions_ended_total{result="committed"}'), 2);
  assertEquals(await valueOf('dqueue_transactions_ended_total{result="aborted"}'), 1);
  assert((await valueOf("dqueue_transaction_markers_total"))! >= 2);
  assertEquals(await valueOf("dqueue_transaction_markers_refused"), 0);
  await open.abort();
});

Deno.test("GET /topics/{t}/stream with isolation=read_committed waits for the end of transactions", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const open = (query: string) => EventStream.open(`${http.url}/topics/a/stream?${query}`);
  const valuesOf = async (stream: EventStream, count: number) =>
    (await stream.records(count)).map(({ value }) => value);
  const producer = http.client.producer({ transactionalId: "t" });
  const aborted = await producer.begin();
  await aborted.send({ topic: "a", value: "aborted" });
  await aborted.abort();
  const committed = await producer.begin();
  await committed.send({ topic: "a", value: "committed" });
  await committed.commit();
  {
    await using all = await open("offset=start&exit=1");
    await using only = await open("offset=start&exit=1&isolation=read_committed");
    assertEquals(await valuesOf(all, 2), ["aborted", "committed"]);
    assertEquals(await valuesOf(only, 1), ["committed"]);
    assertEquals((await all.until("end")).data.matched, 2);
    assertEquals((await only.until("end")).data.matched, 1);
  }
  await using early = await open("");
  await using late = await open("isolation=read_committed");
  await early.until("caught-up");
  await late.until("caught-up");
  const pending = await producer.begin();
  await pending.send({ topic: "a", value: "pending" });
  await http.client.producer().send({ topic: "a", value: "after it" });
  assertEquals(await valuesOf(early, 2), ["pending", "after it"]);
  await pending.commit();
  assertEquals(await valuesOf(late, 2), ["pending", "after it"], "in order, once it is committed");
});

Deno.test("REST v2 reads what transactions have committed if it is asked to", async (t) => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const accept = "application/vnd.kafka.binary.v2+json";
  const headers = { accept, "content-type": "application/vnd.kafka.v2+json" };
  const send = async (method: string, path: string, body?: unknown) => {
    const { status, json } = await http.send(method, path, body, headers);
    assert(status === 200 || status === 204, JSON.stringify(json));
    return json;
  };
  const valuesOf = (records: { value: string }[]) => records.map(({ value }) => atob(value));
  const producer = http.client.producer({ transactionalId: "t" });
  const aborted = await producer.begin();
  await aborted.send({ topic: "a", value: "aborted" });
  await aborted.abort();
  const committed = await producer.begin();
  await committed.send({ topic: "a", value: "committed" });
  await committed.commit();
  const open = await producer.begin();
  await open.send({ topic: "a", value: "open" });
  const LEVELS = {
    read_uncommitted: ["aborted", "committed", "open"],
    read_committed: ["committed"],
  };

  await t.step("directly", async () => {
    const read = (query: string) => send("GET", `/topics/a/partitions/0/records?timeout=0${query}`);
    for (const [level, expected] of Object.entries(LEVELS)) {
      assertEquals(valuesOf(await read(`&isolation=${level}`)), expected);
    }
    assertEquals(valuesOf(await read("")), LEVELS.read_uncommitted);
    const { status, json } = await http.get("/topics/a/partitions/0/records?isolation=all");
    assertEquals([status, json.error_code], [400, 400]);
  });
  for (const how of ["subscription", "assignments"]) {
    await t.step(`by a consumer with ${how}`, async () => {
      for (const [level, expected] of Object.entries(LEVELS)) {
        const { base_uri: uri } = await send("POST", `/consumers/${how}-${level}`, {
          "auto.offset.reset": "earliest",
          "isolation.level": level,
        });
        const at = new URL(uri).pathname;
        const what = how === "subscription"
          ? { topics: ["a"] }
          : { partitions: [{ topic: "a", partition: 0 }] };
        await send("POST", `${at}/${how}`, what);
        const values: string[] = [];
        while (values.length < expected.length) {
          values.push(...valuesOf(await send("GET", `${at}/records?timeout=5000`)));
        }
        assertEquals(values, expected);
        assertEquals(await send("GET", `${at}/records?timeout=0`), []);
        await send("DELETE", at);
      }
    });
  }
  await open.abort();
});
