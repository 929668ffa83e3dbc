import { assertEquals } from "@std/assert";
import { silentLogger } from "../logger.ts";
import { BrokerConfig } from "../settings/config.ts";
import type { BrokerSettings } from "../settings/settings.ts";
import { HeartbeatingCluster } from "./heartbeat_testing.ts";
import { PreferredLeaders } from "./preferred_leaders.ts";

const INTERVAL_MS = 5000;

/** Two brokers, of which the second does not lead what it should. */
async function withWrongLeaders(): Promise<HeartbeatingCluster> {
  const cluster = await HeartbeatingCluster.start(2);
  const { cluster: controller } = cluster.broker(1);
  const replicas = [[2, 1], [1, 2], [2, 1]];
  const id = "t1t1t1t1t1t1t1t1t1t1tA";
  await controller.createTopic({ name: "a", id, replicas, configs: new Map() });
  await cluster.kill(2);
  await cluster.pass(100);
  await cluster.restart(2);
  await cluster.pass(100);
  const topic = controller.topic("a")!;
  // The last partition's preferred leader is not in sync yet.
  const next = { ...topic.partitions[0]!, isr: [1, 2] };
  await controller.commitPartitions([{ topic, index: 0, next }], [], true);
  await cluster.rest();
  return cluster;
}

function leaders(cluster: HeartbeatingCluster): number[] {
  return cluster.broker(1).cluster.topic("a")!.partitions.map(({ leaderId }) => leaderId);
}

function start(
  cluster: HeartbeatingCluster,
  id: number,
  settings: Partial<BrokerSettings> = {},
): PreferredLeaders {
  const { cluster: view, elections, clock } = cluster.broker(id);
  const preferred = new PreferredLeaders({
    cluster: view,
    elections,
    config: BrokerConfig.from({ "leader.imbalance.check.interval.seconds": 5, ...settings }),
    clock,
    logger: silentLogger,
  });
  preferred.start();
  return preferred;
}

Deno.test("PreferredLeaders elects preferred leaders that are in sync, at each check", async () => {
  await using cluster = await withWrongLeaders();
  const preferred = start(cluster, 1);
  await cluster.pass(INTERVAL_MS - 100);
  assertEquals(leaders(cluster), [1, 1, 1]);
  await cluster.pass(200);
  assertEquals(leaders(cluster), [2, 1, 1]);
  const { cluster: controller } = cluster.broker(1);
  const topic = controller.topic("a")!;
  const next = { ...topic.partitions[2]!, isr: [1, 2] };
  await controller.commitPartitions([{ topic, index: 2, next }], [], true);
  await cluster.pass(INTERVAL_MS);
  assertEquals(leaders(cluster), [2, 1, 2]);
  preferred.close();
});

Deno.test("PreferredLeaders changes nothing where it is switched off, or on another broker", async () => {
  await using cluster = await withWrongLeaders();
  const off = start(cluster, 1, { "auto.leader.rebalance.enable": false });
  const other = start(cluster, 2);
  await cluster.pass(2 * INTERVAL_MS);
  assertEquals(leaders(cluster), [1, 1, 1]);
  off.close();
  other.close();
});
