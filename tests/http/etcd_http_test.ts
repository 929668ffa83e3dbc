/**
 * HTTP of brokers that share etcd: any of them answers for the whole cluster, also when one has stopped.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Broker, silentLogger } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { MemoryFileSystem } from "../../storage/mod.ts";
import { EtcdCluster } from "../support/etcd_cluster.ts";
import { EventStream } from "../support/event_stream.ts";
import { HttpBroker } from "../support/http.ts";
import { testWith } from "../support/outside.ts";
import { within } from "../support/within.ts";

async function start(url: string): Promise<HttpBroker> {
  return HttpBroker.of(
    await Broker.start({
      fileSystem: new MemoryFileSystem(),
      listen: "127.0.0.1:0",
      logger: silentLogger,
      config: {
        "metadata": `etcd://${new URL(url).host}/http`,
        "log.dirs": "/data",
        "group.initial.rebalance.delay.ms": 0,
      },
    }),
  );
}

/** Asks until the answer is as it should be: brokers hear of each other by etcd's watch. */
async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  return await within(
    (async () => {
      for (;;) {
        const answer = await ask();
        if (answer !== undefined) return answer;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })(),
    what,
  );
}

testWith(
  "etcd",
  "HTTP of brokers over etcd answers for the cluster, and survives one of them",
  async (path) => {
    await using etcd = await EtcdCluster.start({ path });
    const url = etcd.endpoints[0]!;
    await using first = await start(url);
    await using second = await start(url);
    const third = await start(url);
    try {
      const all = [first, second, third];
      for (const http of all) {
        await until("all brokers", async () => {
          const { json } = await http.get(`${http.cluster}/brokers`);
          return json.data.length === 3 ? true : undefined;
        });
        assertEquals((await http.get("/readyz")).status, 200);
      }
      const created = await second.send("POST", `${second.cluster}/topics`, {
        topic_name: "a",
        partitions_count: 3,
        replication_factor: 3,
      });
      assertEquals(created.status, 201);
      const partitions = await until("the topic", async () => {
        const { status, json } = await first.get("/topics/a/partitions");
        const leaders = new Set(json.map?.(({ leader }: { leader: number }) => leader));
        return status === 200 && leaders.size === 3 ? json : undefined;
      });
      const led = partitions.find(({ leader }: { leader: number }) =>
        leader === third.broker.nodeId
      )
        .partition;

      await using stream = await EventStream.open(`${first.url}/topics/a/stream?offset=start`);
      const produce = async (http: HttpBroker, value: number) => {
        const { json } = await http.send("POST", `/topics/a/partitions/${led}`, {
          records: [{ value }],
        }, { "content-type": "application/vnd.kafka.json.v2+json" });
        return json.offsets[0];
      };
      for (const [i, http] of all.entries()) {
        await until("the record to be written", async () => {
          const { offset, error_code } = await produce(http, i);
          return error_code === null ? offset : undefined;
        });
      }
      const seen = (await stream.records(3)).map(({ value }) => value);
      assertEquals(seen, ["0", "1", "2"]);
      const direct = await second.get(`/topics/a/partitions/${led}/records?offset=0`);
      assertEquals(direct.json.map(({ value }: { value: string }) => atob(value)), seen);

      const { json: { instance_id: id } } = await third.send("POST", "/consumers/g", {});
      const moved = await until("a redirect", async () => {
        const answer = await first.get(`/consumers/g/instances/${id}/assignments`);
        return answer.status === 307 ? answer.headers.get("location") : undefined;
      });
      assertEquals(moved, `${third.url}/consumers/g/instances/${id}/assignments`);
      const group = [{ topic: "a", partition: led, offset: 1 }];
      const { host, port } = first.broker.addresses[0]!;
      await using client = new Client({ brokers: `${host}:${port}` });
      await client.admin().alterGroupOffsets("g2", group);
      for (const http of all) {
        const lag = await until("samples of the group", async () => {
          const { json } = await http.get(`${http.cluster}/history?kind=group&name=g2`);
          return json.data[0]?.series.lag.at(-1) ?? undefined;
        });
        assertEquals(lag, 2);
      }

      await third[Symbol.asyncDispose]();
      await until("a record to be written without it", async () => {
        const written = await produce(second, 3);
        return written?.error_code === null ? true : undefined;
      });
      const [next] = await stream.records(1);
      assertEquals([next!.value, next!.offset], ["3", 3], "the stream continues at the new leader");
      const { json: health } = await first.get(`${first.cluster}/health`);
      assertEquals(health.healthy, false);
    } finally {
      await third[Symbol.asyncDispose]();
    }
  },
);
