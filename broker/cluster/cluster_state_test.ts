import { assert, assertEquals, assertRejects } from "@std/assert";
import { MemoryFileSystem } from "../../storage/mod.ts";
import { TestBroker } from "../broker_testing.ts";
import { silentLogger } from "../logger.ts";
import { type ClusterChange, ClusterState } from "./cluster_state.ts";
import { RevisionConflictError } from "../metadata/metadata_store.ts";
import { partitionStateOf } from "./topic_state_testing.ts";

const ID_1 = "t1t1t1t1t1t1t1t1t1t1tA";
const ID_2 = "t2t2t2t2t2t2t2t2t2t2tA";
const NO_CONFIGS: ReadonlyMap<string, string> = new Map();

/** A second view of the same store. */
function follow(broker: TestBroker): Promise<ClusterState> {
  return ClusterState.open({
    store: broker.store,
    nodeId: 1,
    clusterId: "other view",
    clock: broker.clock,
    logger: silentLogger,
  });
}

Deno.test("ClusterState.createTopic() lets the first replica lead each partition at epoch 0", async () => {
  await using broker = await TestBroker.start();
  const { cluster } = broker;
  const configs = new Map([["retention.ms", "1000"]]);
  await cluster.createTopic({ name: "orders", id: ID_1, replicas: [[1], [1]], configs });
  const topic = cluster.topic("orders")!;
  assertEquals(cluster.topicById(ID_1), topic);
  const partition = partitionStateOf({ replicas: [1] });
  assertEquals(topic.partitions, [partition, partition]);
  assertEquals(topic.configs, configs);
});

Deno.test("ClusterState.createTopic() rejects an existing name, deleteTopic() a changed topic", async () => {
  await using broker = await TestBroker.start();
  const { cluster } = broker;
  const topic = { name: "orders", replicas: [[1]], configs: NO_CONFIGS };
  await cluster.createTopic({ ...topic, id: ID_1 });
  await assertRejects(() => cluster.createTopic({ ...topic, id: ID_2 }), RevisionConflictError);
  const state = cluster.topic("orders")!;
  await cluster.setTopicConfigs(state, new Map([["retention.ms", "1"]]));
  await assertRejects(() => cluster.deleteTopic(state), RevisionConflictError);
  await cluster.deleteTopic(cluster.topic("orders")!);
  assertEquals([cluster.topic("orders"), cluster.topicById(ID_1)], [undefined, undefined]);
});

Deno.test("ClusterState.onChange() reports each change with the topic before and after", async () => {
  await using broker = await TestBroker.start();
  const { cluster } = broker;
  const changes: ClusterChange[] = [];
  const end = cluster.onChange((change) => changes.push(change));
  await cluster.createTopic({ name: "a", id: ID_1, replicas: [[1]], configs: NO_CONFIGS });
  const created = cluster.topic("a")!;
  await cluster.createPartitions(created, [[1], [1]]);
  const grown = cluster.topic("a")!;
  await cluster.deleteTopic(grown);
  end();
  await cluster.createTopic({ name: "b", id: ID_2, replicas: [[1]], configs: NO_CONFIGS });
  assertEquals(changes, [
    { type: "topic", name: "a", before: undefined, after: created },
    { type: "topic", name: "a", before: created, after: grown },
    { type: "topic", name: "a", before: grown, after: undefined },
  ]);
  assertEquals(grown.partitions.length, 3);
});

Deno.test("ClusterState follows commits by others and reads them when opened", async () => {
  await using broker = await TestBroker.start();
  const { cluster } = broker;
  await cluster.createTopic({ name: "a", id: ID_1, replicas: [[1]], configs: NO_CONFIGS });
  const other = await follow(broker);
  assertEquals(other.topic("a"), cluster.topic("a"));
  const seen = new Promise<void>((resolve) => cluster.onChange(() => resolve()));
  await other.createTopic({ name: "b", id: ID_2, replicas: [[1]], configs: NO_CONFIGS });
  await seen;
  assertEquals(cluster.topic("b"), other.topic("b"));
  await other.close();
});

Deno.test("ClusterState shows the leader in the store until its topic is deleted", async () => {
  await using broker = await TestBroker.start();
  const { cluster, store } = broker;
  await cluster.createTopic({ name: "a", id: ID_1, replicas: [[1, 2]], configs: NO_CONFIGS });
  const leader = { leaderId: 2, leaderEpoch: 5, isr: [2] };
  const value = new TextEncoder().encode(JSON.stringify(leader));
  const changed = new Promise<void>((resolve) => cluster.onChange(() => resolve()));
  const revision = await store.commit([{ key: `partitions/${ID_1}/0`, value }]);
  await changed;
  const state = partitionStateOf({ ...leader, replicas: [1, 2], revision });
  assertEquals(cluster.topic("a")!.partitions, [state]);
  await cluster.createPartitions(cluster.topic("a")!, [[2, 1]]);
  assertEquals(cluster.topic("a")!.partitions[0], state);
  await cluster.deleteTopic(cluster.topic("a")!);
  assertEquals((await store.read()).entries.has(`partitions/${ID_1}/0`), false);
});

Deno.test("ClusterState.retry() repeats a mutation after a concurrent change", async () => {
  await using broker = await TestBroker.start();
  const { cluster } = broker;
  await cluster.createTopic({ name: "a", id: ID_1, replicas: [[1]], configs: NO_CONFIGS });
  await Promise.all(["x", "y", "z"].map((name) =>
    cluster.retry(() => {
      const topic = cluster.topic("a")!;
      return cluster.setTopicConfigs(topic, new Map([...topic.configs, [name, "1"]]));
    })
  ));
  assertEquals([...cluster.topic("a")!.configs.keys()].sort(), ["x", "y", "z"]);
});

Deno.test("ClusterState.changeBrokerConfigs() keeps concurrent changes", async () => {
  await using broker = await TestBroker.start();
  const { cluster } = broker;
  await Promise.all(
    ["a", "b", "c"].map((name) =>
      cluster.changeBrokerConfigs("all", (configs) => new Map([...configs, [name, "1"]]))
    ),
  );
  assertEquals(cluster.brokerConfigs("all").size, 3);
  assertEquals(cluster.brokerConfigs(1).size, 0);
  await cluster.changeBrokerConfigs("all", () => new Map());
  assertEquals(cluster.brokerConfigs("all").size, 0);
});

Deno.test("ClusterState makes the broker controller and keeps its state over a restart", async () => {
  const fs = new MemoryFileSystem();
  {
    await using broker = await TestBroker.start({ fs });
    const { cluster } = broker;
    assertEquals([cluster.controllerId, cluster.isController()], [1, true]);
    await cluster.createTopic({ name: "a", id: ID_1, replicas: [[1]], configs: NO_CONFIGS });
    await cluster.changeBrokerConfigs(1, () => new Map([["x", "1"]]));
    await cluster.registerBroker({ host: "elsewhere", port: 1, rack: "r" });
  }
  await using broker = await TestBroker.start({ fs });
  const { cluster } = broker;
  assertEquals(cluster.isController(), true);
  assertEquals(cluster.topic("a")!.id, ID_1);
  assertEquals(cluster.brokerConfigs(1).get("x"), "1");
  const [{ epoch, ...registered } = { epoch: 0 }] = cluster.brokers;
  const address = { host: "localhost", port: 9092 };
  assertEquals(registered, {
    id: 1,
    ...address,
    endpoints: [{ name: "PLAINTEXT", protocol: "PLAINTEXT", ...address }],
    interBrokerListener: "PLAINTEXT",
    rack: null,
    incarnation: undefined,
    session: undefined,
    settings: {},
    hasCrashed: false,
  });
  assert(epoch > 0);
});

Deno.test("ClusterState.close() resigns as controller and can be called twice", async () => {
  const broker = await TestBroker.start();
  await broker.cluster.close();
  assertEquals(broker.cluster.isController(), false);
  await broker.close();
  assertEquals(broker.clock.timerCount, 0);
});
