import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { TestBroker } from "../broker_testing.ts";
import { CONTROLLER_KEY } from "./controller_office.ts";
import { RevisionConflictError } from "../metadata/metadata_store.ts";
import { setText } from "../metadata/metadata_store_contract_testing.ts";
import { partitionKey } from "./topic_state.ts";

const ID = "t1t1t1t1t1t1t1t1t1t1tA";
const NO_CONFIGS: ReadonlyMap<string, string> = new Map();

Deno.test("ClusterState.commitPartitions() replaces a state once, and every field survives the store", async () => {
  await using broker = await TestBroker.start();
  const { cluster } = broker;
  await cluster.createTopic({ name: "a", id: ID, replicas: [[1, 2], [2]], configs: NO_CONFIGS });
  const topic = cluster.topic("a")!;
  const next = {
    leaderId: 2,
    leaderEpoch: 3,
    leaderIncarnation: "process",
    replicas: [1, 2, 3],
    isr: [2],
    elr: [1],
    adding: [3],
    removing: [1],
    uncleanEpoch: 2,
  };
  await cluster.commitPartitions([{ topic, index: 0, next }], [], false);
  const { revision, ...state } = cluster.topic("a")!.partitions[0]!;
  assertEquals(state, next);
  assertEquals(cluster.topic("a")!.partitions[1]!.revision, 0);
  const again = { topic, index: 0, next };
  await assertRejects(() => cluster.commitPartitions([again], [], false), RevisionConflictError);
  assertEquals(cluster.topic("a")!.partitions[0]!.revision, revision);
  // Neither settings nor new partitions touch what moved.
  await cluster.setTopicConfigs(cluster.topic("a")!, new Map([["retention.ms", "1"]]));
  await cluster.createPartitions(cluster.topic("a")!, [[3]]);
  assertEquals(cluster.topic("a")!.partitions.map(({ replicas }) => replicas), [
    [1, 2, 3],
    [2],
    [3],
  ]);
  assertEquals(cluster.topic("a")!.partitions[0]!.revision, revision);
});

Deno.test("ClusterState.commitPartitions() depends on its guards, and on the topic for a first key", async () => {
  await using broker = await TestBroker.start();
  const { cluster, store } = broker;
  await cluster.createTopic({ name: "a", id: ID, replicas: [[1, 2]], configs: NO_CONFIGS });
  const topic = cluster.topic("a")!;
  const change = { topic, index: 0, next: { ...topic.partitions[0]!, isr: [1] } };
  const guard = { key: "brokers/2", revision: 7 };
  await assertRejects(
    () => cluster.commitPartitions([change], [guard], false),
    RevisionConflictError,
    "brokers/2",
  );
  await cluster.deleteTopic(topic);
  await assertRejects(
    () => cluster.commitPartitions([change], [], false),
    RevisionConflictError,
    "topics/a",
  );
  assertEquals(await store.get(partitionKey(ID, 0)), undefined);
});

Deno.test("ClusterState.commitPartitions() as the controller fails once another one is in office", async () => {
  await using broker = await TestBroker.start();
  const { cluster, store } = broker;
  await cluster.createTopic({ name: "a", id: ID, replicas: [[1, 2]], configs: NO_CONFIGS });
  const topic = cluster.topic("a")!;
  const replacing = store.commit([setText(CONTROLLER_KEY, '{"brokerId":2}')]);
  const change = { topic, index: 0, next: { ...topic.partitions[0]!, leaderId: 2 } };
  const error = await assertRejects(
    () => cluster.commitPartitions([change], [], true),
    ApiError,
  );
  assertEquals(error.code, ErrorCode.NOT_CONTROLLER);
  await replacing;
  assertEquals(cluster.topic("a")!.partitions[0]!.leaderId, 1);
});
