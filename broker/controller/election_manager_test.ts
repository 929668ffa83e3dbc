import { assert, assertEquals } from "@std/assert";
import { setText } from "../metadata/metadata_store_contract_testing.ts";
import { HeartbeatingCluster } from "./heartbeat_testing.ts";
import { partitionKey, type PartitionState } from "../cluster/topic_state.ts";

const NO_CONFIGS: ReadonlyMap<string, string> = new Map();
const ID = "t1t1t1t1t1t1t1t1t1t1tA";

/** Creates a topic whose partitions have these replicas. */
async function create(
  cluster: HeartbeatingCluster,
  replicas: readonly (readonly number[])[],
): Promise<void> {
  await cluster.broker(1).cluster.createTopic({ name: "a", id: ID, replicas, configs: NO_CONFIGS });
  await cluster.rest();
}

function partitions(cluster: HeartbeatingCluster, at: number): readonly PartitionState[] {
  return cluster.broker(at).cluster.topic("a")!.partitions;
}

function leaders(cluster: HeartbeatingCluster, at: number): (readonly [number, number])[] {
  return partitions(cluster, at).map(({ leaderId, leaderEpoch }) => [leaderId, leaderEpoch]);
}

Deno.test("ElectionManager elects leaders when a broker is deposed, and when the controller is", async (t) => {
  const replicas = [[1, 2, 3], [2, 3, 1], [3, 1, 2], [2], [3]];
  await t.step("another broker", async () => {
    await using cluster = await HeartbeatingCluster.start(3);
    await create(cluster, replicas);
    await cluster.kill(2);
    await cluster.pass(100);
    assertEquals(leaders(cluster, 3), [[1, 0], [3, 1], [3, 0], [2, 0], [3, 0]]);
    assertEquals(partitions(cluster, 3)[1]!.isr, [3, 1]);
  });
  await t.step("the controller", async () => {
    await using cluster = await HeartbeatingCluster.start(3);
    await create(cluster, replicas);
    await cluster.kill(1);
    await cluster.pass(100);
    assertEquals(leaders(cluster, 3), [[2, 1], [2, 0], [3, 0], [2, 0], [3, 0]]);
  });
});

Deno.test("ElectionManager gives a restarted process new epochs, and a returned one none", async (t) => {
  await t.step("restarted", async () => {
    await using cluster = await HeartbeatingCluster.start(2);
    await create(cluster, [[2, 1], [2]]);
    await cluster.kill(2);
    await cluster.pass(100);
    assertEquals(leaders(cluster, 1), [[1, 1], [2, 0]]);
    await cluster.restart(2);
    await cluster.pass(100);
    assertEquals(leaders(cluster, 1), [[1, 1], [2, 1]]);
  });
  await t.step("restarted after a clean shutdown", async () => {
    await using cluster = await HeartbeatingCluster.start(2);
    await create(cluster, [[2]]);
    await cluster.kill(2);
    await cluster.pass(100);
    await cluster.restart(2, false);
    await cluster.pass(100);
    assertEquals(leaders(cluster, 1), [[2, 0]]);
  });
  await t.step("returned", async () => {
    await using cluster = await HeartbeatingCluster.start(3);
    // No other replica can be elected meanwhile.
    await create(cluster, [[2, 3], [2]]);
    const [state] = partitions(cluster, 1);
    const { cluster: broker } = cluster.broker(1);
    const change = { topic: broker.topic("a")!, index: 0, next: { ...state!, isr: [2] } };
    await broker.commitPartitions([change], [], true);
    cluster.pause(2);
    await cluster.pass(2000);
    assertEquals(broker.broker(2), undefined);
    assertEquals(leaders(cluster, 1), [[2, 0], [2, 0]]);
    cluster.broker(2).resume!();
    await cluster.pass(5000);
    assert(broker.broker(2) !== undefined);
    assertEquals(leaders(cluster, 1), [[2, 0], [2, 0]]);
  });
});

Deno.test("ElectionManager elects the leaders of more partitions than fit a commit", async () => {
  await using cluster = await HeartbeatingCluster.start(3);
  await create(cluster, Array.from({ length: 500 }, () => [2, 3, 1]));
  await cluster.kill(2);
  await cluster.pass(100);
  assertEquals(leaders(cluster, 1), Array.from({ length: 500 }, () => [3, 1]));
});

Deno.test("ElectionManager decides again what others change at the same time", async () => {
  await using cluster = await HeartbeatingCluster.start(3);
  await create(cluster, Array.from({ length: 200 }, () => [2, 3, 1]));
  const { cluster: follower } = cluster.broker(3);
  const { commitPartitions } = follower;
  const changing = (async () => {
    // The leader of its own choosing: any change of the keys conflicts with the elections.
    for (let index = 0; index < 200; index += 3) {
      const topic = follower.topic("a")!;
      const next = { ...topic.partitions[index]!, isr: [3, 1] };
      await commitPartitions.call(follower, [{ topic, index, next }], [], false).catch(() => {});
    }
  })();
  await cluster.kill(2);
  await cluster.pass(200);
  await changing;
  assertEquals(leaders(cluster, 1), Array.from({ length: 200 }, () => [3, 1]));
  const entries = (await cluster.store.read()).entries;
  assertEquals(entries.has(partitionKey(ID, 199)), true);
});

Deno.test("ElectionManager waits for brokers that lost their sessions with most of the others", async (t) => {
  const lose = async (cluster: HeartbeatingCluster, ids: readonly number[]) => {
    await cluster.store.commit(ids.map((id) => ({ key: `brokers/${id}`, value: null })));
    await cluster.rest();
  };
  await t.step("most", async () => {
    await using cluster = await HeartbeatingCluster.start(3);
    await create(cluster, [[2, 3, 1], [3, 2, 1]]);
    await lose(cluster, [2, 3]);
    await cluster.pass(500);
    assertEquals(leaders(cluster, 1), [[2, 0], [3, 0]]);
    await cluster.pass(5000);
    // They are back, with what they had.
    assertEquals(cluster.broker(1).cluster.brokers.length, 3);
    assertEquals(leaders(cluster, 1), [[2, 0], [3, 0]]);
  });
  await t.step("most, for ever", async () => {
    await using cluster = await HeartbeatingCluster.start(3);
    await create(cluster, [[2, 3, 1]]);
    for (const id of [2, 3]) cluster.pause(id);
    await lose(cluster, [2, 3]);
    for (const id of [2, 3]) await cluster.kill(id);
    await cluster.pass(3000);
    assertEquals(leaders(cluster, 1), [[1, 1]]);
  });
  await t.step("fewer", async () => {
    await using cluster = await HeartbeatingCluster.start(3);
    await create(cluster, [[2, 3, 1]]);
    await lose(cluster, [2]);
    await cluster.pass(100);
    assertEquals(leaders(cluster, 1), [[3, 1]]);
  });
});

Deno.test("ElectionManager elects leaders of partitions created for a process that has gone", async () => {
  await using cluster = await HeartbeatingCluster.start(3);
  const { incarnation } = cluster.broker(1).cluster.broker(1)!;
  const write = async (
    replicas: readonly (readonly number[])[],
    incarnations: readonly object[],
  ) => {
    const value = { id: ID, replicas, configs: {}, incarnations };
    await cluster.store.commit([setText("topics/a", JSON.stringify(value))]);
    await cluster.rest();
    await cluster.pass(100);
  };
  const created = { from: 0, leaders: { 1: incarnation, 2: "gone" } };
  await write([[2, 1], [1, 2]], [created]);
  assertEquals(leaders(cluster, 3), [[2, 1], [1, 0]]);
  const added = { from: 2, leaders: { 3: "gone" } };
  await write([[2, 1], [1, 2], [3, 1]], [created, added]);
  assertEquals(leaders(cluster, 3), [[2, 1], [1, 0], [3, 1]]);
});

Deno.test("ElectionManager elects leaders once a controller is certain of its session again", async () => {
  await using cluster = await HeartbeatingCluster.start(3);
  await create(cluster, [[2, 3, 1]]);
  cluster.doubtful.add(1);
  await cluster.store.commit([{ key: "brokers/2", value: null }]);
  await cluster.rest();
  assertEquals(leaders(cluster, 3), [[2, 0]]);
  cluster.doubtful.clear();
  await cluster.pass(300);
  assertEquals(leaders(cluster, 3), [[3, 1]]);
});

Deno.test("ElectionManager moves leaders away from a broker that is drained, also under another controller", async () => {
  await using cluster = await HeartbeatingCluster.start(3);
  await create(cluster, [[2, 3, 1], [3, 2, 1], [2]]);
  const drain = (configs: [string, string][]) =>
    cluster.broker(1).cluster.changeBrokerConfigs(2, () => new Map(configs));
  await drain([["broker.draining", "true"]]);
  await cluster.rest();
  // Nobody else has the last partition.
  assertEquals(leaders(cluster, 3), [[3, 1], [3, 0], [2, 0]]);
  await cluster.kill(1);
  await cluster.pass(2000);
  await cluster.kill(3);
  await cluster.pass(10);
  assertEquals(leaders(cluster, 2).map(([id]) => id), [3, 3, 2]);
});
