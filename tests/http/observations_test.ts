/**
 * Tests of what only this broker's API has: health, events, history and folders.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Broker, Cluster } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { HttpBroker } from "../support/http.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

interface Problem {
  readonly name: string;
  readonly items: readonly string[];
}

Deno.test("GET …/health has no problems of a cluster that is well, and names those of one that is not", async () => {
  await using cluster = await Cluster.start({ brokers: 2 });
  const http = HttpBroker.of(cluster.brokers[0]!);
  try {
    await http.client.admin().createTopic({ name: "a", partitions: 2, replicas: 2 });
    await http.client.admin().createTopic({ name: "b", assignments: [[2]] });
    for (const place of [{ topic: "a", partition: 0 }, { topic: "a", partition: 1 }]) {
      await http.client.producer().send({ ...place, value: "x" });
    }
    const health = async () => (await http.get(`${http.cluster}/health`)).json;
    const well = await health();
    assertEquals([well.healthy, well.ready, well.problems], [true, true, []]);
    assertEquals(well.brokers, [1, 2]);
    await cluster.stopBroker(2);
    const found = await within(
      (async () => {
        for (;;) {
          const { problems } = await health() as { problems: Problem[] };
          const under = problems.find(({ name }) => name === "under_replicated_partitions");
          if (under?.items.length === 2) return problems;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })(),
      "under-replicated partitions",
    );
    const items = (name: string) => found.find((problem) => problem.name === name)?.items;
    assertEquals(items("leaderless_partitions"), ["b-0"]);
    assertEquals(items("under_replicated_partitions"), ["a-0", "a-1"]);
    assert(items("missing_brokers")![0]!.startsWith("broker 2: not registered"));
  } finally {
    await http[Symbol.asyncDispose]();
  }
});

Deno.test("GET …/events has those after a sequence number", async () => {
  await using http = await HttpBroker.start();
  const events = async (query = "") => (await http.get(`${http.cluster}/events${query}`)).json.data;
  await http.client.admin().createTopic({ name: "a" });
  const [created] = await events();
  assertEquals([created.type, created.object, created.is_warning], ["topic", "a", false]);
  await http.client.admin().deleteTopic("a");
  const later = await events(`?after=${created.sequence}`);
  assertEquals(later.map(({ text }: { text: string }) => text), ["Was deleted"]);
  for (const after of ["x", "-1", "1.5", "9".repeat(40)]) {
    assertEquals((await http.get(`${http.cluster}/events?after=${after}`)).status, 400, after);
  }
});

Deno.test("GET …/history has samples of the broker, of one topic and of all", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const history = async (query: string) =>
    (await http.get(`${http.cluster}/history${query}`)).json.data;
  const [broker] = await history("");
  assertEquals([broker.step_ms, broker.broker_id], [10_000, 1]);
  assert(broker.series.resident_bytes[0] > 1e6);
  assertEquals(broker.series.records_in, [null], "a rate needs two samples");
  assertEquals((await history("?kind=topic")).map(({ name }: { name: string }) => name), ["a"]);
  assertEquals((await history("?kind=topic&name=a"))[0].series.size_bytes, [0]);
  assertEquals(await history("?kind=group&name=none"), []);
  assertEquals((await http.get(`${http.cluster}/history?kind=__proto__`)).status, 400);
});

Deno.test("GET …/log-dirs has the sizes of replicas and of the disk", async () => {
  await using folder = await TemporaryFolder.create();
  const broker = await Broker.start({
    listen: "127.0.0.1:0",
    config: { "log.dirs": folder.join("data"), "log.level": "error" },
  });
  const http = HttpBroker.of(broker);
  try {
    await using client = new Client({ broker });
    await client.admin().createTopic({ name: "a" });
    await client.producer().send({ topic: "a", value: "x".repeat(100) });
    const [dir] = (await http.get(`${http.cluster}/brokers/1/log-dirs`)).json.data;
    assertEquals([dir.path, dir.error], [folder.join("data"), null]);
    assert(dir.usable_bytes > 0 && dir.usable_bytes < dir.total_bytes);
    const [replica] = dir.replicas;
    assertEquals([replica.topic_name, replica.partition_id, replica.offset_lag], ["a", 0, 0]);
    assert(replica.size_bytes > 100);
    assertEquals((await http.get(`${http.cluster}/brokers/7/log-dirs`)).status, 404);
  } finally {
    await http[Symbol.asyncDispose]();
  }
});

Deno.test("GET …/configs has documentation only if asked", async () => {
  await using http = await HttpBroker.start();
  await http.client.admin().createTopic({ name: "a" });
  const path = `${http.cluster}/topics/a/configs`;
  const plain = (await http.get(path)).json.data;
  assert(plain.every((config: object) => !("documentation" in config)));
  const documented = (await http.get(`${path}?include_documentation=true`)).json.data;
  assert(
    documented.every(({ documentation }: { documentation: string }) => documentation.length > 8),
  );
});

Deno.test("GET …/history of a group is the same from every broker, with lag in partitions led elsewhere", async () => {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using opened = new AsyncDisposableStack();
  const all = cluster.brokers.map((broker) => opened.use(HttpBroker.of(broker)));
  const { client } = all[0]!;
  await client.admin().createTopic({ name: "a", partitions: 6 });
  const places = Array.from({ length: 6 }, (_, partition) => ({ topic: "a", partition }));
  for (const place of places) await client.producer().send({ ...place, value: "x" });
  await client.admin().alterGroupOffsets("g", places.map((place) => ({ ...place, offset: 0 })));
  const series = await Promise.all(all.map(async (http) =>
    await within(
      (async () => {
        for (;;) {
          const { json } = await http.get(`${http.cluster}/history?kind=group&name=g`);
          // Until the broker that has them has announced its port.
          if (json.data.length > 0) return json.data[0];
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })(),
      "samples of the group",
    )
  ));
  for (const { name, series: { lag } } of series) assertEquals([name, lag.at(-1)], ["g", 6]);
  assertEquals(new Set(series.map(({ broker_id: id }) => id)).size, 1, "those of its coordinator");
  const unknown = await all[0]!.get(`${all[0]!.cluster}/history?kind=group&name=unknown`);
  assertEquals([unknown.status, unknown.json.data], [200, []]);
});
