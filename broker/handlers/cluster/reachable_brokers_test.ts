import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { describeCluster } from "../../../protocol/messages/cluster/describe_cluster.ts";
import { describeQuorum } from "../../../protocol/messages/cluster/describe_quorum.ts";
import { describeConfigs } from "../../../protocol/messages/configs/describe_configs.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { describeTopicPartitions } from "../../../protocol/messages/topics/describe_topic_partitions.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { EMBEDDED_SESSION, type Session } from "../../security/session.ts";
import type { Endpoint } from "../../settings/listeners.ts";
import { describeConfigsHandler } from "../configs/describe_configs.ts";
import { fetchHandler } from "../records/fetch.ts";
import { produceHandler } from "../records/produce.ts";
import { describeTopicPartitionsHandler } from "../topics/describe_topic_partitions.ts";
import { metadataHandler } from "../topics/metadata.ts";
import { describeClusterHandler } from "./describe_cluster.ts";
import { describeQuorumHandler } from "./describe_quorum.ts";

const INTERNAL: Endpoint = { name: "INTERNAL", protocol: "SSL", host: "10.0.0.1", port: 1 };
const EXTERNAL: Endpoint = { name: "EXTERNAL", protocol: "SASL_SSL", host: "kafka-1", port: 2 };
const [ONE, TWO, THREE] = [1, 2, 3] as const;
const LISTENER = ErrorCode.LISTENER_NOT_FOUND;

function sessionOf({ name, protocol }: Pick<Endpoint, "name" | "protocol">): Session {
  return { ...EMBEDDED_SESSION, host: "10.9.9.9", listener: { name, protocol }, isLocal: false };
}

async function put(broker: TestBroker, id: number, value: object): Promise<void> {
  const known = Promise.withResolvers<void>();
  const stop = broker.cluster.onChange(({ type }) => type === "brokers" && known.resolve());
  const bytes = new TextEncoder().encode(JSON.stringify({ rack: null, ...value }));
  await broker.store.commit([{ key: `brokers/${id}`, value: bytes }]);
  await known.promise;
  stop();
}

/**
 * Three brokers: this one with two listeners, one that has the same, and one of before listeners had
 * names. Each leads a partition of topic "t".
 */
async function withThree(): Promise<TestBroker> {
  const broker = await TestBroker.start();
  const endpoints = [INTERNAL, EXTERNAL];
  await broker.cluster.registerBroker({
    host: INTERNAL.host,
    port: INTERNAL.port,
    endpoints,
    interBrokerListener: INTERNAL.name,
    rack: null,
  });
  await put(broker, TWO, {
    host: "10.0.0.2",
    port: 1,
    endpoints: [{ ...INTERNAL, host: "10.0.0.2" }, { ...EXTERNAL, host: "kafka-2" }],
    interBrokerListener: INTERNAL.name,
  });
  await put(broker, THREE, { host: "old", port: 9092 });
  await broker.createTopic("t", { assignment: [[ONE], [TWO], [THREE]] });
  return broker;
}

const ALL: readonly (readonly [listener: string, brokers: readonly string[]])[] = [
  ["INTERNAL", ["1 10.0.0.1:1", "2 10.0.0.2:1"]],
  ["EXTERNAL", ["1 kafka-1:2", "2 kafka-2:2"]],
  ["PLAINTEXT", ["3 old:9092"]],
];

Deno.test("Metadata and DescribeCluster answer with the endpoints of the client's listener", async () => {
  await using broker = await withThree();
  for (const [name, expected] of ALL) {
    broker.session = sessionOf({ name, protocol: "PLAINTEXT" });
    const known = await broker.call(metadata, metadataHandler, 12, { topics: [] });
    assertEquals(
      known.brokers.map(({ nodeId, host, port }) => `${nodeId} ${host}:${port}`),
      expected,
    );
    const cluster = await broker.call(describeCluster, describeClusterHandler, 2, {});
    assertEquals(
      cluster.brokers.map(({ brokerId, host, port }) => `${brokerId} ${host}:${port}`),
      expected,
    );
    assertEquals([known.controllerId, cluster.controllerId], [ONE, ONE]);
  }
});

Deno.test("Metadata and DescribeTopicPartitions report leaders and replicas without the client's listener, as Kafka does", async () => {
  await using broker = await withThree();
  broker.session = sessionOf(EXTERNAL);
  for (
    const [version, errorCode] of [[5, ErrorCode.LEADER_NOT_AVAILABLE], [6, LISTENER], [
      13,
      LISTENER,
    ]]
  ) {
    const { topics } = await broker.call(metadata, metadataHandler, version!, {
      topics: [{ name: "t" }],
    });
    assertEquals(
      topics[0]!.partitions.map((each) => [each.errorCode, each.leaderId, each.offlineReplicas]),
      [[0, ONE, []], [0, TWO, []], [errorCode!, -1, [THREE]]],
      `version ${version}`,
    );
  }
  const { topics } = await broker.call(describeTopicPartitions, describeTopicPartitionsHandler, 0, {
    topics: [{ name: "t" }],
    responsePartitionLimit: 10,
  });
  assertEquals(
    topics[0]!.partitions.map((each) => [each.errorCode, each.leaderId, each.replicaNodes]),
    [[0, ONE, [ONE]], [0, TWO, [TWO]], [LISTENER, -1, [THREE]]],
  );
});

Deno.test("Produce and Fetch name other leaders by the endpoint of the client's listener (KIP-951)", async () => {
  await using broker = await withThree();
  for (const [name, host] of [["INTERNAL", "10.0.0.2"], ["EXTERNAL", "kafka-2"]]) {
    broker.session = sessionOf({ name: name!, protocol: "SSL" });
    const { records } = { records: batchOf(["v"]).bytes };
    const produced = await broker.call(produce, produceHandler, 10, {
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ name: "t", partitionData: [{ index: 1, records }, { index: 2, records }] }],
    });
    assertEquals(produced.nodeEndpoints.map((node) => [node.nodeId, node.host]), [[TWO, host!]]);
    const { topicId } = { topicId: broker.topics.get("t")!.id };
    const fetched = await broker.call(fetch, fetchHandler, 16, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: [{
        topicId,
        partitions: [{ partition: 1, fetchOffset: 0, partitionMaxBytes: 1000 }],
      }],
    });
    assertEquals(fetched.nodeEndpoints.map((node) => [node.nodeId, node.host]), [[TWO, host!]]);
  }
});

Deno.test("DescribeQuorum and DescribeConfigs name listeners", async () => {
  await using broker = await withThree();
  broker.session = sessionOf(EXTERNAL);
  const { nodes } = await broker.call(describeQuorum, describeQuorumHandler, 2, {
    topics: [{ topicName: "__cluster_metadata", partitions: [{ partitionIndex: 0 }] }],
  });
  assertEquals(nodes, [{
    nodeId: ONE,
    listeners: [{ name: "EXTERNAL", host: "kafka-1", port: 2 }],
  }]);
  const { results } = await broker.call(describeConfigs, describeConfigsHandler, 4, {
    resources: [{
      resourceType: 4,
      resourceName: "1",
      configurationKeys: ["advertised.listeners"],
    }],
  });
  assertEquals(results[0]!.configs[0]!.value, "INTERNAL://10.0.0.1:1,EXTERNAL://kafka-1:2");
});

Deno.test("ClusterState.broker() has the address of the listener by which brokers reach each other", async () => {
  await using broker = await withThree();
  // This broker reaches others by the listener PLAINTEXT.
  const address = (id: number) => broker.cluster.broker(id)!.host;
  assertEquals([address(ONE), address(TWO), address(THREE)], ["", "", "old"]);
  assertEquals([...broker.cluster.interBrokerListeners].sort(), ["INTERNAL", "PLAINTEXT"]);
  await put(broker, TWO, { host: "renewed", port: 1 });
  assertEquals(address(TWO), "renewed");
});
