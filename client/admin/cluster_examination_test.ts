import { assertEquals, assertMatch } from "@std/assert";
import type { LogDirDescription } from "./admin_types.ts";
import type { BrokerNode, PartitionMetadata } from "../connection/cluster_metadata.ts";
import { ConnectionError, KafkaError } from "../errors.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { examineCluster, type HealthAdmin } from "./cluster_examination.ts";

const signal = new AbortController().signal;

function partition(number: number, leaderId: number, isr: number[]): PartitionMetadata {
  return {
    partition: number,
    leaderId,
    leaderEpoch: 0,
    replicas: [1, 2],
    isr,
    offlineReplicas: [],
  };
}

function admin(
  partitions: PartitionMetadata[],
  controllerId: number,
  logDirsOf: (broker: number) => LogDirDescription[],
  fencedBrokers: BrokerNode[] = [],
): HealthAdmin {
  const topic = { name: "a", id: "x", isInternal: false };
  const brokers = [1, 2].map((id) => ({ id, host: "host", port: 9090 + id, rack: null }));
  return {
    describeCluster: (options) =>
      Promise.resolve({
        clusterId: "c",
        controllerId,
        brokers,
        fencedBrokers: options?.includeFencedBrokers ? fencedBrokers : [],
      }),
    listTopics: () => Promise.resolve([{ ...topic, partitions: partitions.length, replicas: 2 }]),
    describeTopics: () => Promise.resolve([{ ...topic, partitions }]),
    describeLogDirs: (options) => Promise.resolve().then(() => logDirsOf(options!.brokers![0]!)),
  };
}

Deno.test("examineCluster() returns no problems for a healthy cluster", async () => {
  const health = await examineCluster(admin([partition(0, 1, [1, 2])], 1, () => []), signal);
  assertEquals([health.problems, health.partitions, health.brokers.length], [[], 1, 2]);
});

Deno.test("examineCluster() finds leaderless and under-replicated partitions", async () => {
  const partitions = [partition(0, 1, [1, 2]), partition(1, -1, []), partition(2, 2, [2])];
  const { problems } = await examineCluster(admin(partitions, 1, () => []), signal);
  assertEquals(problems.map(({ name, items }) => [name, items]), [
    ["leaderless_partitions", ["a-1"]],
    ["under_replicated_partitions", ["a-1", "a-2"]],
  ]);
});

Deno.test("examineCluster() finds brokers that do not respond, and failed folders", async () => {
  const failed: LogDirDescription = {
    brokerId: 1,
    path: "/data",
    error: new KafkaError("use log directory /data", ErrorCode.KAFKA_STORAGE_ERROR),
    totalBytes: -1,
    usableBytes: -1,
    replicas: [],
  };
  const logDirsOf = (broker: number) => {
    if (broker === 2) throw new ConnectionError("Cannot connect to host:9092: refused");
    return [failed];
  };
  const { problems } = await examineCluster(admin([], -1, logDirsOf), signal);
  assertEquals(problems.map(({ name, items }) => [name, items]), [
    ["no_controller", ["the cluster has none at the moment"]],
    ["failed_brokers", [
      "broker 1 at host:9091, folder /data: Cannot use log directory /data: KAFKA_STORAGE_ERROR",
      "broker 2 at host:9092: Cannot connect to host:9092: refused",
    ]],
  ]);
});

Deno.test("examineCluster() finds full disks, and none where the space is unknown", async () => {
  const logDirsOf = (broker: number): LogDirDescription[] => [{
    brokerId: broker,
    path: "/data",
    error: undefined,
    totalBytes: 1_000_000_000,
    usableBytes: broker === 1 ? 4096 : -1,
    replicas: [],
  }];
  const { problems } = await examineCluster(admin([], 1, logDirsOf), signal);
  assertEquals(problems.map(({ name, items }) => [name, items]), [
    ["failed_brokers", [
      "broker 1 at host:9091, folder /data: the disk is full, and writes are refused",
    ]],
  ]);
});

Deno.test("examineCluster() finds partitions whose leader is listed and does not respond", async () => {
  const partitions = [partition(0, 1, [1, 2]), partition(1, 2, [1, 2])];
  const logDirsOf = (broker: number) => {
    if (broker === 2) throw new ConnectionError("Cannot connect to host:9092: refused");
    return [];
  };
  const { problems } = await examineCluster(admin(partitions, 1, logDirsOf), signal);
  assertEquals(problems.map(({ name }) => name), ["failed_brokers", "leaderless_partitions"]);
  assertEquals(problems[1]!.items, ["a-1"]);
});

Deno.test("examineCluster() finds brokers that have replicas and are not registered", async () => {
  const partitions = [partition(0, 1, [1]), partition(1, 1, [1])]
    .map((each, i) => ({ ...each, replicas: [1, 7 - i], isr: [1, 7 - i] }));
  const { problems } = await examineCluster(admin(partitions, 1, () => []), signal);
  assertEquals(problems.map(({ name, items }) => [name, items]), [["missing_brokers", [
    "broker 6: not registered, and has 1 replica; start it",
    "broker 7: not registered, and has 1 replica; start it",
  ]]]);
});

Deno.test("examineCluster() finds fenced brokers and says to check etcd", async () => {
  const fenced = { id: 3, host: "host", port: 9093, rack: null };
  const partitions = [{ ...partition(0, 3, [1, 3]), replicas: [1, 3] }];
  const { problems } = await examineCluster(admin(partitions, 1, () => [], [fenced]), signal);
  assertEquals(problems.map(({ name }) => name), ["fenced_brokers", "leaderless_partitions"]);
  assertMatch(problems[0]!.items[0]!, /^broker 3 at host:9093: .* check that etcd is running/);
});
