import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { Client, KafkaError } from "../../client/mod.ts";
import { partitionOf } from "../coordinators/coordinator_topic.ts";
import { batchOf } from "../broker_testing.ts";
import { FileSystemError } from "../../storage/file_system/file_system.ts";
import { partsOf } from "../broker.ts";
import { Cluster } from "../cluster.ts";
import {
  controllerOf,
  elect,
  logOf,
  replicaOf,
  stateOf,
  until,
  viewOf,
} from "./cluster_testing.ts";
import { BrokerConfig } from "../settings/config.ts";
import { throttledRates } from "./replication_throttle.ts";

const TOPIC = "orders";
const NOW_MS = 1_700_000_000_000;

/** Has the next sync of a partition's folder fail on a broker, as a broken disk does. */
function breakDisk(cluster: Cluster, id: number): void {
  const { fs } = partsOf(cluster.broker(id)!).directory;
  const syncDir = fs.syncDir.bind(fs);
  fs.syncDir = (path) =>
    path.endsWith(`/${TOPIC}-0`)
      ? Promise.reject(new FileSystemError("sync folder", path, "EIO", "Input/output error"))
      : syncDir(path);
}

/** Runs `use` with a cluster of three brokers and a topic that all have, led by broker 1. */
async function withTopic(
  use: (cluster: Cluster, client: Client) => Promise<void>,
  configs: Record<string, string> = { "min.insync.replicas": "2" },
): Promise<void> {
  await using cluster = await Cluster.start({ brokers: 3 });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, assignments: [[1, 2, 3]], configs });
  const isEverywhere = () => [1, 2, 3].every((id) => replicaOf(cluster, id, TOPIC) !== undefined);
  await until(isEverywhere);
  await use(cluster, client);
}

async function send(client: Client, ...values: string[]): Promise<void> {
  await client.producer().sendBatch(values.map((value) => ({ topic: TOPIC, value })));
}

Deno.test("Replication copies what acks=all acknowledged to the disks of all in-sync replicas", async () => {
  await withTopic(async (cluster, client) => {
    assertEquals(stateOf(cluster, TOPIC).isr, [1, 2, 3]);
    for (const value of ["a", "b", "c"]) {
      await send(client, value);
      for (const id of [1, 2, 3]) {
        const { log } = replicaOf(cluster, id, TOPIC)!;
        assertEquals(log.flushedOffset, log.logEndOffset);
      }
    }
    for (const id of [1, 2, 3]) {
      assertEquals(await logOf(replicaOf(cluster, id, TOPIC)!), ["a", "b", "c"]);
    }
    await until(() => [1, 2, 3].every((id) => replicaOf(cluster, id, TOPIC)!.highWatermark === 3));
    // Nothing about it had to be written to the metadata.
    assertEquals(stateOf(cluster, TOPIC).revision, 0);
  });
});

Deno.test("Replication drops a stopped follower from the ISR, and takes it back once it has caught up", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a");
    await cluster.stopBroker(3);
    // The follower is gone: acks=all needs the other one only.
    await send(client, "b");
    await until(() => stateOf(cluster, TOPIC).isr.length === 2);
    assertEquals(stateOf(cluster, TOPIC).isr, [1, 2]);
    await send(client, "c");
    await cluster.startBroker(3);
    await until(() => stateOf(cluster, TOPIC).isr.length === 3);
    assertEquals(await logOf(replicaOf(cluster, 3, TOPIC)!), ["a", "b", "c"]);
    assertEquals(stateOf(cluster, TOPIC).leaderEpoch, 0);
  });
});

Deno.test("Replication refuses acks=all below min.insync.replicas, and remembers who was in sync", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a");
    await cluster.stopBroker(3);
    await until(() => stateOf(cluster, TOPIC).isr.length === 2);
    await cluster.stopBroker(2);
    await until(() => stateOf(cluster, TOPIC).isr.length === 1);
    assertEquals(stateOf(cluster, TOPIC).elr, [2]);
    await using impatient = new Client({
      brokers: cluster.addresses[0]!,
      retry: { attempts: 1 },
    });
    const refused = impatient.producer().send({ topic: TOPIC, value: "b" });
    const error = await assertRejects(() => refused, KafkaError);
    assertEquals(error.code, "NOT_ENOUGH_REPLICAS");
    await cluster.startBroker(2);
    await send(client, "c");
    assertEquals(stateOf(cluster, TOPIC).elr, []);
  });
});

Deno.test("Replication fails an append that waits when the ISR becomes too small", async () => {
  await withTopic(async (cluster) => {
    const leader = replicaOf(cluster, 1, TOPIC)!;
    await cluster.stopBroker(3);
    await until(() => stateOf(cluster, TOPIC).isr.length === 2);
    // The last follower takes its records no more.
    replicaOf(cluster, 2, TOPIC)!.following!.end();
    const { committed } = leader.append(batchOf(["x"]), { acks: -1, nowMs: NOW_MS });
    const failed = assertRejects(() => committed!);
    await cluster.stopBroker(2);
    const error = await failed as { code?: number };
    assertEquals(error.code, ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    assertEquals(leader.highWatermark, 0);
  });
});

Deno.test("Replication has a new leader continue, and cuts what the old one had alone", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a", "b");
    const old = replicaOf(cluster, 1, TOPIC)!;
    // Neither follower gets this one.
    for (const id of [2, 3]) replicaOf(cluster, id, TOPIC)!.following!.end();
    const { committed } = old.append(batchOf(["lost"]), { acks: -1, nowMs: NOW_MS });
    const failed = assertRejects(() => committed!);
    await elect(cluster, TOPIC, 2);
    assertEquals((await failed as { code?: number }).code, ErrorCode.NOT_LEADER_OR_FOLLOWER);
    await send(client, "c");
    await until(() => [1, 2, 3].every((id) => replicaOf(cluster, id, TOPIC)!.logEndOffset === 3));
    for (const id of [1, 2, 3]) {
      assertEquals(await logOf(replicaOf(cluster, id, TOPIC)!), ["a", "b", "c"]);
    }
    const { leaderId, leaderEpoch, isr } = stateOf(cluster, TOPIC);
    assertEquals([leaderId, leaderEpoch, isr], [2, 1, [2, 1, 3].sort()]);
  });
});

Deno.test("Replication loses nothing when a leader is killed, and its next process does not lead its epoch", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a", "b");
    await cluster.killBroker(1);
    await elect(cluster, TOPIC, 3);
    await send(client, "c");
    await cluster.startBroker(1);
    await until(() => stateOf(cluster, TOPIC).isr.length === 3);
    await send(client, "d");
    for (const id of [1, 2, 3]) {
      assertEquals(await logOf(replicaOf(cluster, id, TOPIC)!), ["a", "b", "c", "d"]);
    }
  });
});

Deno.test("Replication has everything acknowledged after all brokers were killed at once", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a", "b");
    await Promise.all([1, 2, 3].map((id) => cluster.killBroker(id)));
    for (const id of [3, 1, 2]) await cluster.startBroker(id);
    await send(client, "c");
    await until(() => stateOf(cluster, TOPIC).isr.length === 3);
    for (const id of [1, 2, 3]) {
      assertEquals(await logOf(replicaOf(cluster, id, TOPIC)!), ["a", "b", "c"]);
    }
  });
});

Deno.test("Replication opens a replica with the high watermark that was noted for it", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a", "b");
    await until(() => replicaOf(cluster, 3, TOPIC)!.highWatermark === 2);
    await cluster.stopBroker(3);
    await cluster.stopBroker(2);
    await cluster.stopBroker(1);
    // Alone, it can learn nothing.
    await cluster.startBroker(3);
    await until(() => replicaOf(cluster, 3, TOPIC) !== undefined);
    assertEquals(replicaOf(cluster, 3, TOPIC)!.highWatermark, 2);
  });
});

Deno.test("Replication keeps a restarted leader from leading until it is elected again", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a");
    await cluster.killBroker(1);
    await cluster.startBroker(1);
    await until(() => replicaOf(cluster, 1, TOPIC) !== undefined);
    const replica = replicaOf(cluster, 1, TOPIC)!;
    if (replica.leaderEpoch === 0) assertEquals(replica.isLeader, false);
    await elect(cluster, TOPIC, 1);
    await send(client, "b");
    assertEquals(await logOf(replica), ["a", "b"]);
  });
});

Deno.test("Replication refuses topics that several replicas cannot keep safe", async () => {
  await using cluster = await Cluster.start({ brokers: 2 });
  await using client = new Client({ brokers: cluster.addresses });
  const code = async (topic: object) => {
    const create = () => client.admin().createTopic({ name: TOPIC, ...topic });
    return (await assertRejects(create, KafkaError)).code;
  };
  assertEquals(await code({ replicas: 3 }), "INVALID_REPLICATION_FACTOR");
  const configs = { flush: "os" };
  assertEquals(await code({ replicas: 2, configs }), "INVALID_CONFIG");
});

Deno.test("DeleteRecords is answered when all in-sync replicas have deleted the records", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a", "b", "c");
    await client.admin().deleteRecords(TOPIC, { 0: 2 });
    for (const id of [1, 2, 3]) {
      const { log, logStartOffset } = replicaOf(cluster, id, TOPIC)!;
      assertEquals([log.logStartOffset, logStartOffset], [2, 2]);
    }
  });
});

Deno.test("A follower that was away while the leader deleted records begins at the leader's log start", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a");
    await cluster.stopBroker(3);
    await send(client, "b");
    await send(client, "c");
    await until(() => stateOf(cluster, TOPIC).isr.length === 2);
    await client.admin().deleteRecords(TOPIC, { 0: 2 });
    await cluster.startBroker(3);
    await until(() => stateOf(cluster, TOPIC).isr.length === 3);
    const { log } = replicaOf(cluster, 3, TOPIC)!;
    assertEquals([log.logStartOffset, log.logEndOffset], [2, 3]);
    assertEquals(await logOf(replicaOf(cluster, 3, TOPIC)!), ["c"]);
  });
});

Deno.test("Committed offsets survive the death of their coordinator", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a", "b", "c");
    const read = async (expected: readonly string[]) => {
      await using consumer = client.groupConsumer({
        groupId: "g",
        topics: TOPIC,
        autoCommit: false,
      });
      const values: string[] = [];
      while (values.length < expected.length) {
        for (const message of await consumer.poll(10_000)) values.push(message.text());
      }
      assertEquals(values, expected);
      await consumer.commit();
    };
    await read(["a", "b", "c"]);
    const { partitions } = await client.admin().describeTopic("__consumer_offsets");
    assertEquals(partitions[0]!.replicas.length, 3);
    const coordinator = partitions[partitionOf("g", partitions.length)]!.leaderId;
    await cluster.killBroker(coordinator);
    await send(client, "d");
    await read(["d"]);
  });
});

Deno.test("Replication continues without a follower whose disk fails, until it is started again", async () => {
  await withTopic(async (cluster, client) => {
    breakDisk(cluster, 3);
    await send(client, "a");
    assertEquals(stateOf(cluster, TOPIC).isr, [1, 2]);
    assertEquals(viewOf(cluster, 1).broker(3), undefined);
    await send(client, "b");
    await cluster.killBroker(3);
    await cluster.startBroker(3);
    await until(() => stateOf(cluster, TOPIC).isr.length === 3);
    assertEquals(await logOf(replicaOf(cluster, 3, TOPIC)!), ["a", "b"]);
  });
});

Deno.test("Replication has another broker lead when the disk of a leader fails", async () => {
  await withTopic(async (cluster, client) => {
    breakDisk(cluster, 1);
    await send(client, "a");
    await until(() => viewOf(cluster, 2).topic(TOPIC)!.partitions[0]!.leaderId !== 1);
    assertEquals(viewOf(cluster, 2).broker(1), undefined);
    await send(client, "b");
    await cluster.killBroker(1);
    await cluster.startBroker(1);
    await until(() => stateOf(cluster, TOPIC).isr.length === 3);
    await until(() => replicaOf(cluster, 1, TOPIC)!.logEndOffset === 2);
    for (const id of [1, 2, 3]) {
      assertEquals(await logOf(replicaOf(cluster, id, TOPIC)!), ["a", "b"]);
    }
  });
});

Deno.test("Replication copies a log again whose folder was deleted, after a clean stop and after a crash", async () => {
  for (const isClean of [true, false]) {
    await withTopic(async (cluster, client) => {
      await send(client, "a", "b");
      const { directory, context } = partsOf(cluster.broker(3)!);
      const { fs } = directory;
      await directory.checkpoint();
      await context.topics.checkpointHighWatermarks();
      const removeFolder = () => fs.removeSync(`${directory.path}/${TOPIC}-0`);
      if (isClean) {
        await cluster.stopBroker(3);
        removeFolder();
      } else {
        removeFolder();
        await cluster.killBroker(3);
      }
      await send(client, "c");
      await cluster.startBroker(3);
      await until(() => stateOf(cluster, TOPIC).isr.length === 3);
      await until(() => replicaOf(cluster, 3, TOPIC)!.highWatermark === 3);
      assertEquals(await logOf(replicaOf(cluster, 3, TOPIC)!), ["a", "b", "c"]);
    });
  }
});

Deno.test("Replication keeps the high watermark of a log that was lost before its first checkpoint", async () => {
  await withTopic(async (cluster, client) => {
    await send(client, "a", "b");
    await until(() => replicaOf(cluster, 3, TOPIC)!.highWatermark === 2);
    const { directory: { fs, path }, context } = partsOf(cluster.broker(3)!);
    await context.topics.checkpointHighWatermarks();
    await Promise.all([cluster.killBroker(1), cluster.killBroker(2), cluster.stopBroker(3)]);
    for (const lost of [`${TOPIC}-0`, "recovery-point-offset-checkpoint", ".kafka_cleanshutdown"]) {
      fs.removeSync(`${path}/${lost}`);
    }
    const { highWatermarks } = partsOf(await cluster.startBroker(3)).directory;
    assertEquals(replicaOf(cluster, 3, TOPIC)!.logEndOffset, 0);
    assertEquals(highWatermarks.get(`${TOPIC}-0`), 2);
  });
});

Deno.test("Replication goes by the rate in a leader's configuration, unless it was changed at run time", async () => {
  const name = "leader.replication.throttled.rate";
  await using cluster = await Cluster.start({ brokers: 2, config: { [name]: 4711 } });
  const view = viewOf(cluster, 2);
  const { leaderRate } = throttledRates(BrokerConfig.from({}), view);
  assertEquals(leaderRate(1), 4711);
  await controllerOf(cluster).changeBrokerConfigs("all", () => new Map([[name, "20"]]));
  await until(() => leaderRate(1) === 20);
  await controllerOf(cluster).changeBrokerConfigs(1, () => new Map([[name, "10"]]));
  await until(() => leaderRate(1) === 10);
  assertEquals([leaderRate(2), leaderRate(9)], [20, 20]);
});
